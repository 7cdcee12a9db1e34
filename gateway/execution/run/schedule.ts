import { type CompiledFetch, type Schedule } from '../program';
import { startFetch } from './fetch';
import { type Run } from './run';

/** Starts each fetch as soon as all that it waits for have ended. Calls `done` when all have ended. */
export function runSchedule(schedule: Schedule, run: Run, done: () => void): void;
/** Starts steps of other kinds, too. */
export function runSchedule<Step>(
  schedule: Schedule<Step>,
  run: Run,
  done: () => void,
  startStep: StartStep<Step>,
): void;
export function runSchedule<Step>(
  { fetches, waiting, counts }: Schedule<Step>,
  run: Run,
  done: () => void,
  startStep = startFetch as StartStep<Step | CompiledFetch>,
): void {
  const left = counts.slice();
  let unfinished = fetches.length;
  if (unfinished === 0) done();
  for (let i = 0; i < fetches.length; i++) if (counts[i] === 0) start(i);

  function start(i: number): void {
    const fetch = fetches[i];
    if (fetch === undefined) end(i);
    else startStep(run, fetch, () => end(i));
  }

  function end(i: number): void {
    if (--unfinished === 0) done();
    else for (const next of waiting[i]!) if (--left[next]! === 0) start(next);
  }
}

/** Starts a step. Calls `done` once, perhaps synchronously. */
export type StartStep<Step> = (run: Run, step: Step, done: () => void) => void;
