import type { GraphQLSchema } from 'graphql';
import { explainNull, type ObservedNull } from '../execution';
import type { TagWithoutValues } from '../cache/shown-tags';
import type { Options } from '../options';
import type { QueryPlan } from '../planning';
import type { Span } from '../telemetry/traces/span';
import { cacheReasons, droppedBy } from './cache-reasons';
import { curlFor } from './curl';
import { explainDocument } from './document';
import { describeLack } from '../auth/directives/lacks';
import type { RecordedRequest } from './source';
import { summaryOf } from './summary';
import { timelineOf } from './timeline';

export interface RequestExplanationOptions {
  /** The URL of the GraphQL endpoint. */
  readonly endpoint: string;
  /** The plan of its operation; undefined if there is none. */
  readonly plan: QueryPlan | undefined;
  /** Whether literals and variables are shown, and whether they are in the command that sends it again. */
  readonly values: boolean;
  readonly valuesInCurl: boolean;
  /** What clients see now; undefined while there is no supergraph. */
  readonly schema: GraphQLSchema | undefined;
  /** The labels of what a field, such as `User.email`, or a type requires of callers. */
  readonly requirementsOf: (what: string) => readonly string[];
  readonly tagWithoutValues: TagWithoutValues;
  readonly responses: Options['cache']['responses'];
}

/** What happened to a recorded request, or event, of which this is the first span. */
export function explainRequest(first: Span, options: RequestExplanationOptions): RecordedRequest {
  const { endpoint, plan, values, valuesInCurl, schema, requirementsOf, tagWithoutValues, responses } =
    options;
  const { notes = {} } = first.trace;
  const { document: text, operationName } = notes;
  const document = text === undefined ? undefined : explainDocument({ text, operationName, plan, values });
  const dropped = droppedBy(first, values ? (tag) => tag : tagWithoutValues);
  const { unmet = [] } = notes;
  /** What the caller lacks to see it. */
  const lacksOf = ({ cause }: ObservedNull): string[] => {
    if (cause.kind === 'propagated') return lacksOf(cause.from);
    if (cause.kind !== 'not-authorized') return [];
    const own = requirementsOf(cause.what).filter((label) => unmet.includes(label));
    return (own.length === 0 ? unmet : own).map(describeLack);
  };
  return {
    ...summaryOf(first),
    ...(document && { document }),
    ...(values && notes.variables && { variables: notes.variables }),
    ...(unmet.length > 0 && { lacks: unmet.map(describeLack) }),
    timeline: timelineOf(first),
    nulls: (notes.nulls ?? []).map((each) => ({
      path: each.path,
      cause: each.cause.kind,
      reason: [explainNull(each), ...lacksOf(each)].join(' '),
    })),
    cacheReasons: cacheReasons(first, responses),
    ...(dropped && { dropped }),
    ...(notes.cost && { cost: notes.cost }),
    curl: curlFor({
      ...{ endpoint, text, operationName, schema, values: valuesInCurl },
      headers: notes.headers ?? [],
      client: notes.client,
      variables: notes.variables,
    }),
  };
}
