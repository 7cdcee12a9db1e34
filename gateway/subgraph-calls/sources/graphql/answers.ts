/** Answers in GraphQL, as a source sends them. */
import { errors as errorTable } from '../../../errors';
import {
  type ExactJson,
  type ExactObject,
  parseExactJson,
  typeOf,
  writeExactJson,
} from '../../../replay/exact-json';

/** An error without its position. */
export interface SourceError {
  readonly message?: unknown;
  readonly extensions?: unknown;
  readonly path?: readonly unknown[] | undefined;
}

export interface GraphQLAnswer {
  /** Undefined where there is none. */
  readonly data: ExactObject | null | undefined;
  readonly errors: readonly SourceError[];
  readonly extensions: ExactJson | undefined;
}

/** Undefined for what is no answer in GraphQL. */
export function readAnswer(body: string): GraphQLAnswer | undefined {
  let answer: ExactJson;
  try {
    answer = parseExact(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeOf(answer) !== 'object') return undefined;
  const { data, errors, extensions } = answer as ExactObject;
  const isData = data === null || (data !== undefined && typeOf(data) === 'object');
  // Indexes in paths must be numbers.
  const all = Array.isArray(errors) ? (JSON.parse(writeExactJson(errors)) as unknown[]) : [];
  return {
    data: isData ? (data as ExactObject | null) : undefined,
    errors: all.filter((each) => typeof each === 'object' && each !== null) as SourceError[],
    extensions,
  };
}

/** JSON with its numbers as they are written. @throws {SyntaxError} */
export const parseExact = (json: string): ExactJson =>
  isLong.test(json) || isOther.test(json) ? parseExactJson(json) : (JSON.parse(json) as ExactJson);

/** Numbers that JavaScript would write in another way, and text that begins as the mark of a number does. */
const isLong = /[\d.]{16}|-0[\s,}\]]|\\u0000/;
const isOther = /\.\d*0[\s,}\]]|[:,[\s]-?[\d.]+[eE]/;

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
