import type { Options } from '../options';
import type { QueryPlan } from '../planning';
import type { Span } from '../telemetry/traces/span';
import type { RequestSummary } from './api';
import { explainRequest, type RequestExplanationOptions } from './explain-request';
import { mostListed } from './merged-source';
import { groupRefusals } from './refusals';
import type { ProcessConsole, RecordedRequest, RequestFilter } from './source';
import { hasId, isEvent, matches, summaryOf } from './summary';

export interface OwnSourceOptions {
  /** What is recorded, the newest first. */
  readonly log: Iterable<Span>;
  /** The URL of the GraphQL endpoint. */
  readonly endpoint: () => string;
  /** The query plan of an operation; undefined if there is none any more. */
  readonly planOf: (document: string, operationName: string | undefined) => Promise<QueryPlan | undefined>;
  readonly values: boolean;
  /** Whether commands that send a request again have its values. */
  readonly valuesInCurl: boolean;
  readonly schema: () => RequestExplanationOptions['schema'];
  readonly requirementsOf: RequestExplanationOptions['requirementsOf'];
  readonly tagWithoutValues: RequestExplanationOptions['tagWithoutValues'];
  readonly responses: () => Options['cache']['responses'];
}

export interface OwnSource extends Pick<ProcessConsole, 'requests' | 'request' | 'refusals'> {
  readonly explain: (first: Span) => Promise<RecordedRequest>;
}

/** The requests that this process has recorded. */
export function createOwnSource(options: OwnSourceOptions): OwnSource {
  const { log, endpoint, planOf, values, valuesInCurl, schema, requirementsOf, tagWithoutValues, responses } =
    options;

  function list(filter: RequestFilter): RequestSummary[] {
    const found: RequestSummary[] = [];
    for (const first of log) {
      const summary = summaryOf(first);
      if (!matches(summary, filter)) continue;
      found.push(summary);
      if (found.length === mostListed) break;
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

  async function explain(first: Span): Promise<RecordedRequest> {
    const { document, operationName } = first.trace.notes ?? {};
    const plan =
      document === undefined ? undefined : await planOf(document, operationName).catch(() => undefined);
    return explainRequest(first, {
      ...{ endpoint: endpoint(), plan, values, valuesInCurl, schema: schema() },
      ...{ requirementsOf, tagWithoutValues },
      responses: responses(),
    });
  }

  return {
    requests: (filter) => Promise.resolve(list(filter)),
    request: async (id) => {
      const found = find(id);
      return found && explain(found);
    },
    refusals: () => Promise.resolve(groupRefusals(log)),
    explain,
  };
}
