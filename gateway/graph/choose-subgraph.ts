import { readLifetimes } from '../cache/configured-lifetimes';
import { digest } from '../cache/responses/response-keys';
import type { Options } from '../options';
import { defaultSubscriptions, type SubgraphSubscriptionOptions } from '../options/subgraph-subscriptions';
import { targetOf } from '../options/targets';
import { tokenHeadersOf } from '../options/token-headers';
import { parseSubgraphUrl } from '../subgraph-calls/endpoints/subgraph-url';
import { flattenHeaderRules, type SubgraphHeaderRules } from '../subgraph-calls/header-rules';
import type { SubgraphSigners } from '../subgraph-calls/signers/open-signers';
import type { Subgraph, SubgraphSubscriptions } from '../subgraph-calls/subgraph';
import { appSyncTimeout } from '../subgraph-calls/wire/appsync-errors';
import type { ListedSubgraph } from '../../schema/supergraph/sources/sources-of';
import { originOf } from './origin';
import { SupergraphError } from './supergraph-error';

/** A subgraph of a supergraph, with what the options have for it. @throws {SupergraphError} if it cannot be called */
export function chooseSubgraph(
  { name, url, source }: ListedSubgraph,
  options: Options,
  /** Those of the options. */
  headerRules: SubgraphHeaderRules,
  signers: SubgraphSigners,
  /** A digest of the options by which all subgraphs are connected to. */
  connectionOfAll: string,
): Subgraph {
  const { subgraphs, timeouts, headers, connections } = options;
  const own = subgraphs[name];
  const { identity = 'forwarded', arrayBatching = false } = own ?? {};
  const isAppSync = own?.appsync !== undefined;
  const written = own?.endpoints ?? (own?.url === undefined ? undefined : [{ url: own.url }]);
  const endpoints = written ?? [{ url }];
  if (endpoints[0]!.url === '') {
    throw new SupergraphError(
      `Subgraph "${name}" has no URL in the supergraph, and none in the options: give it as \`subgraphs.${name}.url\`.`,
    );
  }
  // Only options may name targets: what a supergraph says is not trusted.
  if (written === undefined) parseSubgraphUrl(name, url);
  for (const each of written ?? []) {
    const { protocol, host } = targetOf(each.url);
    parseSubgraphUrl(name, `${protocol}://${host}`);
  }
  const subgraph = {
    name,
    endpoints,
    timeout: Math.min(own?.timeout ?? timeouts.subgraph, isAppSync ? appSyncTimeout : Infinity),
    maxResponseSize: connections.response,
    // Other subgraphs get these headers together with the headers of the client.
    headers: Object.fromEntries(flattenHeaderRules(headerRules.independent.get(name) ?? []).set),
    tls: own?.tls,
    isAppSync,
    identity,
  };
  const { auth, appsync, subscriptions = defaultSubscriptions } = own ?? {};
  return {
    ...subgraph,
    source,
    hasOwnHeaders: headerRules.own.has(name),
    operationNameHeader:
      identity === 'independent'
        ? undefined
        : flattenHeaderRules(headerRules.own.get(name) ?? headerRules.all).operationName,
    tokenHeaders: tokenHeadersOf(options.auth),
    withheldHeaders: headerRules.withheld.get(name) ?? [],
    responseHeaders: new Map(Object.entries({ ...headers.response, ...own?.headers.response })),
    signer: signers.of(name),
    connection: digest(
      JSON.stringify([connectionOfAll, subgraph, auth, appsync, headerRules.own.get(name), subscriptions]),
    ),
    origin: originOf({ endpoints, auth, appsync }),
    arrayBatching,
    rate: own?.rate ?? options.calls.rate,
    subscriptions: { ...readSubscriptions(subscriptions), verifyCallback: signers.callbacksOf(name) },
    lifetimes: readLifetimes(own?.cache),
  };
}

const readSubscriptions = ({
  waiting,
  slow,
  ...others
}: SubgraphSubscriptionOptions): Omit<SubgraphSubscriptions, 'verifyCallback'> => ({
  ...others,
  bounds: { events: waiting, slow },
});
