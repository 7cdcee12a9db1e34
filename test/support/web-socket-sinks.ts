import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { parseOptions } from '../../gateway/options';
import type { IncomingRequest } from '../../gateway/request/incoming-request';
import { Meter } from '../../gateway/telemetry/metrics/meter';
import { WebSocketStatistics } from '../../gateway/telemetry/statistics/web-socket-statistics';
import { createSteps } from '../../gateway/websocket/steps';
import { WebSockets } from '../../gateway/websocket/web-sockets';
import type { Client } from './in-process-client';
import type { openRequests } from './requests-in-flight';

/** Opens connections of `graphql-transport-ws` whose operations reach `onRequest`. */
export async function openWebSocketSinks(
  requests: ReturnType<typeof openRequests>['requests'],
  onRequest: (request: IncomingRequest) => void,
) {
  const pipeline = {
    admit: onRequest,
    refuse: () => undefined,
    connect: (_request: unknown, _received: unknown, onConnected: () => void) => onConnected(),
  };
  const steps = createSteps({ options: parseOptions({}), requests, pipeline });
  const webSockets = new WebSockets({
    current: () => steps,
    statistics: new WebSocketStatistics(new Meter()),
    logger: { warn: () => undefined },
  });
  const server = createServer().on('upgrade', (message, socket, head) =>
    webSockets.upgrade(message, socket as never, head),
  );
  await new Promise<void>((listening) => server.listen(0, listening));
  const { port } = server.address() as AddressInfo;
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://localhost:${port}/graphql`, 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    socket.on('error', () => undefined).setMaxListeners(0);
    socket.pause();
    return socket;
  };
  let socket = await open();
  let asked = 0;
  return {
    tellsHead: false,
    alwaysTakesParts: true,
    ask(): Client {
      const id = `a${asked++}`;
      const begun = (async () => {
        if (socket.readyState !== WebSocket.OPEN) socket = await open();
        socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query: '{ a }' } }));
        return messagesOf(socket, `{"id":"${id}",`);
      })();
      const part = async (): Promise<string | undefined> => {
        const message = await (await begun)();
        if (message === `{"id":"${id}","type":"complete"}`) return undefined;
        const before = `{"id":"${id}","type":"next","payload":`;
        if (!message.startsWith(before)) throw new Error(message);
        return message.slice(before.length, -1);
      };
      return {
        head: begun.then(() => ({ status: 0, headers: new Headers() })),
        part,
        async text() {
          const whole = (await part()) ?? '';
          if (whole !== '') expect(await part()).toBeUndefined();
          return whole;
        },
        leave: () => socket.terminate(),
      };
    },
    async close() {
      socket.terminate();
      webSockets.close();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/**
 * Returns a function that reads the next message that begins so; it reads no faster than it is called. Rejects when the
 * connection is closed.
 */
function messagesOf(socket: WebSocket, beginning: string): () => Promise<string> {
  const messages: string[] = [];
  socket.on('message', (data) => {
    const message = (data as Buffer).toString();
    if (message.startsWith(beginning)) messages.push(message);
    socket.pause();
  });
  return async () => {
    while (messages.length === 0) {
      if (socket.readyState === WebSocket.CLOSED) throw new Error('The connection is closed.');
      socket.resume();
      await Promise.race([once(socket, 'message'), once(socket, 'close')]);
    }
    return messages.shift()!;
  };
}
