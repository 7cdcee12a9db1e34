import { isUtf8 } from 'node:buffer';
import { type ApolloServer, HeaderMap, type HTTPGraphQLResponse } from '@apollo/server';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Admit } from './auth/authentication';
import type { ClientRequest } from './client-request';
import type { AnswerHeaders } from './edge/answer-headers';
import type { CachedAnswers } from './edge/cached-answers';
import { idMembers, type NamedRequest, type PersistedOperations } from './edge/persisted-operations';
import { requestError } from './errors';
import type { OperationContext } from './executor';
import type { ClientLimits } from './limits/client-limits';
import type { Rates } from './limits/rates';
import { unpackRequest } from './unpack-request';

export interface EndpointOptions {
  readonly path: string;
  readonly apollo: Pick<ApolloServer<OperationContext>, 'executeHTTPGraphQLRequest'>;
  readonly answerHeaders: AnswerHeaders;
  readonly cachedAnswers: Pick<CachedAnswers, 'learn'>;
  /** Whether there is a supergraph; until then the answer is 503. */
  readonly isReady: () => boolean;
  readonly limits: ClientLimits;
  readonly persistedOperations: PersistedOperations;
  /** Undefined when no mode of authentication is configured. */
  readonly admit: Admit | undefined;
  /** Undefined when no rate is configured. */
  readonly rates: Rates | undefined;
}

/** Mounts Apollo Server on Fastify. The body of a request stays the bytes that came until it is needed as JSON. */
export function graphqlEndpoint(app: FastifyInstance, options: EndpointOptions): void {
  const { path, apollo, limits, persistedOperations, isReady, admit, rates } = options;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, ({ client }, body, done) => {
    client.received = body.length;
    done(null, body);
  });
  app.route({
    method: ['GET', 'POST'],
    url: path,
    exposeHeadRoute: false,
    // Of who waits for leave to send a body, this is known before.
    onRequest: ({ client }, _reply, done) =>
      client.refusal === undefined ? done() : done((rates?.refuse(client) ?? client.refusal) as FastifyError),
    preParsing: unpackRequest,
    preHandler: async ({ client, method, url, headers, body }) => {
      const received = {
        requestId: client.id,
        method,
        url,
        headers,
        body: Buffer.isBuffer(body) ? body : noBody,
      };
      const admitted = admit === undefined || (await admit(client, received));
      const limited = rates?.refuse(client);
      if (limited !== undefined) throw limited;
      if (!admitted) throw client.refusal!;
    },
    handler: async (request, reply) => {
      if (!isReady()) throw requestError('NO_SUPERGRAPH', {});
      const { client, method } = request;
      const given = method === 'POST' ? parseBody(request) : undefined;
      if (Array.isArray(given)) {
        const limited = rates?.refuseBatch(client, given.length);
        if (limited !== undefined) throw limited;
        checkBatch(given, client, limits);
      }
      const spellOut = (named: NamedRequest) => persistedOperations.spellOut(named);
      const body = given && (await spellOutBody(given, spellOut));
      const search = body === undefined ? await spellOutUrl(searchOf(request), spellOut) : '';
      for (const document of body === undefined
        ? documentsOfUrl(search)
        : [body].flat().flatMap(documentOf)) {
        const refusal = limits.refuse(document, client.identity) ?? persistedOperations.refuse?.(document);
        if (refusal !== undefined) throw refusal;
      }
      const httpGraphQLRequest = { method, headers: headersOf(request), search, body };
      const context = () => Promise.resolve({ client });
      const response = await client.run(() =>
        apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest, context }),
      );
      // Of several operations in one request none speaks for all.
      if (Array.isArray(body)) client.served = undefined;
      return send(request, reply, response, options);
    },
  });
}

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { status = 200, headers, body }: HTTPGraphQLResponse,
  { answerHeaders, cachedAnswers }: EndpointOptions,
): FastifyReply {
  if (body.kind !== 'complete') throw new Error('The gateway has no incremental delivery.');
  const { client } = request;
  const { served } = client;
  // Bytes may have taken the place of text.
  const sent: string | Buffer = body.string;
  if (served === undefined || status !== 200) {
    if (!headers.has('cache-control')) void reply.header('cache-control', 'no-store');
    for (const [name, value] of headers) void reply.header(name, value);
    return reply.code(status).send(sent);
  }
  for (const [name, value] of headers) if (!bodyHeaders.has(name)) void reply.header(name, value);
  const type = headers.get('content-type') ?? 'application/json; charset=utf-8';
  if ((sent as unknown) !== served.answer.body) {
    addHeaders(reply, answerHeaders.describe(served));
    return reply.type(type).send(sent);
  }
  if (request.method === 'GET') cachedAnswers.learn(request.raw.url!, served, client);
  const answer = answerHeaders.reply(request.raw, type, served);
  addHeaders(reply, answer.headers);
  return reply.code(answer.status).send(answer.status === 304 ? undefined : answer.body);
}

const bodyHeaders = new Set(['content-type', 'content-length', 'cache-control']);

function addHeaders(reply: FastifyReply, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!, headers[i + 1]!];
    const before = name === 'vary' ? reply.getHeader(name) : undefined;
    void reply.header(name, before === undefined ? value : `${String(before)}, ${value}`);
  }
}

const noBody = Buffer.alloc(0);

function parseBody({ headers, body, client }: FastifyRequest): object {
  const type = headers['content-type'] ?? '';
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset))
    throw requestError('UNSUPPORTED_MEDIA_TYPE', { got: type });
  if (!Buffer.isBuffer(body) || body.length === 0)
    throw requestError('BAD_REQUEST', { reason: 'The body is empty.' });
  if (!isUtf8(body)) throw requestError('BAD_REQUEST', { reason: 'The body is not valid UTF-8.' });
  let request: unknown;
  try {
    request = JSON.parse(body.toString('utf8'));
  } catch {
    throw requestError('BAD_REQUEST', { reason: 'The body is not valid JSON.' });
  }
  if (typeof request !== 'object' || request === null) {
    throw requestError('BAD_REQUEST', { reason: 'The body must be a JSON object.' });
  }
  if (client.proof?.withoutExtensions === true) {
    // Not signed, so not from whoever signed the rest.
    for (const each of [request].flat()) delete (each as { extensions?: unknown } | null)?.extensions;
  }
  return request;
}

/** Throws when there are more operations than the client may send at once. */
function checkBatch({ length }: readonly unknown[], { identity }: ClientRequest, limits: ClientLimits): void {
  const limit = limits.of(identity).batch;
  if (limit === 1) throw requestError('BAD_REQUEST', { reason: 'Batches of operations are not accepted.' });
  if (length > limit) throw requestError('MAX_BATCH_LIMIT', { got: length, limit });
}

type SpellOut = (named: NamedRequest) => Promise<NamedRequest>;

function spellOutBody(body: object, spellOut: SpellOut): Promise<object> {
  if (!Array.isArray(body)) return spellOut(body);
  return Promise.all(
    body.map((each: unknown) => (typeof each === 'object' && each !== null ? spellOut(each) : each)),
  );
}

async function spellOutUrl(search: string, spellOut: SpellOut): Promise<string> {
  const parameters = new URLSearchParams(search);
  if (parameters.has('query')) return search;
  const named: Record<string, unknown> = {};
  for (const member of idMembers) if (parameters.has(member)) named[member] = parameters.get(member);
  try {
    if (parameters.has('extensions')) named['extensions'] = JSON.parse(parameters.get('extensions')!);
  } catch {
    // Apollo Server says so.
    return search;
  }
  const spelled = await spellOut(named);
  if (spelled === named) return search;
  const { query, extensions } = spelled;
  parameters.set('extensions', JSON.stringify(extensions));
  if (typeof query === 'string') parameters.set('query', query);
  return `?${parameters.toString()}`;
}

function documentOf(operation: unknown): string[] {
  const { query } = (operation ?? {}) as { readonly query?: unknown };
  return typeof query === 'string' ? [query] : [];
}

function headersOf({ headers }: FastifyRequest): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}

function searchOf({ url }: FastifyRequest): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}

const documentsOfUrl = (search: string): string[] => new URLSearchParams(search).getAll('query');
