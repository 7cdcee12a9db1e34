import type { Subgraph } from './subgraph';
import type { Options } from '../options';
import { loggedIds } from '../telemetry/logged-ids';
import { traceFetches } from './interceptors/trace-calls';
import { cachesOf, policyOfAnswers, type SubgraphCachesOptions } from '../cache/subgraph-caches';
import { countCalls, logFailedCalls } from './interceptors/measure-calls';
import { callAppSync } from './wire/appsync-errors';
import type { Instance } from '../discovery/resolver';
import { connectCalls, connectSubscriptions, type EndpointParts, Uses } from './endpoints/connect-endpoints';
import { batchAsArrays } from './interceptors/array-batch';
import { batchEntities } from './interceptors/batch';
import { bulkhead } from './interceptors/bulkhead';
import { limitRate } from './interceptors/limit-rate';
import { dedupe } from './interceptors/dedupe';
import { endLate, enforceContract } from './interceptors/enforce-contract';
import { collectResponseHeaders, keepFromOthers, keepVarying } from './interceptors/response-headers';
import { retry, type CallRetryOptions } from './interceptors/retry';
import { PendingCalls } from './sharing/pending-calls';
import type { ScopesInFlight } from './sharing/scopes-in-flight';
import { giveOwnHeaders } from './interceptors/own-headers';
import { interceptOpening } from './subscriptions/intercept-opening';
import type * as Sources from './sources/open-source';
import { compose, type Interceptor, routeBySubgraph, type Send, type Subscribe } from './contract/transport';

/** The options of subgraph calls. */
export type CallOptions = Pick<Options, 'calls' | 'retries' | 'breaker' | 'zone'>;

export interface SubgraphCallsOptions extends SubgraphCachesOptions, EndpointParts {
  readonly subgraphs: readonly Subgraph[];
  readonly calls: CallOptions;
  /** The client requests in flight, by scope. */
  readonly scopes: ScopesInFlight;
  /** The user's interceptors around each call that is sent, the outermost first. */
  readonly interceptors: readonly Interceptor[];
}

/** The calls of all subgraphs. */
export interface SubgraphCalls {
  readonly send: Send;
  readonly subscribe: Subscribe;
  /** The instances of a subgraph that are called now. */
  readonly instancesOf: (subgraph: string) => readonly Instance[];
  /** Resolves when all instances were looked for once. */
  ready(): Promise<void>;
  /** To be called once, when no operation is running. */
  close(): void;
}

/** Creates the calls of a supergraph's subgraphs, with all interceptors. */
export function connectSubgraphs(options: SubgraphCallsOptions): SubgraphCalls {
  const { subgraphs } = options;
  const pending = new PendingCalls();
  const connected: { end(): void }[] = [];
  const close = (): void => {
    for (const each of connected.splice(0)) each.end();
  };
  const keep = <Each extends { end(): void }>(each: Each): Each => {
    connected.push(each);
    return each;
  };
  try {
    const calls = new Map(
      subgraphs.map((subgraph) => [subgraph.name, keep(connectCalls(subgraph, subgraph.endpoints, options))]),
    );
    const sends = new Map(
      subgraphs.map((subgraph) => [
        subgraph.name,
        compose(calls.get(subgraph.name)!.call, [
          ...(options.isTraced ? [traceFetches(subgraph.name)] : []),
          ...cachesOf(subgraph, options),
          ...callsOf(subgraph, pending, options),
        ]),
      ]),
    );
    const subscribes = new Map(
      subgraphs.map((subgraph) => {
        const { subscribe } = keep(subscribeAt(subgraph, options));
        const { name, source } = subgraph;
        if (source === undefined) return [name, subscribe];
        const send = compose(
          calls.get(name)!.call,
          callsOf({ ...subgraph, source: undefined }, pending, options),
        );
        return [name, sources().subscribeSource(openedSource(subgraph, source, options), subscribe, send)];
      }),
    );
    return {
      send: routeBySubgraph(sends),
      subscribe: routeBySubgraph(subscribes),
      instancesOf: (subgraph) => calls.get(subgraph)?.followed.instances ?? [],
      ready: async () => {
        await Promise.all(Array.from(calls.values(), ({ followed }) => followed.ready()));
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** The interceptors around calls, the outermost first. */
function callsOf(
  subgraph: Subgraph,
  pending: PendingCalls,
  { calls: { calls, retries }, scopes, interceptors: own, caching, metrics, logger }: SubgraphCallsOptions,
): Interceptor[] {
  const { source, timeout, arrayBatching, isAppSync, rate, responseHeaders } = subgraph;
  const interceptors: Interceptor[] = [];
  if (responseHeaders.size > 0) interceptors.push(collectResponseHeaders(responseHeaders));
  interceptors.push(logFailedCalls(logger));
  if (calls.batch) {
    const { batchWindow: window, batchSize: maxRepresentations } = calls;
    interceptors.push(batchEntities({ window, maxRepresentations, timeout, scopes, pending }));
  }
  if (calls.dedupe) interceptors.push(dedupe({ timeout, pending, changes: caching.changes }));
  if (source !== undefined) {
    interceptors.push(sources().openSource(openedSource(subgraph, source, { caching })));
  }
  if (arrayBatching) interceptors.push(batchAsArrays({ maxRequests: mostInArray, timeout, pending }));
  const onRetry: CallRetryOptions['onRetry'] = ({ operation: { subgraph }, caller }, retry) => {
    metrics.subgraphRetries.add(1, { subgraph });
    logger.debug({ ...loggedIds(caller), subgraph, ...retry }, 'a call of a subgraph is repeated');
  };
  if (retries.max > 0) interceptors.push(retry({ ...retries, timeout, onRetry }));
  if (rate !== undefined) interceptors.push(limitRate(rate));
  interceptors.push(bulkhead(calls), countCalls());
  if (responseHeaders.size > 0) interceptors.push(keepFromOthers(responseHeaders));
  if (calls.sharedHeaders.length > 0) interceptors.push(keepVarying(calls.sharedHeaders));
  if (own.length > 0) interceptors.push(endLate(timeout), enforceContract(), ...own);
  if (isAppSync) interceptors.push(callAppSync());
  return interceptors;
}

/** Loaded only if there is a source. */
const sources = () => require('./sources/open-source') as typeof Sources;

const openedSource = (
  subgraph: Subgraph,
  source: NonNullable<Subgraph['source']>,
  { caching }: Pick<SubgraphCallsOptions, 'caching'>,
) => ({ ...source, subgraph: subgraph.name, policyOf: policyOfAnswers(subgraph, caching) });

/** The most requests in one array that common servers accept. */
const mostInArray = 10;

/** Subscribes at one of the subgraph's endpoints, and again where a connection breaks. */
function subscribeAt(
  subgraph: Subgraph,
  options: SubgraphCallsOptions,
): { readonly subscribe: Subscribe; readonly end: () => void } {
  const { subscriptions, connections, interceptors: own, logger } = options;
  const { isAppSync } = subgraph;
  const { url: ownUrl, ...others } = subgraph.subscriptions;
  const how = isAppSync ? ({ ...others, protocol: 'appsync', realTimeUrl: ownUrl } as const) : others;
  const urls = isAppSync || ownUrl === undefined ? subgraph.endpoints : [{ url: ownUrl }];
  const { call, followed, end } = connectSubscriptions({ ...subgraph, ...how }, urls, options);
  const each = interceptOpening(call, [countCalls(), ...(own.length > 0 ? [enforceContract(), ...own] : [])]);
  const lease = subscriptions.lease(connections);
  const open = interceptOpening(lease.resuming({ ...subgraph, ...how }, each), [
    ...giveOwnHeaders(subgraph),
    logFailedCalls(logger),
  ]);
  // A subscription may outlive its engine, and then opens itself again at the endpoints of that time.
  const uses = new Uses(() => {
    end();
    lease.end();
  });
  const counted = followed.isFixed ? open : uses.count(open);
  return {
    subscribe: (request) => counted(request).then(({ source }) => source),
    end: () => uses.end(),
  };
}
