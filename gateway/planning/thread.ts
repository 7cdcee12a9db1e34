/** What a planner's thread starts with: runs the bundle of `worker.ts`, and keeps what V8 has compiled of it. */
import { join } from 'node:path';
import { runCached } from '../code-cache/run-cached';
import type * as Worker from './worker';

const { exports: worker, save } = runCached<typeof Worker>(join(__dirname, 'worker.js'), process.env);
// It has built the query graph.
save();
worker.afterFirstPlan(save);
