import type { Subgraph } from '../graph/engine';
import type { Options } from '../options';
import { loggedIds } from '../telemetry/logged-ids';
import { traceFetches, traceSends } from './interceptors/trace-calls';
import { cachesOf, type SubgraphCachesOptions } from './subgraph-caches';
import { countCalls, logFailedCalls } from './interceptors/measure-calls';
import { callAppSync } from './appsync';
import type { BreakerLease } from './breakers';
import { chooseEndpoint } from './endpoints';
import type { HttpTransport } from './http';
import { batchAsArrays } from './interceptors/array-batch';
import { batchEntities } from './interceptors/batch';
import { bulkhead } from './interceptors/bulkhead';
import { dedupe } from './interceptors/dedupe';
import { enforceContract } from './interceptors/enforce-contract';
import { collectResponseHeaders, keepFromOthers } from './interceptors/response-headers';
import { retry, type RetryOptions } from './interceptors/retry';
import { PendingCalls } from './pending-calls';
import type { ScopesInFlight } from './scopes-in-flight';
import { headersFor } from './interceptors/own-headers';
import { interceptOpening } from './subscriptions/intercept-opening';
import type { SubscriptionLease } from './subscriptions/subscription-transport';
import { compose, type Interceptor, routeBySubgraph, type Send, type Subscribe } from './transport';

/** The options of subgraph calls. */
export type CallOptions = Pick<Options, 'calls' | 'retries' | 'breaker' | 'zone'>;

export interface SubgraphCallsOptions extends SubgraphCachesOptions {
  readonly subgraphs: readonly Subgraph[];
  readonly calls: CallOptions;
  /** The client requests in flight, by scope. */
  readonly scopes: ScopesInFlight;
  readonly transport: HttpTransport;
  readonly subscriptions: SubscriptionLease;
  readonly breakers: BreakerLease;
  /** Whether calls of callers with a span are traced. */
  readonly isTraced: boolean;
  /** The user's interceptors around each call that is sent, the outermost first. */
  readonly interceptors: readonly Interceptor[];
}

/** The calls of all subgraphs. */
export interface SubgraphCalls {
  readonly send: Send;
  readonly subscribe: Subscribe;
}

/** Creates the calls of a supergraph's subgraphs, with all interceptors. */
export function connectSubgraphs(options: SubgraphCallsOptions): SubgraphCalls {
  const { subgraphs } = options;
  const pending = new PendingCalls();
  const sends = new Map(
    subgraphs.map((subgraph) => [
      subgraph.name,
      compose(sendTo(subgraph, options), [
        ...(options.isTraced ? [traceFetches(subgraph.name)] : []),
        ...cachesOf(subgraph, options),
        ...callsOf(subgraph, pending, options),
      ]),
    ]),
  );
  const subscribes = new Map(subgraphs.map((subgraph) => [subgraph.name, subscribeAt(subgraph, options)]));
  return { send: routeBySubgraph(sends), subscribe: routeBySubgraph(subscribes) };
}

/** The interceptors around calls, the outermost first. */
function callsOf(
  { timeout, arrayBatching, isAppSync, responseHeaders }: Subgraph,
  pending: PendingCalls,
  { calls: { calls, retries }, scopes, interceptors: own, caching, metrics, logger }: SubgraphCallsOptions,
): Interceptor[] {
  const interceptors: Interceptor[] = [];
  if (responseHeaders.size > 0) interceptors.push(collectResponseHeaders(responseHeaders));
  interceptors.push(logFailedCalls(logger));
  if (calls.batch) {
    const { batchWindow: window, batchSize: maxRepresentations } = calls;
    interceptors.push(batchEntities({ window, maxRepresentations, timeout, scopes, pending }));
  }
  if (calls.dedupe) interceptors.push(dedupe({ timeout, pending, changes: caching.changes }));
  if (arrayBatching) interceptors.push(batchAsArrays({ maxRequests: mostInArray, timeout, pending }));
  const onRetry: RetryOptions['onRetry'] = ({ operation: { subgraph }, caller }, retry) => {
    metrics.subgraphRetries.add(1, { subgraph });
    logger.debug({ ...loggedIds(caller), subgraph, ...retry }, 'a call of a subgraph is repeated');
  };
  if (retries.max > 0) interceptors.push(retry({ ...retries, timeout, onRetry }));
  interceptors.push(bulkhead(calls), countCalls());
  if (responseHeaders.size > 0) interceptors.push(keepFromOthers(responseHeaders));
  if (own.length > 0) interceptors.push(enforceContract(), ...own);
  if (isAppSync) interceptors.push(callAppSync());
  return interceptors;
}

/** The most requests in one array that common servers accept. */
const mostInArray = 10;

/** Sends a call to one of the subgraph's endpoints. */
function sendTo(
  subgraph: Subgraph,
  { calls: { breaker: breaking, zone }, transport, breakers, isTraced }: SubgraphCallsOptions,
): Send {
  const endpoints = subgraph.endpoints.map(({ url, zone }) => {
    const breaker = breaking.enabled ? breakers.of({ subgraph: subgraph.name, url }) : undefined;
    const call = transport.to({ ...subgraph, url });
    const traced = isTraced ? traceSends(call, { subgraph: subgraph.name, url, breaker }) : call;
    return { call: traced, zone, breaker };
  });
  return chooseEndpoint(subgraph.name, endpoints, zone);
}

/** Subscribes at one of the subgraph's endpoints, and again where a connection breaks. */
function subscribeAt(subgraph: Subgraph, options: SubgraphCallsOptions): Subscribe {
  const { calls, subscriptions, breakers, interceptors: own, logger } = options;
  const { name, isAppSync } = subgraph;
  const { url: ownUrl, ...others } = subgraph.subscriptions;
  const how = isAppSync ? ({ ...others, protocol: 'appsync', realTimeUrl: ownUrl } as const) : others;
  const urls = isAppSync || ownUrl === undefined ? subgraph.endpoints : [{ url: ownUrl, zone: undefined }];
  const endpoints = urls.map(({ url, zone }) => ({
    call: subscriptions.to({ ...subgraph, ...how, url }),
    zone,
    // Of its own: where nothing can be subscribed to, calls may work.
    breaker: calls.breaker.enabled
      ? breakers.of({ subgraph: name, url: `${url} (subscriptions)` })
      : undefined,
  }));
  const each = interceptOpening(chooseEndpoint(name, endpoints, calls.zone), [
    countCalls(),
    ...(own.length > 0 ? [enforceContract(), ...own] : []),
  ]);
  const open = interceptOpening(subscriptions.resuming({ ...subgraph, ...how }, each), [
    ...headersFor(subgraph),
    logFailedCalls(logger),
  ]);
  return (request) => open(request).then(({ source }) => source);
}
