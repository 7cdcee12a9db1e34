import { type FastifyInstance, type RouteShorthandOptions } from 'fastify';
import { type z } from 'zod';
import { SubgraphError } from '../errors';
import { firstProblem } from '../events/log/read-event';
import { refuse } from './refuse';

export interface OperatorRoutes {
  readonly app: FastifyInstance;
  /** Requests wait until it is resolved. */
  readonly prepared: Promise<void>;
  /** The hooks that check the signature of the private link; without one, nothing is checked. */
  readonly signed: Pick<RouteShorthandOptions, 'onRequest' | 'preParsing'>;
}

/** Requests of operators are short. */
const bodyLimit = 16 * 1024;

/** HTTP statuses of what an action may throw; everything else is masked. */
const statuses: Readonly<Record<string, number>> = {
  BAD_USER_INPUT: 400,
  NOT_FOUND: 404,
  CONFLICT: 409,
  UNAVAILABLE: 503,
};

/**
 * Serves something for operators. It is `POST`, also to read, as signatures cover bodies. The signature does not cover
 * the path, so `body` must refuse the members of other routes, GraphQL's `query` among them.
 */
export function operatorRoute<Body extends z.ZodType>(
  { app, prepared, signed }: OperatorRoutes,
  path: string,
  { body: schema, act }: { readonly body: Body; readonly act: (body: z.output<Body>) => Promise<object> },
): void {
  app.post(path, { ...signed, bodyLimit }, async ({ body }, reply) => {
    const { data: request, error } = schema.safeParse(body);
    if (error) return refuse(reply, 400, 'BAD_REQUEST', `${firstProblem(error)}.`);
    await prepared;
    try {
      return await act(request);
    } catch (thrown) {
      const status = thrown instanceof SubgraphError ? statuses[thrown.code] : undefined;
      if (status === undefined) throw thrown;
      const { code, message } = thrown as SubgraphError;
      return refuse(reply, status, code, message);
    }
  });
}

/** A body without `action` has this one. */
export const withAction =
  (action: string) =>
  (body: unknown): unknown =>
    typeof body === 'object' && body !== null && !Array.isArray(body) && !Object.hasOwn(body, 'action')
      ? { ...body, action }
      : body;
