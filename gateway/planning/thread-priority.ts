import { getPriority, setPriority } from 'node:os';
import { systemThread } from './thread-time';

/**
 * Lets requests go first where there are fewer cores than threads: without it, a hard plan made each of them wait for
 * the system to take its turn from the planner. Only Linux gives threads a priority of their own.
 */
export function letRequestsGoFirst(): void {
  const thread = systemThread();
  if (thread === undefined) return;
  try {
    setPriority(thread, Math.min(getPriority(thread) + niceness, lastNiceness));
  } catch {
    // A container may forbid it; then it goes on as before.
  }
}

/** More than requests have: a third of their weight. */
const niceness = 5;
/** Linux has no greater one. */
const lastNiceness = 19;
