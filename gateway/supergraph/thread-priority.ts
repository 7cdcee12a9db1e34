import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';

/**
 * Gives this thread a lower priority than the threads that serve requests: with fewer cores than threads, long work
 * would delay each request until the system preempts it. Only Linux has priorities per thread.
 */
export function letRequestsGoFirst(): void {
  const thread = systemThread();
  if (thread === undefined) return;
  try {
    setPriority(thread, Math.min(getPriority(thread) + niceness, lastNiceness));
  } catch {
    // A container may forbid it; then the priority stays.
  }
}

/** Nice levels above the requests' threads: a third of their weight. */
const niceness = 5;
/** The greatest nice level of Linux. */
const lastNiceness = 19;

/** The system's id of the calling thread; undefined where it is not available. */
function systemThread(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return Number(basename(readlinkSync('/proc/thread-self')));
  } catch {
    // A container may hide it.
    return undefined;
  }
}
