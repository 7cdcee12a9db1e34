import { isMap } from '../options/is-map';
import type { ErrorCode } from '../errors';
import type { Tool } from './tools/tools';

export interface GraphqlError {
  readonly message: string;
  readonly extensions?: { readonly code?: unknown };
}

/** A GraphQL response to an operation. */
export interface Response {
  /** JSON. */
  readonly text: string;
  /** Whether there is data: some fields of it may be missing. */
  readonly hasData: boolean;
  /** Empty where there is data. */
  readonly errors: readonly GraphqlError[];
}

export function responseOf(text: string): Response {
  // Nearly all: nothing of it is parsed.
  if (text.startsWith('{"data":{')) return { text, hasData: true, errors: [] };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const { data, errors } = isMap(parsed) ? parsed : {};
  return { text, hasData: isMap(data), errors: Array.isArray(errors) ? (errors as GraphqlError[]) : [] };
}

/** The result of a call (Model Context Protocol, "Tool Result"). */
export interface CallResult {
  readonly isError: boolean;
  /** JSON of the response, or sentences about what is wrong. */
  readonly text: string;
}

/** The most bytes of an answer: models have little room, and read nothing of what is cut off. */
export const mostBytes = 256 * 1024;

/** The result of a tool, whose response is to an operation with these arguments. */
export function resultOf(tool: Tool, { text, hasData, errors }: Response): CallResult {
  const bytes = hasData ? Buffer.byteLength(text) : 0;
  if (hasData && bytes <= mostBytes) return { isError: false, text };
  if (hasData)
    return {
      isError: true,
      text: `The answer has ${bytes} bytes, more than the ${mostBytes} of a tool. ${narrowing(tool)}`,
    };
  const isTooMuch = errors.some(({ extensions }) => tooMuch.has(String(extensions?.code)));
  return {
    isError: true,
    text: isTooMuch ? `${sentencesOf(errors)} ${narrowing(tool)}` : sentencesOf(errors),
  };
}

const tooMuch: ReadonlySet<string> = new Set<ErrorCode>([
  ...(['RESPONSE_TOO_LARGE', 'MAX_COST_LIMIT', 'MAX_LIST_SIZE_LIMIT', 'GATEWAY_TIMEOUT'] as const),
]);

/** What a caller can do about an answer that is too large: by numbers such as `first`, if the tool has any. */
export function narrowing({ definition: { inputSchema } }: Pick<Tool, 'definition'>): string {
  const properties = Object.entries(inputSchema.properties) as [string, { readonly type?: unknown }][];
  const numbers = properties.filter(([, { type }]) => [type].flat().includes('integer'));
  const names = (numbers.length > 0 ? numbers : properties).map(([name]) => `\`${name}\``);
  return names.length === 0
    ? 'It takes no arguments, so another tool is needed.'
    : `Request less by ${names.join(', ')}.`;
}

/** The messages of errors, in words of tools: what is a variable there is an argument here. */
export const sentencesOf = (errors: readonly GraphqlError[]): string =>
  errors.length === 0
    ? 'There is no answer.'
    : errors.map(({ message }) => message.replace(/^Variable "\$(\w+)"/, 'The argument "$1"')).join('\n');
