import { explainNull } from '../execution';
import type { Options } from '../options';
import type { QueryPlan } from '../planning';
import type { Span } from '../telemetry/traces/span';
import { cacheReasons, droppedBy } from './cache-reasons';
import { explainDocument, variablesOf } from './document';
import type { RecordedRequest } from './source';
import { summaryOf } from './summary';
import { timelineOf } from './timeline';

export interface RequestExplanationOptions {
  /** The URL of the GraphQL endpoint. */
  readonly endpoint: string;
  /** The plan of its operation; undefined if there is none. */
  readonly plan: QueryPlan | undefined;
  /** Whether literals and variables are shown. */
  readonly values: boolean;
  readonly responses: Options['cache']['responses'];
}

/** What happened to a recorded request, or event, of which this is the first span. */
export function explainRequest(first: Span, options: RequestExplanationOptions): RecordedRequest {
  const { endpoint, plan, values, responses } = options;
  const { notes = {} } = first.trace;
  const { document: text, operationName } = notes;
  const document = text === undefined ? undefined : explainDocument({ text, operationName, plan, values });
  const dropped = droppedBy(first, values);
  return {
    ...summaryOf(first),
    ...(document && { document }),
    ...(values && notes.variables && { variables: notes.variables }),
    timeline: timelineOf(first),
    nulls: (notes.nulls ?? []).map((each) => ({
      path: each.path,
      cause: each.cause.kind,
      reason: explainNull(each),
    })),
    cacheReasons: cacheReasons(first, responses),
    ...(dropped && { dropped }),
    ...(notes.cost && { cost: notes.cost }),
    curl: curlFor({
      endpoint,
      text: document?.text,
      operationName,
      variables: text === undefined ? [] : variablesOf(text, operationName),
    }),
  };
}

export interface CurlFacts {
  readonly endpoint: string;
  /** Undefined if it is not known: then the command has `…` instead. */
  readonly text: string | undefined;
  readonly operationName: string | undefined;
  /** Names of the operation's variables. */
  readonly variables?: readonly string[];
}

/** A command that sends an operation again. What the client has sent besides its text are placeholders. */
export function curlFor({ endpoint, text, operationName, variables = [] }: CurlFacts): string {
  const body = {
    query: text ?? '…',
    ...(operationName !== undefined && { operationName }),
    ...(variables.length > 0 && { variables: Object.fromEntries(variables.map((name) => [name, '…'])) }),
  };
  return [
    `curl ${quoted(endpoint)}`,
    "-H 'content-type: application/json'",
    "-H 'authorization: Bearer …'",
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(' \\\n  ');
}

/** A word of a POSIX shell, in which nothing is replaced. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
