import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
// What other test files of this process have compiled is not to go while a test measures.
setFlagsFromString('--no-flush-bytecode');

export const collectGarbage = runInNewContext('gc') as () => void;

/**
 * Bytes of live objects in this process, and of what they hold outside of the heap, once no more of them go: what other
 * test files of the process have left goes in several collections.
 */
export async function heapUsed(): Promise<number> {
  let before = Infinity;
  for (let i = 0; i < 20; i++) {
    await new Promise((turn) => setImmediate(turn));
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    const now = heapUsed + external;
    if (before - now < 100_000) return now;
    before = now;
  }
  return before;
}
