import { explainNull, type NullObserver, type ObservedNull } from '../execution';
import type { Span } from '../telemetry/traces/span';
import { addNulls } from '../telemetry/traces/trace-notes';
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

/** Notes nulls in the span of an execution. */
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

/** A null as development shows it. */
export const showNull = (observed: ObservedNull): object => ({
  path: observed.path,
  cause: observed.cause.kind,
  says: explainNull(observed),
});

/** Of one answer. */
const mostShown = 100;
