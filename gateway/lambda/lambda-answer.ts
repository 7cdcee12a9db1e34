import { STATUS_CODES } from 'node:http';
import type { EventForm } from './event';

/** What an answer begins with. */
export interface LambdaHead {
  readonly statusCode: number;
  /** `200 OK`; only for load balancers. */
  readonly statusDescription?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  /** Each a `Set-Cookie`; only in payload 2.0. */
  readonly cookies?: readonly string[];
}

/** What a handler answers an event with. */
export interface LambdaAnswer extends LambdaHead {
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** The form in which an event wants its answer. */
export interface AnswerForm {
  readonly form: EventForm;
  readonly hasLists: boolean;
}

/** Bytes of an answer that AWS takes, as JSON. */
export const longestAnswer = {
  '2.0': 6 * 2 ** 20,
  '1.0': 6 * 2 ** 20,
  'load balancer': 2 ** 20,
} as const satisfies Record<EventForm, number>;

/** @param headers names and values in turn */
export function lambdaAnswer(
  statusCode: number,
  headers: readonly string[],
  body: Buffer,
  form: AnswerForm,
): LambdaAnswer {
  const isBase64Encoded = headers.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-encoding');
  return {
    ...lambdaHead(statusCode, headers, form),
    body: body.toString(isBase64Encoded ? 'base64' : 'utf8'),
    isBase64Encoded,
  };
}

/** @param headers names and values in turn */
export function lambdaHead(
  statusCode: number,
  headers: readonly string[],
  { form, hasLists }: AnswerForm,
): LambdaHead {
  const lists = new Map<string, string[]>();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    const before = lists.get(name);
    if (before === undefined) lists.set(name, [headers[i + 1]!]);
    else before.push(headers[i + 1]!);
  }
  // What stands in front of the function counts the body itself.
  lists.delete('content-length');
  const sent = {
    statusCode,
    ...(form === 'load balancer' && {
      statusDescription: `${statusCode} ${STATUS_CODES[statusCode] ?? ''}`.trim(),
    }),
  };
  if (hasLists) return { ...sent, multiValueHeaders: Object.fromEntries(lists) };
  const cookies = form === '2.0' ? lists.get('set-cookie') : undefined;
  if (cookies !== undefined) lists.delete('set-cookie');
  const joined = Object.fromEntries(Array.from(lists, ([name, values]) => [name, values.join(', ')]));
  return { ...sent, headers: joined, ...(cookies && { cookies }) };
}

/** Bytes of an answer as JSON. */
export const lengthOf = (answer: LambdaAnswer): number => Buffer.byteLength(JSON.stringify(answer));
