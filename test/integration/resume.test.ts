/** `resume()` of docs/realtime.md, as it stands there, with a server that is killed again and again. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { buildSchema, parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { loadResume, resumeExample } from '../support/resume-example';

const last = 60;
const schema = buildSchema('type Query { one: Int } type Subscription { counted: Int }');

/** Counts from the cursor on, and cuts each connection after a few results. */
async function startCounting() {
  const requests: unknown[] = [];
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  useServer(
    {
      onSubscribe(_, __, { query, extensions }) {
        const after = extensions?.['after'];
        requests.push(after);
        return { schema, document: parse(query), contextValue: Number(after ?? 0) };
      },
      async *subscribe({ contextValue }) {
        for (let n = (contextValue as number) + 1; n <= last; n++) {
          // As a gateway that is killed: without a close frame.
          if (n % 7 === 0 && requests.length <= n / 7)
            for (const socket of sockets.clients) socket.terminate();
          yield { data: { counted: n }, extensions: { weir: { cursor: String(n) } } };
        }
      },
    },
    sockets,
  );
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    requests,
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    stop: () => {
      for (const socket of sockets.clients) socket.terminate();
      http.close();
    },
  };
}

it('goes on behind the last result after each break, without a loss and without a double', async () => {
  const { url, requests, stop } = await startCounting();
  const client = createClient({
    ...{ url, webSocketImpl: WebSocket, retryAttempts: Infinity, shouldRetry: () => true },
    retryWait: () => Promise.resolve(),
  });
  const counted: unknown[] = [];
  const resume = loadResume();
  await new Promise<void>((resolve, reject) => {
    resume(
      client,
      { query: 'subscription { counted }', extensions: { own: 1 } },
      {
        next: ({ data }) => counted.push(data?.['counted']),
        error: reject,
        complete: () => resolve(),
      },
    );
  });
  await client.dispose();
  stop();
  expect(counted).toEqual(Array.from({ length: last }, (_, i) => i + 1));
  expect(requests.length).toBeGreaterThan(3);
  expect(requests[0]).toBe(undefined);
});

it('has at most 40 lines', () => {
  expect(resumeExample.text.split('\n').length).toBeLessThanOrEqual(40);
});
