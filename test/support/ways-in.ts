import { createHash } from 'node:crypto';

/** A way of sending an operation to a gateway. */
export interface WayIn {
  readonly name: string;
  /** The operation as a request of `fetch`. */
  readonly request: (url: string, operation: Operation) => Request;
}

interface Operation {
  /** Undefined where `extensions` name it. */
  readonly query?: string;
  readonly variables?: Record<string, unknown> | undefined;
  readonly operationName?: string | undefined;
  readonly extensions?: Record<string, unknown> | undefined;
}

const post = (url: string, body: string, headers: Record<string, string> = {}): Request =>
  new Request(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });

/** Each character outside of a JSON text's own punctuation as an escape. */
const escaped = (text: string): string =>
  `"${text.replace(/[^]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;

const persisted = ({ query }: Operation) => ({
  persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query!).digest('hex') },
});

/** Every way in is the same to an attack. */
export const waysIn: readonly WayIn[] = [
  { name: 'POST', request: (url, operation) => post(url, JSON.stringify(operation)) },
  {
    name: 'POST for application/graphql-response+json',
    request: (url, operation) =>
      post(url, JSON.stringify(operation), { accept: 'application/graphql-response+json' }),
  },
  {
    name: 'POST with every character escaped',
    request: (url, { query, ...others }) =>
      post(url, `{"query":${escaped(query!)},${JSON.stringify({ _: 0, ...others }).slice(1)}`),
  },
  {
    name: 'GET',
    request: (url, { query, variables, operationName, extensions }) => {
      const search = new URLSearchParams(query === undefined ? {} : { query });
      if (variables) search.set('variables', JSON.stringify(variables));
      if (extensions) search.set('extensions', JSON.stringify(extensions));
      if (operationName !== undefined) search.set('operationName', operationName);
      return new Request(`${url}?${search.toString()}`, { headers: { 'apollo-require-preflight': '1' } });
    },
  },
  {
    name: 'a persisted query that it registers',
    request: (url, operation) =>
      post(url, JSON.stringify({ ...operation, extensions: persisted(operation) })),
  },
  {
    name: 'a batch',
    request: (url, operation) => post(url, JSON.stringify([{ query: '{__typename}' }, operation])),
  },
];

const asParts = (name: string, accept: string, way: WayIn): WayIn => ({
  name,
  request: (url, operation) => {
    const request = way.request(url, operation);
    request.headers.set('accept', accept);
    return request;
  },
});

/** The ways of clients that take answers in parts alone, or answers that are whole, too. Read them by `readAnswer`. */
export const waysInForParts: readonly WayIn[] = [
  asParts('POST for server-sent events', 'text/event-stream', waysIn[0]!),
  asParts('GET for server-sent events', 'text/event-stream', waysIn[3]!),
  asParts(
    "POST for Apollo's multipart subscriptions",
    'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json',
    waysIn[0]!,
  ),
  asParts('POST for multipart/mixed', 'multipart/mixed', waysIn[0]!),
];

/** The body of an answer: over an event stream that of its only event. */
export async function readAnswer(
  response: Response,
): Promise<{ readonly text: string; readonly isEvent: boolean }> {
  const text = await response.text();
  const isEvent = response.headers.get('content-type')!.startsWith('text/event-stream');
  if (!isEvent) return { text, isEvent };
  const [, data] = /^:\n\nevent: next\ndata: (.*)\n\nevent: complete\ndata:\n\n$/.exec(text)!;
  return { text: data!, isEvent };
}

/** A query that is known by its hash only. */
export const byHash = (url: string, operation: Operation): Request => {
  const { variables, operationName } = operation;
  return post(url, JSON.stringify({ variables, operationName, extensions: persisted(operation) }));
};
