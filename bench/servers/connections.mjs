/** Clients with very many WebSockets. Each question opens some, or closes all, or asks what became of them. */
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { subscription } from '../fixture/ticks.mjs';

const sockets = new Set();
/** By the code of the close, and the milliseconds of the last one since `open`. */
let closes = {};
let lastClose = 0;
let began = 0;
/** Connections since the start. */
let opened = 0;
/** Results that came to clients which are subscribed. */
let events = 0;

/** How far a connection is taken: `open` sends nothing, `subscribed` cannot know whether the gateway has its operation. */
const reached = {
  open: (socket) => new Promise((resolve) => socket.once('open', resolve)),
  acknowledged: (socket) =>
    new Promise((resolve) => {
      socket.once('message', resolve);
      socket.once('open', () => socket.send('{"type":"connection_init"}'));
    }),
  async subscribed(socket) {
    await reached.acknowledged(socket);
    socket.on('message', () => (events += 1));
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: subscription }));
  },
};

const commands = {
  /** @param within milliseconds over which they are spread. @default as fast as they are opened */
  async open({ url, count, until, ca, isReading = true, isOwn = false, within = 0 }) {
    [closes, began, events] = [{}, performance.now(), 0];
    const options = ca === undefined ? {} : { ca: readFileSync(ca) };
    const open = async () => {
      opened += 1;
      const headers = isOwn ? { authorization: `Bearer client-${opened}` } : {};
      const socket = new WebSocket(url, 'graphql-transport-ws', { ...options, headers });
      sockets.add(socket);
      socket.on('close', (code) => {
        sockets.delete(socket);
        closes[code] = (closes[code] ?? 0) + 1;
        lastClose = performance.now() - began;
      });
      socket.on('error', () => undefined);
      await reached[until](socket);
      if (!isReading) socket.pause();
    };
    // Not more at once than a listening socket lets wait.
    for (let left = count; left > 0; left -= 200) {
      await Promise.all(Array.from({ length: Math.min(200, left) }, open));
      await wait(Math.max(0, began + (within * (count - left + 200)) / count - performance.now()));
    }
    return { milliseconds: performance.now() - began };
  },
  count: () => ({ open: sockets.size, closes, lastClose, events }),
  /** Begins operations over one connection, and waits for an answer to each. */
  async begin({ url, operations, query }) {
    const socket = new WebSocket(url, 'graphql-transport-ws');
    await reached.acknowledged(socket);
    began = performance.now();
    const answers = {};
    let left = operations;
    const answered = new Promise((resolve) => {
      socket.on('close', (code) => resolve((answers[`closed ${code}`] = 1)));
      socket.on('message', (data) => {
        const { type, payload } = JSON.parse(data);
        const what = type === 'error' ? payload[0].extensions.code : type;
        answers[what] = (answers[what] ?? 0) + 1;
        if (type !== 'next' && (left -= 1) === 0) resolve();
      });
    });
    for (let i = 0; i < operations; i += 1)
      socket.send(JSON.stringify({ id: String(i), type: 'subscribe', payload: { query } }));
    await answered;
    socket.terminate();
    return { answers, milliseconds: performance.now() - began };
  },
  async close() {
    const all = [...sockets];
    await Promise.all(
      all.map((socket) => {
        const closed = new Promise((resolve) => socket.once('close', resolve));
        socket.terminate();
        return closed;
      }),
    );
    return {};
  },
};

process.on('message', async ({ id, command, ...rest }) => {
  try {
    process.send({ id, ...(await commands[command](rest)) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
