import type { RefusedOperation } from '../request/refusals/refusal';
import type { Span, SpanValue } from '../telemetry/traces/span';
import type { RequestSummary } from './api';
import type { RequestFilter } from './source';

/** Reads a recorded request, or event, of which this is the first span. */
export function summaryOf(first: Span): RequestSummary {
  const { trace, own } = first;
  const { notes } = trace;
  const read = (name: string): SpanValue | undefined => valueOf(own, name);
  const text = (name: string): string | undefined => read(name) as string | undefined;
  const count = (name: string): number => Math.max(0, (read(name) as number | undefined) ?? 0);
  const [status, cache] = [read('http.response.status_code'), text('weir.cache.result')];
  const [type, graph] = [text('graphql.operation.type'), graphOf(first)];
  const operation =
    type === undefined
      ? operationOf(notes?.refusedOperation)
      : { id: text('weir.operation.id')!, name: text('graphql.operation.name') ?? null, type };
  const isKnownToOthers = trace.source.isLocal !== true || first.parent !== undefined;
  return {
    id: idOf(first),
    ...(isKnownToOthers && { traceId: trace.id }),
    at: trace.timeOf(first.start),
    ms: rounded(first.milliseconds),
    ...(status !== undefined && { status: status as number }),
    ...(operation && { operation }),
    ...(notes?.client && { client: notes.client }),
    ...(graph !== undefined && { graph }),
    codes: codesOf(first),
    ...(notes?.refusals && { refused: notes.refusals }),
    ...(cache !== undefined && { cache }),
    calls: {
      planned: count('weir.calls.planned'),
      sent: count('weir.calls.sent'),
      saved: count('weir.calls.saved'),
    },
    ...(notes?.nulls && {
      missing: notes.nulls.filter(({ cause }) => cause.kind !== 'null-in-subgraph').length,
    }),
  };
}

const operationOf = (refused: RefusedOperation | undefined): RequestSummary['operation'] =>
  refused && { id: refused.id, name: refused.name, type: refused.type };

/** An event has the id of its trace: those of one subscription have the same request id. */
const idOf = (first: Span): string =>
  isEvent(first) ? first.trace.id : String(valueOf(first.own, 'weir.request.id') ?? first.trace.id);

/** Whether it is the answer to an event of a subscription. */
export const isEvent = ({ kind }: Span): boolean => kind === 'consumer';

/** The error codes in its answers. */
export function codesOf(first: Span): readonly string[] {
  const codes = valueOf(first.own, 'weir.error.codes');
  if (codes !== undefined) return codes as readonly string[];
  const ofEvents = first.trace.spans.flatMap(({ events }) =>
    events.map(({ attributes }) => attributes['weir.error.code']),
  );
  return isEvent(first) ? [...new Set(ofEvents)].filter((code) => typeof code === 'string') : [];
}

/** The graph that it has chosen; undefined where there is one graph. */
export const graphOf = ({ own }: Span): string | undefined =>
  valueOf(own, 'weir.graph') as string | undefined;

/** Whether it has this request id, or trace id. */
export const hasId = (first: Span, id: string): boolean =>
  first.trace.id === id || valueOf(first.own, 'weir.request.id') === id;

/** Whether a list with this filter has it. */
export function matches(request: RequestSummary, filter: RequestFilter): boolean {
  const { search, operation, client, graph, failed, slowerThan, before } = filter;
  const { id, traceId = '', at, ms, status = 0, codes } = request;
  if (before !== undefined && at >= before) return false;
  if (slowerThan !== undefined && ms < slowerThan) return false;
  if (failed === true && codes.length === 0 && status < 400) return false;
  const { id: hash, name } = request.operation ?? { id: '', name: '' };
  if (operation !== undefined && operation !== hash && operation !== (name ?? '')) return false;
  if (client !== undefined && client !== (request.client?.name ?? '')) return false;
  if (graph !== undefined && graph !== request.graph) return false;
  if (search === undefined) return true;
  const wanted = search.toLowerCase();
  const reasons = (request.refused ?? []).map(({ message }) => message);
  return [id, traceId, name ?? '', hash, request.client?.name ?? '', ...codes, ...reasons].some((each) =>
    each.toLowerCase().includes(wanted),
  );
}

/** The value of an attribute that the span does not share with others. */
export function valueOf(own: readonly SpanValue[], name: string): SpanValue | undefined {
  for (let i = 0; i < own.length; i += 2) if (own[i] === name) return own[i + 1];
  return undefined;
}

/** Milliseconds, to a microsecond. */
export const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;
