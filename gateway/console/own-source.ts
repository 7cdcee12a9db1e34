import type { GraphQLSchema } from 'graphql';
import type { Options } from '../options';
import type { QueryPlan } from '../planning';
import type { Span } from '../telemetry/traces/span';
import type { RequestSummary } from './api';
import { explainRequest, type RequestExplanationOptions } from './explain-request';
import { mostListed } from './merged-source';
import { groupRefusals } from './refusals';
import type { ProcessConsole, RecordedRequest, RequestFilter } from './source';
import { graphOf, hasId, isEvent, matches, summaryOf } from './summary';

export interface OwnSourceOptions {
  /** What is recorded, the newest first. */
  readonly log: Iterable<Span>;
  /** The URL of the GraphQL endpoint. */
  readonly endpoint: () => string;
  /** What runs of a graph, or of the only one; undefined before there is a supergraph, and once it is closed. */
  readonly generationOf: (graph: string | undefined) => ShownGeneration | undefined;
  readonly values: boolean;
  /** Whether commands that send a request again have its values. */
  readonly valuesInCurl: boolean;
  readonly responses: () => Options['cache']['responses'];
}

interface ShownGeneration extends Pick<RequestExplanationOptions, 'requirementsOf' | 'tagWithoutValues'> {
  readonly apiSchema: GraphQLSchema;
  plan(document: string, operationName: string | undefined): Promise<QueryPlan>;
}

export interface OwnSource extends Pick<ProcessConsole, 'requests' | 'request' | 'refusals'> {
  readonly explain: (first: Span) => Promise<RecordedRequest>;
}

/** The requests that this process has recorded. */
export function createOwnSource(options: OwnSourceOptions): OwnSource {
  const { log, endpoint, generationOf, values, valuesInCurl, responses } = options;

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
    const generation = generationOf(graphOf(first));
    const planned = document === undefined ? undefined : generation?.plan(document, operationName);
    return explainRequest(first, {
      ...{ endpoint: endpoint(), values, valuesInCurl, responses: responses() },
      plan: await planned?.catch(() => undefined),
      schema: generation?.apiSchema,
      requirementsOf: (what) => generation?.requirementsOf(what) ?? [],
      tagWithoutValues: (tag) => generation?.tagWithoutValues(tag),
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
