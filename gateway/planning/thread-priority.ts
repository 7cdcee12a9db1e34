import { getPriority, setPriority } from 'node:os';
import { systemThread } from './thread-time';

/**
 * Gives this thread a lower priority than the threads that serve requests: with fewer cores than threads, a hard plan
 * would delay each request until the system preempts the planner. Only Linux has priorities per thread.
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
