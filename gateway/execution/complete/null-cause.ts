import type { Path } from './losses';

/** Why a value of an answer is null. It holds names, codes and paths, never a value that a client or a subgraph sent. */
export type NullCause =
  /** A subgraph reported an error there, or at something there that may not be null. */
  | { readonly kind: 'subgraph-error'; readonly subgraph: string; readonly code: string }
  /**
   * A call has no answer. `timeout`: it took too long. `breaker`: it was not sent, as the circuit breaker is open. `limit`: a
   * limit of the gateway forbids it, or its answer. `message` is the one that clients get.
   */
  | {
      readonly kind: 'timeout' | 'breaker' | 'limit' | 'call-failed';
      readonly subgraph: string;
      readonly code: string;
      readonly message: string;
    }
  /** The caller may not see this field or type. */
  | { readonly kind: 'not-authorized'; readonly what: string }
  /** The subgraph answered null for the whole entity, and no error. */
  | { readonly kind: 'entity-not-found'; readonly subgraph: string; readonly type: string }
  /** The subgraph answered null, and no error. */
  | { readonly kind: 'null-in-subgraph'; readonly subgraph: string | undefined }
  /** The subgraph left it out of its answer, though it may not. */
  | { readonly kind: 'not-answered'; readonly subgraph: string | undefined }
  /** No subgraph was called, as values that the call needs are null. */
  | { readonly kind: 'not-requested' }
  | { readonly kind: 'invalid-value'; readonly subgraph: string | undefined }
  /** The value, or its type, is not in the schema that clients see. */
  | { readonly kind: 'hidden' }
  /** No call of the query plan asks for it. */
  | { readonly kind: 'not-planned' }
  /** A value within it may not be null, and is. */
  | { readonly kind: 'propagated'; readonly from: ObservedNull };

export interface ObservedNull {
  /** In the answer to the client; empty for `data`. */
  readonly path: Path;
  /** `Type.field`; of an item, that of its list. */
  readonly coordinate: string;
  readonly cause: NullCause;
}

/** Gets why values of one answer are null. */
export interface NullObserver {
  /**
   * Whether it also gets nulls that subgraphs answered without an error. Then every null is looked at, at each position of
   * the answer; otherwise an object that stands at several positions may be reported once.
   */
  readonly isThorough: boolean;
  /**
   * Called at most once for each part of an answer, when it is written.
   *
   * @param nulls at least one; in the order of the answer
   * @param leftOut how many more were found
   */
  observe(nulls: readonly ObservedNull[], leftOut: number): void;
}

/** A sentence: which value is null, and why. */
export const explainNull = (observed: ObservedNull): string =>
  `${positionOf(observed)} is null because ${reasonOf(observed.cause)}.`;

function reasonOf(cause: NullCause): string {
  switch (cause.kind) {
    case 'subgraph-error':
      return `${subgraphOf(cause)} reported the error ${cause.code} there`;
    case 'timeout':
      return `the call took too long: ${clauseOf(cause.message)}`;
    case 'breaker':
      return `the call was not sent: ${clauseOf(cause.message)}`;
    case 'limit':
      return `a limit forbids the call or its answer (${cause.code}): ${clauseOf(cause.message)}`;
    case 'call-failed':
      return `the call failed (${cause.code}): ${clauseOf(cause.message)}`;
    case 'not-authorized':
      return `the caller may not see ${cause.what}`;
    case 'entity-not-found':
      return `${subgraphOf(cause)} found no such entity of the type ${cause.type}`;
    case 'null-in-subgraph':
      return `${subgraphOf(cause)} answered null, without an error`;
    case 'not-answered':
      return `${subgraphOf(cause)} left it out of its answer`;
    case 'not-requested':
      return 'no subgraph was called for it, as fields that the call needs are null';
    case 'invalid-value':
      return `${subgraphOf(cause)} answered a value that is not of its type`;
    case 'hidden':
      return 'its value or type is @inaccessible, so that clients may not see it';
    case 'not-planned':
      return 'no call of the query plan asks for it';
    case 'propagated':
      return `${positionOf(cause.from)}, which may not be null, is null because ${reasonOf(cause.from.cause)}`;
  }
}

const positionOf = ({ path, coordinate }: ObservedNull): string =>
  path.length === 0 ? 'data' : `${path.join('.')} (${coordinate})`;

const subgraphOf = ({ subgraph }: { readonly subgraph: string | undefined }): string =>
  subgraph === undefined ? 'a subgraph' : `the subgraph "${subgraph}"`;

/** A sentence without its full stop. */
const clauseOf = (sentence: string): string => sentence.replace(/\.$/, '');
