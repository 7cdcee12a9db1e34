/** What V8 tells of the main thread of a system that was started with `inspectable`. */
import { WebSocket } from 'undici';

/** An argument of `node` that makes it inspectable; it says where on standard error. */
export const inspectable = '--inspect=127.0.0.1:0';

/** @returns `{ send(method, params), evaluate(expression), close() }`: of the DevTools protocol */
export async function inspect(systemOutput) {
  const url = /Debugger listening on (ws:\S+)/.exec(systemOutput)?.[1];
  if (url === undefined) throw new Error('The system does not say where it can be inspected.');
  const socket = new WebSocket(url);
  const waiting = new Map();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(data);
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', ({ error }) => reject(error));
  });
  let lastId = 0;
  const send = (method, params) =>
    new Promise((resolve) => {
      lastId += 1;
      waiting.set(lastId, resolve);
      socket.send(JSON.stringify({ id: lastId, method, params }));
    });
  return {
    send,
    evaluate: async (expression) =>
      (await send('Runtime.evaluate', { expression, returnByValue: true })).result.value,
    close: () => socket.close(),
  };
}
