import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';

/**
 * Lets requests go first where there are fewer cores than threads: without it, a hard plan made each of them wait for
 * the system to take its turn from the planner. Only Linux gives threads a priority of their own.
 */
export function letRequestsGoFirst(): void {
  if (process.platform !== 'linux') return;
  try {
    const thread = Number(basename(readlinkSync('/proc/thread-self')));
    setPriority(thread, Math.min(getPriority(thread) + niceness, lastNiceness));
  } catch {
    // A container may hide it; then it goes on as before.
  }
}

/** More than requests have: a third of their weight. */
const niceness = 5;
/** Linux has no greater one. */
const lastNiceness = 19;
