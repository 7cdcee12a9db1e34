import { WebSocket } from 'undici';
import type { WeirProcess } from './process';

/** An argument of Node that lets others look into a process. */
export const inspectable = '--inspect=127.0.0.1:0';

/** Bytes of live objects in the main thread of an inspectable process: it collects its garbage first. */
export async function heapOf(inspected: WeirProcess): Promise<number> {
  return look(inspected, async (send) => {
    await collectGarbage(send);
    const { usedSize } = (await send('Runtime.getHeapUsage')) as { readonly usedSize: number };
    return usedSize;
  });
}

/** What the main thread of a process keeps. */
export interface Footprint {
  /** Bytes of live objects, and of what they hold outside of the heap, such as buffers. */
  readonly memory: number;
  /** How many connections, timers and others are open. */
  readonly open: number;
}

/** As `heapOf` measures. */
export async function footprintOf(inspected: WeirProcess): Promise<Footprint> {
  return look(inspected, async (send) => {
    await collectGarbage(send);
    const answer = await send('Runtime.evaluate', {
      expression: `(${footprint.toString()})()`,
      returnByValue: true,
    });
    return (answer as { readonly result: { readonly value: Footprint } }).result.value;
  });
}

/** Runs in the process that is looked at. */
function footprint(): Footprint {
  const { heapUsed, external } = process.memoryUsage();
  return { memory: heapUsed + external, open: process.getActiveResourcesInfo().length };
}

type SendCommand = (method: string, params?: object) => Promise<unknown>;

async function collectGarbage(send: SendCommand): Promise<void> {
  // What only finalizers let go of takes another round.
  await send('HeapProfiler.collectGarbage');
  await send('HeapProfiler.collectGarbage');
}

async function look<Seen>(inspected: WeirProcess, see: (send: SendCommand) => Promise<Seen>): Promise<Seen> {
  const [, url] = await inspected.printed(/Debugger listening on (ws:\S+)/);
  const socket = new WebSocket(url!);
  const closed = (reject: (reason: Error) => void) => (): void =>
    reject(new Error('The inspector has closed the connection.'));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('close', closed(reject));
  });
  let last = 0;
  const send: SendCommand = (method, params = {}) =>
    new Promise((resolve, reject) => {
      socket.addEventListener('close', closed(reject), { once: true });
      const id = ++last;
      socket.addEventListener('message', ({ data }) => {
        const answer = JSON.parse(String(data)) as { readonly id?: number; readonly result: unknown };
        if (answer.id === id) resolve(answer.result);
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
  try {
    return await see(send);
  } finally {
    socket.close();
  }
}
