import { type FastifyInstance } from 'fastify';
import { type Database } from './database';
import { type Settings } from './settings';
import { type Subgraph } from './subgraph';

/** A subgraph that answers. */
export interface RunningSubgraph {
  /** Of its GraphQL endpoint. */
  readonly url: string;
  readonly app: FastifyInstance;
  readonly db: Database;
  /** Readiness fails, what is in flight completes, then everything is closed. */
  stop(): Promise<void>;
}

/** Starts a subgraph and waits until it is ready: listening, tables there and seeded. */
export async function startSubgraph<Context extends object, OptionName extends string>(
  _subgraph: Subgraph<Context, OptionName>,
  _settings: Settings = {},
): Promise<RunningSubgraph> {
  return Promise.reject(new Error('not written yet'));
}

/** Runs the subgraph as a process of its own if `module` is the one that node was started with. */
export function runWhenMain<Context extends object, OptionName extends string>(
  module: NodeJS.Module,
  _subgraph: Subgraph<Context, OptionName>,
): void {
  if (require.main !== module) return;
  throw new Error('not written yet');
}
