import type { GraphQLError } from 'graphql';
import type { Identity } from '../auth/identity';
import type { Limits, LimitsOptions } from '../options/limits';
import { createMeasure, type Measures, refusalOf } from './document-limits';

export interface ClientLimitsOptions {
  readonly limits: LimitsOptions;
  /** For clients whose class does not set it. */
  readonly introspection: boolean;
}

/** The limits of each client, and their checks. One per process. */
export interface ClientLimits {
  of(identity: Identity): Limits;
  /** Measures a document, once while it is remembered. */
  measure(document: string): Measures;
  /** The error if the client may not send the document. Called before parsing. */
  refuse(document: string, identity: Identity): GraphQLError | undefined;
}

export function createClientLimits({ limits, introspection }: ClientLimitsOptions): ClientLimits {
  const { classes, ...figures } = limits;
  const everybody: Limits = { ...figures, introspection };
  const compiled = classes.map(({ mode, client, group, ...own }) => ({
    fits: (identity: Identity) =>
      (mode === undefined || identity.mode === mode) &&
      (client === undefined || identity.client === client) &&
      (group === undefined || identity.groups.includes(group)),
    limits: { ...everybody, ...definedIn(own) },
  }));
  const known = new WeakMap<Identity, Limits>();
  const measure = createMeasure([everybody, ...compiled.map((each) => each.limits)]);

  const of = (identity: Identity): Limits => {
    if (compiled.length === 0) return everybody;
    let found = known.get(identity);
    if (found === undefined) {
      found = compiled.find(({ fits }) => fits(identity))?.limits ?? everybody;
      known.set(identity, found);
    }
    return found;
  };
  return { of, measure, refuse: (document, identity) => refusalOf(measure(document), of(identity)) };
}

const definedIn = (own: object): Partial<Limits> =>
  Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
