import { isUtf8 } from 'node:buffer';
import { type ApolloServer, HeaderMap, type HTTPGraphQLResponse } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Admit } from './auth/authentication';
import { requestError } from './errors';
import type { OperationContext } from './executor';

export interface EndpointOptions {
  readonly path: string;
  readonly apollo: ApolloServer<OperationContext>;
  /** Whether there is a supergraph; until then the answer is 503. */
  readonly isReady: () => boolean;
  /** Undefined when no mode of authentication is configured. */
  readonly admit: Admit | undefined;
}

/** Mounts Apollo Server on Fastify. The body of a request stays the bytes that came until it is needed as JSON. */
export function graphqlEndpoint(
  app: FastifyInstance,
  { path, apollo, isReady, admit }: EndpointOptions,
): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.route({
    method: ['GET', 'POST'],
    url: path,
    exposeHeadRoute: false,
    preHandler: async ({ client, method, url, headers, body }) => {
      if (admit === undefined) return;
      const received = { method, url, headers, body: Buffer.isBuffer(body) ? body : noBody };
      if (!(await admit(client, received))) throw client.refusal!;
    },
    handler: async (request, reply) => {
      if (!isReady()) throw requestError('NO_SUPERGRAPH', {});
      const httpGraphQLRequest = {
        method: request.method,
        headers: headersOf(request),
        search: searchOf(request),
        body: request.method === 'POST' ? parseBody(request) : undefined,
      };
      const { client } = request;
      const context = () => Promise.resolve({ client });
      return send(
        reply,
        await client.run(() => apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest, context })),
      );
    },
  });
}

function send(reply: FastifyReply, { status, headers, body }: HTTPGraphQLResponse): FastifyReply {
  if (body.kind !== 'complete') throw new Error('The gateway has no incremental delivery.');
  for (const [name, value] of headers) void reply.header(name, value);
  return reply.code(status ?? 200).send(body.string);
}

const noBody = Buffer.alloc(0);

function parseBody({ headers, body, client }: FastifyRequest): unknown {
  const type = headers['content-type'] ?? '';
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity')
    throw requestError('UNSUPPORTED_MEDIA_TYPE', { got: `${encoding}-encoded` });
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
  if (Array.isArray(request))
    throw requestError('BAD_REQUEST', { reason: 'Batches of operations are not accepted.' });
  if (typeof request !== 'object' || request === null) {
    throw requestError('BAD_REQUEST', { reason: 'The body must be a JSON object.' });
  }
  if (client.proof?.withoutExtensions === true) delete (request as { extensions?: unknown }).extensions;
  return request;
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
