import { explainNull } from '../execution';
import type { Span } from '../telemetry/traces/span';
import type { ExplainedRequest, RequestSummary } from './api';
import { curlFor } from './curl';
import { summaryOf } from './summary';
import { timelineOf } from './timeline';

export interface ExplainOptions {
  /** The URL of the GraphQL endpoint. */
  readonly endpoint: string;
  /** Other recorded requests with the same operation, newest first. */
  readonly others: readonly RequestSummary[];
}

/** What happened to a recorded request, or event, of which this is the first span. */
export function explainRequest(first: Span, { endpoint, others }: ExplainOptions): ExplainedRequest {
  const { notes = {} } = first.trace;
  return {
    ...summaryOf(first),
    ...(notes.variables && { variables: notes.variables }),
    timeline: timelineOf(first),
    nulls: (notes.nulls ?? []).map((each) => ({
      path: each.path,
      cause: each.cause.kind,
      says: explainNull(each),
    })),
    cacheReasons: [],
    ...(notes.cost && { cost: notes.cost }),
    others,
    curl: curlFor({ endpoint, text: undefined, operationName: notes.operationName }),
  };
}
