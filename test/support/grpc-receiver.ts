import {
  createServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface GrpcReceiver {
  /** Without a path. */
  readonly url: string;
  readonly requests: { readonly headers: IncomingHttpHeaders; readonly message: Buffer }[];
  /** The statuses of the next answers, or what answers; 0 once there are no more. */
  readonly answers: (number | ((stream: ServerHttp2Stream) => void))[];
  /** Connections that are open. */
  readonly sessions: ReadonlySet<Http2Session>;
  close(): Promise<void>;
}

/** A server of gRPC whose every method takes one message and answers with an empty one. */
export async function startGrpcReceiver(): Promise<GrpcReceiver> {
  const requests: GrpcReceiver['requests'] = [];
  const answers: GrpcReceiver['answers'] = [];
  const server = createServer();
  const sessions = new Set<Http2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    void buffer(stream).then((body) => {
      const length = body.readUInt32BE(1);
      if (body[0] !== 0 || body.length !== 5 + length) throw new Error('That is no message of gRPC.');
      requests.push({ headers, message: body.subarray(5) });
      const answer = answers.shift() ?? 0;
      if (typeof answer === 'function') answer(stream);
      else if (answer === 0) {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.alloc(5));
      } else {
        const head = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(answer) };
        stream.respond(head, { endStream: true });
      }
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ requests, answers, sessions },
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}
