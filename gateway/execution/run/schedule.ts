import { type Schedule } from '../program';
import { startFetch } from './fetch';
import { type Run } from './run';

/** Starts each fetch as soon as all that it waits for have ended. Calls `done` when all have ended. */
export function runSchedule({ fetches, waiting, counts }: Schedule, run: Run, done: () => void): void {
  const left = counts.slice();
  let unfinished = fetches.length;
  if (unfinished === 0) done();
  for (let i = 0; i < fetches.length; i++) if (counts[i] === 0) start(i);

  function start(i: number): void {
    const fetch = fetches[i];
    if (fetch === undefined) end(i);
    else startFetch(run, fetch, () => end(i));
  }

  function end(i: number): void {
    if (--unfinished === 0) done();
    else for (const next of waiting[i]!) if (--left[next]! === 0) start(next);
  }
}
