import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import { GraphQLError } from 'graphql';
import { requireToken } from '../../http/require-token';
import { requestError } from '../../errors';
import { sendError } from '../../http/send-error';
import { describeIssue } from '../../options/problem';
import { z } from 'zod';
import { type Invalidation, invalidationSchema } from '../../options/invalidation';
import { tagsOf, UnknownNames } from '../../cache/invalidation';
import { unpackRequest } from './unpack-request';
import { StoreUnavailable } from '../../cache/stores/store';

export interface InvalidationRouteOptions {
  /** What a caller must send as a bearer token (RFC 6750, section 2.1). */
  readonly token: string;
  readonly invalidate: InvalidateFor;
  readonly logger: { error(facts: { readonly err: unknown }, message: string): void };
}

/**
 * Invalidates in all gateways, for a caller with this address. Resolves with the paths that the CDN will drop;
 * undefined without a CDN. Rejects with `UnknownNames` if the supergraph does not have all names, and with
 * `StoreUnavailable` if success is not certain.
 */
export type InvalidateFor = (
  invalidation: Invalidation,
  address: string,
  /** Of several, whose names these are. @default the default graph */
  graph?: string,
) => Promise<readonly string[] | undefined>;

const bodySchema = invalidationSchema.safeExtend({ graph: z.string({ error: 'must be text' }).optional() });

export const invalidationPath = '/cache/invalidate';

/** Bytes. */
const bodyLimit = 1024 * 1024;

/**
 * `POST /cache/invalidate`, and the same at other paths: 200 with the tags if no entry with one of them is in the store any more, 400 if a name is not in
 * the supergraph, 503 if success is not certain. The CDN gets the invalidation afterwards, whatever the result.
 */
export function invalidationRoute(
  app: FastifyInstance,
  { token, invalidate, logger }: InvalidationRouteOptions,
  others: readonly string[] = [],
): void {
  app.addHook('onRequest', requireToken(token));
  app.setErrorHandler<FastifyError | GraphQLError | StoreUnavailable | UnknownNames>(
    (error, request, reply) => {
      if (error instanceof GraphQLError) return sendError(reply, error);
      if (error instanceof UnknownNames)
        return sendError(reply, requestError('BAD_REQUEST', { reason: error.message }));
      if (error instanceof StoreUnavailable) {
        logger.error({ err: error.cause }, 'an invalidation could not be confirmed');
        return sendError(reply, requestError('CACHE_UNAVAILABLE', {}));
      }
      if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
        return sendError(reply, requestError('PAYLOAD_TOO_LARGE', { limit: bodyLimit }));
      if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
        const got = request.headers['content-type'] ?? 'of no type';
        return sendError(reply, requestError('UNSUPPORTED_MEDIA_TYPE', { got }));
      }
      if (error.statusCode !== undefined && error.statusCode < 500) {
        return sendError(reply, requestError('BAD_REQUEST', { reason: error.message }));
      }
      logger.error({ err: error }, 'an invalidation failed');
      return sendError(reply, requestError('INTERNAL_SERVER_ERROR', {}));
    },
  );
  app.removeContentTypeParser('text/plain');
  const answer = async ({ body, ip: address }: FastifyRequest): Promise<object> => {
    const { data, error } = bodySchema.safeParse(body);
    if (data === undefined) {
      const problems = error.issues.flatMap((issue) => describeIssue(issue, body, bodySchema, 'The body'));
      throw requestError('BAD_REQUEST', { reason: problems.map(({ sentence }) => sentence).join(' ') });
    }
    const paths = await invalidate(data, address, data.graph);
    return { invalidated: tagsOf(data), ...(paths && { cdn: { purge: 'queued', paths } }) };
  };
  for (const path of [invalidationPath, ...others])
    app.post(path, { bodyLimit, preParsing: unpackRequest }, answer);
}
