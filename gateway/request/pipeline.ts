/**
 * The steps of a request to the endpoint, from its headers to its graph, whose `GraphSteps` end with its answer;
 * `docs/request-lifecycle.md` draws them. Each step calls the next or ends with an answer, and one `Reply` writes all
 * answers but small ones from the cache, which are written in one piece (`cache/responses/prepared-answers.ts`).
 *
 * Before the response cache, steps are synchronous where they can be: a cache hit takes less time than a few promises.
 */
import type { GraphQLError } from 'graphql';
import type { Admit } from '../auth/authentication';
import type { AuthRequest } from '../auth/authenticator';
import type { IncomingRequest } from './incoming-request';
import { requestError } from '../errors';
import { noBody } from '../http/body';
import type { Slots } from '../admission/slots';
import type { Rates } from '../admission/rates/rates';
import type { GraphSteps } from './graph-steps';
import type { Reply } from './reply';
import { endWith } from '../telemetry/traces/span';

/** A request with its whole body; that of a GET is empty. */
export interface Arrival {
  readonly request: IncomingRequest;
  readonly body: Buffer;
}

export interface PipelineOptions {
  /** The most bytes of a body. Checked here for connections that do not check it while the body arrives. */
  readonly bodyLimit: number;
  readonly slots: Pick<Slots, 'acquire' | 'release'>;
  /** Undefined when no mode of authentication is configured. */
  readonly admit: Admit | undefined;
  readonly rates: Pick<Rates, 'refuse'> | undefined;
  readonly reply: Pick<Reply, 'refuse'>;
  readonly graph: Pick<GraphSteps, 'answer'> & {
    /** Why the operations of a connection would get no graph. @default there is only one graph */
    refusal?(request: IncomingRequest): GraphQLError | undefined;
  };
}

export class Pipeline {
  readonly #options: PipelineOptions;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** Admits a request whose body has arrived. It takes a slot only now, so that unfinished bodies hold none. */
  admit(request: IncomingRequest, body: Buffer): void {
    const { bodyLimit, slots } = this.#options;
    if (body.length > bodyLimit) {
      this.refuse(request, requestError('PAYLOAD_TOO_LARGE', { limit: bodyLimit }));
      return;
    }
    request.received = body.length;
    request.sink.onBody?.(body);
    slots.acquire(request, () => this.#authenticate({ request, body }));
  }

  /** Authenticates a request before its client sends the body: a refusal replaces `100 Continue`. */
  authenticateEarly(request: IncomingRequest, admitByHeaders: Admit, read: () => void): void {
    this.#authenticateOnly(request, admitByHeaders, factsOf({ request, body: noBody }), read);
  }

  /** Authenticates the client of a connection that stays open. Its operations are requests of their own. */
  connect(request: IncomingRequest, received: AuthRequest, onConnected: () => void): void {
    const { admit, graph } = this.#options;
    const onAdmitted = (): void => {
      const refusal = graph.refusal?.(request);
      if (refusal === undefined) onConnected();
      else this.refuse(request, refusal);
    };
    if (admit === undefined) onAdmitted();
    else this.#authenticateOnly(request, admit, received, onAdmitted);
  }

  /** Refuses a request: where there are too many, even a refusal waits for a slot. */
  refuse(request: IncomingRequest, error: GraphQLError): void {
    const { reply, slots } = this.#options;
    slots.acquire(request, () => reply.refuse(request, error));
  }

  /** Gives the slot back to a request that may go on: more of it is to come. */
  #authenticateOnly(
    request: IncomingRequest,
    admitRequest: Admit,
    received: AuthRequest,
    next: () => void,
  ): void {
    const { rates, reply, slots } = this.#options;
    slots.acquire(request, () =>
      whenKnown(traced(request, admitRequest(request, received)), (isAdmitted) => {
        if (isAdmitted) {
          slots.release(request);
          next();
        } else reply.refuse(request, rates?.refuse(request) ?? request.refusal);
      }),
    );
  }

  #authenticate(arrival: Arrival): void {
    const { admit } = this.#options;
    if (admit === undefined) this.#count(arrival, true);
    else
      whenKnown(traced(arrival.request, admit(arrival.request, factsOf(arrival))), (isAdmitted) =>
        this.#count(arrival, isAdmitted),
      );
  }

  #count(arrival: Arrival, isAdmitted: boolean): void {
    const { request } = arrival;
    const { graph, rates, reply } = this.#options;
    const refusal = rates?.refuse(request) ?? (isAdmitted ? undefined : request.refusal);
    if (refusal !== undefined) {
      reply.refuse(request, refusal);
      return;
    }
    if (request.protocol === 'mcp') request.forgetCredentials();
    graph.answer(arrival);
  }
}

/** Records the wait for an authentication: a call of an authoriser, or the keys of an issuer. */
const traced = <Value>({ span }: IncomingRequest, admitted: Value | Promise<Value>): Value | Promise<Value> =>
  span !== undefined && admitted instanceof Promise
    ? endWith(span.child('weir.authenticate'), admitted)
    : admitted;

/** Continues synchronously if it can. */
function whenKnown<Value>(value: Value | Promise<Value>, next: (value: Value) => void): void {
  if (value instanceof Promise) void value.then(next);
  else next(value);
}

function factsOf({ request: { id: requestId, protocol, head }, body }: Arrival): AuthRequest {
  const { method, url, headers } = head;
  return { requestId, protocol, method, url, headers, body };
}
