import { explainNull, type NullCause, type NullObserver, type ObservedNull } from '../../execution';
import type { Span } from '../../telemetry/traces/span';
import { addNulls } from '../../telemetry/traces/trace-notes';
import { longestName } from './traced';

/** Gathers why values of an answer are null. */
export class ObservedNulls implements NullObserver {
  readonly isThorough: boolean;
  readonly nulls: ObservedNull[] = [];

  private constructor(isDevelopment: boolean) {
    this.isThorough = isDevelopment;
  }

  /** Undefined where neither a client in development nor a span shows them. */
  static for(isDevelopment: boolean, span: Span | undefined): ObservedNulls | undefined {
    return isDevelopment || span !== undefined ? new ObservedNulls(isDevelopment) : undefined;
  }

  observe(nulls: readonly ObservedNull[]): void {
    this.nulls.push(...nulls.slice(0, mostShown - this.nulls.length));
  }
}

export function noteNulls(span: Span, observed: Pick<ObservedNulls, 'nulls'> | undefined): void {
  if (observed === undefined) return;
  for (const each of observed.nulls) noteNull(span, each);
  addNulls(span.trace.notes, observed.nulls);
}

/** Nulls that a subgraph answered without an error are data like any other. */
function noteNull(span: Span, { path, cause }: ObservedNull): void {
  if (cause.kind === 'null-in-subgraph') return;
  const from = cause.kind === 'propagated' ? cause.from : undefined;
  const known: { kind: string; subgraph?: string | undefined; code?: string } = from?.cause ?? cause;
  const { kind, subgraph, code } = known;
  span.addEvent('graphql.null', {
    'graphql.path': pathText(path),
    'weir.null.cause': kind,
    ...(from !== undefined && { 'weir.null.from': pathText(from.path) }),
    ...(subgraph !== undefined && { 'weir.subgraph.name': subgraph }),
    ...(code !== undefined && { 'weir.error.code': code }),
  });
}

const pathText = (path: ObservedNull['path']): string => path.join('.').slice(0, longestName);

/** Nulls as development shows them: for each field and cause the first one in a sentence, and how many there are. */
export function showNulls(nulls: readonly ObservedNull[]): object[] {
  const alike = new Map<string, { readonly first: ObservedNull; count: number }>();
  for (const each of nulls) {
    const key = JSON.stringify([fieldOf(each.path), ...factsOf(each.cause)]);
    const known = alike.get(key);
    if (known === undefined) alike.set(key, { first: each, count: 1 });
    else known.count++;
  }
  return Array.from(alike.values(), ({ first, count }) => ({
    path: first.path,
    cause: first.cause.kind,
    says: explainNull(first),
    ...(count > 1 && { count }),
  }));
}

/** The path of a value without the indexes of lists. */
const fieldOf = (path: ObservedNull['path']): string =>
  path.filter((step) => typeof step === 'string').join('.');

/** What a cause has in common with those of other items of a list. */
function factsOf(cause: NullCause): unknown[] {
  if (cause.kind !== 'propagated') return Object.values(cause);
  const { from } = cause;
  return [cause.kind, fieldOf(from.path), ...factsOf(from.cause)];
}

/** Of one answer. */
const mostShown = 100;
