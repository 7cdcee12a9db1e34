/** Subscriptions over the HTTP callback protocol of Apollo, `callback/1.0`. */
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBackoff } from '../backoff';
import { type OpenSubscription, type RunningSubscription, SubscriptionRefused } from './open-subscription';

const protocolHeader = { 'subscription-protocol': 'callback/1.0' };

/** How long one callback may take, and how long one that fails is repeated, in milliseconds. */
const callbackTimeout = 5000;
const repeatBudget = 10_000;
const shortestHeartbeat = 100;

/** `extensions.subscription` of a request. */
interface CallbackTarget {
  readonly callbackUrl: string;
  readonly subscriptionId: string;
  readonly verifier: string;
  /** 0: no heartbeat is wanted. */
  readonly heartbeatIntervalMs: number;
}

export interface CallbackOptions {
  readonly open: OpenSubscription;
  /** Aborted when the process begins to drain. */
  readonly draining: AbortSignal;
  /** Headers that sign a callback; none without a private link. */
  readonly sign: (body: string) => Readonly<Record<string, string>>;
}

export const acceptsCallback = ({ method, headers }: FastifyRequest): boolean =>
  method === 'POST' && /;\s*callbackSpec\s*=\s*"?1\.0\b/i.test(headers.accept ?? '');

/**
 * Serves subscriptions by callbacks. One callback of a subscription is sent at a time, so that events arrive in order. A
 * callback that fails is repeated for 10 s; a subscription ends when that does not help, or when the gateway answers
 * with a status from 300 to 499.
 */
export function serveCallbacks({ open, draining, sign }: CallbackOptions) {
  const deliveries = new Set<Promise<void>>();

  return {
    /**
     * Answers `{ "data": null }` when the subscription is open and the gateway has confirmed it. Rejects with
     * {@link SubscriptionRefused}.
     */
    async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
      const body = (request.body ?? {}) as { extensions?: { subscription?: Partial<CallbackTarget> } };
      const target = readTarget(body.extensions?.subscription);
      const results = await open(body, request);
      if (!(await send(target, 'check'))) {
        await results.return();
        const message = 'The callback URL has not confirmed the subscription.';
        return reply.code(400).send({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
      }
      const delivery = deliver(target, results).finally(() => deliveries.delete(delivery));
      deliveries.add(delivery);
      return reply.headers(protocolHeader).send({ data: null });
    },
    /** Resolves when the subscriptions that ended by the draining have been completed. */
    async ended(): Promise<void> {
      await Promise.all(deliveries);
    },
  };

  async function deliver(target: CallbackTarget, results: RunningSubscription): Promise<void> {
    const ended = new AbortController();
    const { signal } = ended;
    const end = (): void => {
      ended.abort();
      void results.return();
    };
    draining.addEventListener('abort', end);
    if (draining.aborted) end();
    void beat(target, signal).then(end);
    let hasFailed = false;
    try {
      for await (const payload of results) if (!(await send(target, 'next', { payload }, signal))) end();
    } catch {
      hasFailed = true;
    }
    end();
    draining.removeEventListener('abort', end);
    const reason = draining.aborted ? stopping : hasFailed ? failed : undefined;
    if (reason !== undefined) await send(target, 'complete', { errors: [reason] }, signal);
  }

  /** Sends heartbeats; resolves when the gateway does not take them any more. */
  async function beat(target: CallbackTarget, signal: AbortSignal): Promise<void> {
    const pause = target.heartbeatIntervalMs;
    if (pause === 0) return new Promise(() => undefined);
    do
      await sleep(Math.max(pause, shortestHeartbeat), undefined, { signal, ref: false }).catch(
        () => undefined,
      );
    while (!signal.aborted && (await send(target, 'check', {}, signal)));
  }

  /** Whether the gateway has taken it. Once `signal` is aborted, it is not sent again. */
  async function send(
    { callbackUrl, subscriptionId: id, verifier }: CallbackTarget,
    action: 'check' | 'next' | 'complete',
    more: object = {},
    signal?: AbortSignal,
  ): Promise<boolean> {
    const body = JSON.stringify({ kind: 'subscription', action, id, verifier, ...more });
    const backoff = createBackoff({ budgetMilliseconds: repeatBudget, signal });
    do {
      try {
        const response = await fetch(callbackUrl, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...protocolHeader, ...sign(body) },
          body,
          redirect: 'manual',
          signal: AbortSignal.timeout(callbackTimeout),
        });
        await response.body?.cancel();
        if (response.ok) return true;
        if (response.status < 500) return false;
      } catch {
        // It is sent again.
      }
    } while (await backoff.pause());
    return false;
  }
}

/** After `UNAVAILABLE` a gateway subscribes anew. */
const stopping = { message: 'The subgraph is stopping.', extensions: { code: 'UNAVAILABLE' } };
const failed = { message: 'The event source has failed.', extensions: { code: 'UNAVAILABLE' } };

function readTarget(given: Partial<CallbackTarget> = {}): CallbackTarget {
  const { callbackUrl, subscriptionId, verifier, heartbeatIntervalMs = 0 } = given;
  const isRight =
    typeof callbackUrl === 'string' &&
    /^https?:\/\//i.test(callbackUrl) &&
    URL.canParse(callbackUrl) &&
    typeof subscriptionId === 'string' &&
    typeof verifier === 'string' &&
    typeof heartbeatIntervalMs === 'number' &&
    heartbeatIntervalMs >= 0 &&
    heartbeatIntervalMs < 2 ** 31;
  if (isRight) return { callbackUrl, subscriptionId, verifier, heartbeatIntervalMs };
  const message =
    '`extensions.subscription` must have a `callbackUrl` (http or https), a `subscriptionId`, a `verifier`, and a `heartbeatIntervalMs` of 0 or more.';
  throw new SubscriptionRefused([{ message, extensions: { code: 'BAD_REQUEST' } }]);
}
