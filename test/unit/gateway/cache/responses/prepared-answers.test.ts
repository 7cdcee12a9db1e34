import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AnswerHeaders } from '../../../../../gateway/cache/responses/answer-headers';
import { HttpSink } from '../../../../../gateway/http/http-sink';
import { PreparedAnswers } from '../../../../../gateway/cache/responses/prepared-answers';
import type { RequestHead } from '../../../../../gateway/request/incoming-request';
import { storedAnswer } from '../../../../../gateway/cache/responses/stored-answer';
import { WholeRequest, WholeResponse } from '../../../../../gateway/http/whole-messages';
import { sinkOptions } from '../../../../support/sink-options';

it('does not change a message that is still being sent', async () => {
  const answerHeaders = new AnswerHeaders({
    keyHeaders: { vary: [], varyPrivate: [] },
    cdn: false,
    compress: true,
  });
  const prepared = new PreparedAnswers({ answerHeaders });
  const policy = { scope: 'public', maxAge: 60, staleWhileRevalidate: 0, staleIfError: 0 } as const;
  const answer = storedAnswer(Buffer.from('{"data":{}}'), policy, [], Date.now());
  const corsHeaders: string[] = [];
  /** What was written to connections, as it is now. */
  const written: Uint8Array[] = [];
  const server = createServer(
    { IncomingMessage: WholeRequest, ServerResponse: WholeResponse },
    (request, response) => {
      const id = request.url!.slice(1);
      const { socket } = request;
      const write = jest.spyOn(socket, 'write');
      socket.cork();
      const client = {
        ownHeaders: ['x-request-id', id],
        head: request as RequestHead,
        sink: new HttpSink(
          request,
          response,
          sinkOptions(() => corsHeaders),
        ),
      };
      expect(prepared.send(client, answer, 'application/json')).toBe(true);
      written.push(write.mock.calls[0]![0] as Uint8Array);
      socket.uncork();
      write.mockRestore();
    },
  ).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  const ids = ['one', 'two', 'three'];
  for (const id of ids) {
    const response = await fetch(`http://127.0.0.1:${port}/${id}`);
    expect(response.headers.get('x-request-id')).toBe(id);
    expect(await response.json()).toEqual({ data: {} });
  }
  written.forEach((bytes, i) =>
    expect(Buffer.from(bytes).toString()).toContain(`HTTP/1.1 200 OK\r\nx-request-id: ${ids[i]!}\r\n`),
  );
  server.closeAllConnections();
  server.close();
});
