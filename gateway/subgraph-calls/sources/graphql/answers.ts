/** Answers in GraphQL, as a source sends them. */
import { errors as errorTable } from '../../../errors';
import { JsonParts } from '../../wire/json-parts';
import { nullJson } from './pieces';

/** An error without its position. */
export interface SourceError {
  readonly message?: unknown;
  readonly extensions?: unknown;
  readonly path?: readonly unknown[] | undefined;
}

export interface GraphQLAnswer {
  /** Undefined where there is none. */
  data: ReadonlyMap<string, Buffer> | null | undefined;
  errors: readonly SourceError[];
}

/** Undefined for what is no answer in GraphQL. */
export function readAnswer(body: Buffer): GraphQLAnswer | undefined {
  const answer: GraphQLAnswer = { data: undefined, errors: [] };
  const parts = new JsonParts(body);
  try {
    parts.object((name) => {
      if (name === 'data' && parts.isObject) {
        const data = new Map<string, Buffer>();
        parts.object((key) => {
          data.set(key, parts.value());
        });
        answer.data = data;
      } else {
        const value = parts.value();
        if (name === 'data' && value.equals(nullJson)) answer.data = null;
        if (name !== 'errors') return;
        const errors = JSON.parse(value.toString()) as unknown;
        if (Array.isArray(errors))
          answer.errors = errors.filter((each) => typeof each === 'object' && each !== null) as SourceError[];
      }
    });
    parts.end();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return answer;
}

/** Errors by their slots, with paths below the slot, and those of none. */
export function sortErrors(
  errors: readonly SourceError[],
  count: number,
): readonly [ofSlots: readonly SourceError[][], others: readonly SourceError[]] {
  const ofSlots = Array.from({ length: count }, (): SourceError[] => []);
  const others: SourceError[] = [];
  for (const error of errors) {
    const [alias, ...path] = Array.isArray(error.path) ? (error.path as readonly unknown[]) : [];
    const slot = typeof alias === 'string' ? ofSlots[Number(alias.slice(1))] : undefined;
    if (slot === undefined) others.push(error);
    else slot.push({ ...error, path });
  }
  return [ofSlots, others];
}

/** The error of a call whose response cannot be used. */
export function unreadable(subgraph: string, status: number): SourceError {
  const isError = status < 200 || status >= 300;
  const code = isError ? 'SUBREQUEST_HTTP_ERROR' : 'SUBREQUEST_MALFORMED_RESPONSE';
  const message = isError
    ? errorTable.SUBREQUEST_HTTP_ERROR.message({ subgraph, status })
    : errorTable.SUBREQUEST_MALFORMED_RESPONSE.message({
        subgraph,
        reason: 'it has not what was requested',
      });
  return { message, extensions: { code, ...(isError && { http: { status } }) } };
}
