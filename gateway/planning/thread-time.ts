import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** The system's id of the calling thread; undefined where it is not available. */
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
 * The processor time of a thread of this process, in milliseconds; undefined where it is not available. Read from the
 * system at once: `worker.cpuUsage` of newer versions of Node answers later, and not while the thread is terminated.
 */
export function processorTimeOf(thread: number | undefined): number | undefined {
  if (thread === undefined) return undefined;
  try {
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}
