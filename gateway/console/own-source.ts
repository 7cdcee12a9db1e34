import type { Span } from '../telemetry/traces/span';
import type { ExplainedRequest, RequestSummary } from './api';
import { explainRequest } from './explain-request';
import { mostListed } from './merged-source';
import type { ProcessConsole, RequestFilter } from './source';
import { hasId, isEvent, matches, summaryOf } from './summary';

export interface OwnSourceOptions {
  /** What is recorded, the newest first. */
  readonly log: Iterable<Span>;
  /** The URL of the GraphQL endpoint. */
  readonly endpoint: () => string;
}

/** The requests that this process has recorded. */
export function createOwnSource({
  log,
  endpoint,
}: OwnSourceOptions): Pick<ProcessConsole, 'requests' | 'request'> {
  function list(filter: RequestFilter, most: number): RequestSummary[] {
    const found: RequestSummary[] = [];
    for (const first of log) {
      const summary = summaryOf(first);
      if (!matches(summary, filter)) continue;
      found.push(summary);
      if (found.length === most) break;
    }
    return found;
  }

  /** Of a subscription and its events, the subscription. */
  function find(id: string): Span | undefined {
    let found: Span | undefined;
    for (const first of log)
      if (hasId(first, id)) {
        found ??= first;
        if (!isEvent(first) || first.trace.id === id) return first;
      }
    return found;
  }

  function explain(first: Span): ExplainedRequest {
    const { id, operation } = summaryOf(first);
    const others = operation === undefined ? [] : list({ operation: operation.id }, mostOthers + 1);
    return explainRequest(first, {
      endpoint: endpoint(),
      others: others.filter((other) => other.id !== id).slice(0, mostOthers),
    });
  }

  return {
    requests: (filter) => Promise.resolve(list(filter, mostListed)),
    request: (id) => {
      const found = find(id);
      return Promise.resolve(found && explain(found));
    },
  };
}

const mostOthers = 20;
