import type { Options } from '../options';
import type { Policy } from './policy';

/** Lifetimes that replace those of the subgraph's answers. */
export interface Lifetimes {
  /** For all answers. Undefined where the answers themselves decide. */
  readonly all: Policy | undefined;
  /** For the entities of some types. */
  readonly types: ReadonlyMap<string, Policy>;
}

/** The lifetimes that the options give to a subgraph's answers. */
export function readLifetimes(cache: Options['subgraphs'][string]['cache'] | undefined): Lifetimes {
  const { maxAge, types = {}, ...others } = cache ?? {};
  const read = (each: LifetimeOptions): Policy => ({
    scope: each.scope,
    maxAge: Math.floor(each.maxAge / 1000),
    staleWhileRevalidate: Math.floor(each.staleWhileRevalidate / 1000),
    staleIfError: Math.floor(each.staleIfError / 1000),
  });
  return {
    all: maxAge === undefined ? undefined : read({ maxAge, ...(others as Omit<LifetimeOptions, 'maxAge'>) }),
    types: new Map(Object.entries(types).map(([type, each]) => [type, read(each)])),
  };
}

type LifetimeOptions = Options['subgraphs'][string]['cache']['types'][string];
