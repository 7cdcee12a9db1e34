import { GraphQLError } from 'graphql';
import { type FastifyRequest } from 'fastify';
import { type Database } from '../table/database';
import { SubgraphError } from '../errors';
import { type ArchiveWait } from '../events/log/archive-wait';
import { type Cause } from '../events/event';
import { requestState, type RequestState } from '../graphql';
import {
  developmentAuthenticate,
  linkAuthenticate,
  type Authenticate,
  type Identity,
  type SignedCaller,
} from '../identity/identity';
import { type LinkKeys } from '../identity/link-keys';
import { type Projections } from '../events/subgraph-projections';
import { signer, type LinkProof } from '../identity/private-link';
import { type RequestScope, type Subgraph } from '../subgraph';
import { type Trace } from '../traces/trace';
import { causedFetch } from '../traces/caused-fetch';
import { type Tracer } from '../traces/tracer';
import { type Workflows } from '../workflows/workflows';

/** A request as far as its resolvers depend on it. */
export interface ReceivedCall extends Pick<FastifyRequest, 'headers' | 'log'> {
  readonly trace: Trace;
  /** What the private link proved; `null` without a private link. */
  readonly checked: LinkProof | null;
}

export interface CallEffects {
  readonly signal: AbortSignal;
  /** @default nothing is invalidated: an event has no response headers */
  readonly invalidate?: RequestScope['invalidate'];
  /** @default nothing to carry through */
  readonly carryThrough?: RequestState['carryThrough'];
}

/**
 * Makes the context of one request, or of one event of a subscription: the subgraph's own, and the kit's part. Rejects
 * where the subgraph's `authenticate` refuses.
 */
export type CreateContext = (call: ReceivedCall, effects: CallEffects) => Promise<object>;

export interface ContextOptions<OptionName extends string> {
  readonly db: Database;
  readonly options: Readonly<Record<OptionName, string>>;
  readonly workflowsOf: (cause: Cause) => Workflows;
  readonly projectionsOf: (db: Database) => Projections;
  /** The keys of the private link. Without them the subgraph answers every caller. */
  readonly linkKeys?: LinkKeys | undefined;
  /** Trusts the user id of a request unchecked where the gateway has signed no caller. @default true without keys */
  readonly development?: boolean | undefined;
  /** Requests wait until it is resolved. */
  readonly prepared: Promise<void>;
  /** Records requests to the GraphQL endpoint. @default nothing is recorded */
  readonly tracer?: Tracer | undefined;
  /** Answers of mutations wait for the archive. Undefined: they do not. */
  readonly archiveWait?: ArchiveWait | undefined;
}

export function contextsOf<Context extends object, OptionName extends string>(
  subgraph: Subgraph<Context, OptionName>,
  scope: ContextOptions<OptionName>,
): CreateContext {
  const { db, options, linkKeys, tracer } = scope;
  const { development = !linkKeys } = scope;
  const authenticate = subgraph.authenticate ?? (development ? developmentAuthenticate : linkAuthenticate);

  return async (call, { signal, invalidate = noop, carryThrough = noop }) => {
    await scope.prepared;
    const { checked, trace, log } = call;
    const caller = checked?.caller ?? null;
    const cause = causeOf(trace);
    const followed = scope.archiveWait?.follow();
    const ownDb = db.forRequest(signal, followed?.onItem).causedBy(cause);
    const context = subgraph.context?.({
      db: ownDb,
      projections: scope.projectionsOf(ownDb),
      cause,
      identity: identify(authenticate, call, caller),
      caller,
      sign: signer(linkKeys, caller),
      signal,
      invalidate,
      propagation: trace.propagation,
      fetch: causedFetch(cause, tracer),
      options,
      workflows: scope.workflowsOf(cause),
      log,
    });
    const state: RequestState = { log, carryThrough, span: trace.span, archived: followed?.archived };
    return { ...context, [requestState]: state };
  };
}

function causeOf({ requestId, propagation: { traceparent, tracestate } }: Trace): Cause {
  return {
    correlationid: requestId,
    ...(traceparent !== undefined && { traceparent }),
    // Longer ones need not be kept (W3C Trace Context, section 3.3.1.5).
    ...(tracestate !== undefined && tracestate.length <= 512 && { tracestate }),
  };
}

/** Identifies the caller. A refusal refuses the whole request, with its HTTP status. */
function identify(
  authenticate: Authenticate,
  { headers }: ReceivedCall,
  caller: SignedCaller | null,
): Identity | null {
  try {
    return authenticate(headers, caller);
  } catch (error) {
    if (!(error instanceof SubgraphError)) throw error;
    const status = error.code === 'FORBIDDEN' ? 403 : error.code === 'UNAVAILABLE' ? 503 : 401;
    throw new GraphQLError(error.message, { extensions: { ...error.extensions, http: { status } } });
  }
}

const noop = (): void => undefined;
