import { WebSocket } from 'undici';
import type { WeirProcess } from './process';

/** An argument of Node that lets `heapOf` look into a process. */
export const inspectable = '--inspect=127.0.0.1:0';

/** Bytes of live objects in the main thread of an inspectable process: it collects its garbage first. */
export async function heapOf(inspected: WeirProcess): Promise<number> {
  const [, url] = await inspected.printed(/Debugger listening on (ws:\S+)/);
  const socket = new WebSocket(url!);
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  const send = (id: number, method: string): Promise<Record<string, number>> =>
    new Promise((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        const answer = JSON.parse(String(data)) as { id?: number; result: Record<string, number> };
        if (answer.id === id) resolve(answer.result);
      });
      socket.send(JSON.stringify({ id, method }));
    });
  // What only finalizers let go of takes another round.
  await send(1, 'HeapProfiler.collectGarbage');
  await send(2, 'HeapProfiler.collectGarbage');
  const { usedSize } = await send(3, 'Runtime.getHeapUsage');
  socket.close();
  return usedSize!;
}
