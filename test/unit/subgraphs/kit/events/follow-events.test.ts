import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { followEvents } from '../../../../../subgraphs/kit/events/follow-events';

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Follows a publisher that does this with each connection; gives the positions, and what was said of trouble. */
async function follow(answers: readonly ((response: ServerResponse) => void)[]) {
  const asked: (string | null)[] = [];
  const server = createServer(({ url }, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    answers[asked.length]?.(response);
    asked.push(new URL(url!, 'http://localhost').searchParams.get('after'));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const over = new AbortController();
  closing.push(() => {
    over.abort();
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const trouble: string[] = [];
  const followed = followEvents({
    publisher: { url: `http://127.0.0.1:${port}/events`, headers: () => ({}) },
    ...{ types: ['A'], after: '', signal: over.signal, onTrouble: (reason) => trouble.push(reason) },
  });
  const positions: string[] = [];
  for await (const { position } of followed) {
    positions.push(position);
    if (positions.length === answers.length) break;
  }
  return { asked, positions, trouble };
}

describe('followEvents', () => {
  it('comes back to a publisher that stops, from where it was, and says nothing of it', async () => {
    expect(
      await follow([
        (response) => response.end('id: 1\ndata: {}\n\nretry: 1000\n\n'),
        (response) => response.write('id: 2\ndata: {}\n\n'),
      ]),
    ).toEqual({ asked: ['', '1'], positions: ['1', '2'], trouble: [] });
  });

  it('says why where a connection ends that the publisher has not given up', async () => {
    expect(
      await follow([
        (response) => response.end('id: 1\ndata: {}\n\n'),
        (response) => response.write('id: 2\ndata: {}\n\n'),
      ]),
    ).toMatchObject({ positions: ['1', '2'], trouble: ['it ended'] });
  });
});
