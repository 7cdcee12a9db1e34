import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** What the system calls the thread that asks; undefined where it does not say. */
export function systemThread(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return Number(basename(readlinkSync('/proc/thread-self')));
  } catch {
    // A container may hide it.
    return undefined;
  }
}

/**
 * How long a thread of this process has had a processor, in milliseconds; undefined where nobody says. From the system, which
 * says it at once: `worker.cpuUsage` of newer versions of Node answers later, and not while the thread is being ended.
 */
export function processorTimeOf(thread: number | undefined): number | undefined {
  if (thread === undefined) return undefined;
  try {
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}
