import { createRequire } from 'node:module';
import type * as Gateway from '../gateway';
import type * as Schema from '../schema';
import type * as Credentials from './dev/credentials';

const load = createRequire(__filename);

/**
 * Parts that take a noticeable time to load (the composer, the planner), loaded by the commands that need
 * them when they need them: `weir --help` answers at once, and `weir dev` starts its processes first.
 */
export const lazy = {
  credentials: () => load('./dev/credentials') as typeof Credentials,
  gateway: () => load('../gateway') as typeof Gateway,
  schema: () => load('../schema') as typeof Schema,
};
