import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Context } from '../context';
import type * as AuthOptions from '../../gateway/options/auth';
import type * as Schema from '../../schema';
import type * as Credentials from './credentials';
import { subgraphScript } from '../own-package';
import { introspectionSigner, linkKeysOf } from '../registry/private-link';
import { startDatabase } from './database';
import { failWithProblems } from './failed-problems';
import { gatewayPorts, type Graph, type GraphOptions } from './graph';
import { keepLive } from './live-supergraph';
import { shopEvents } from './shop-events';
import { SubgraphProcesses } from './subgraph-processes';
import { createSupergraphFeed } from './supergraph-feed';

export interface ReferenceGraphOptions extends GraphOptions {
  /** The data folder of the embedded DynamoDB. */
  readonly data: string;
  /** Whether the data is deleted first. */
  readonly reset: boolean;
}

/** A query over four subgraphs. */
const firstQuery =
  '{ user(id: "u1") { name reviews(first: 3) { edges { node { rating body product { name price inStock shippingEstimate } } } } } }';

/**
 * The sample shop: an embedded DynamoDB, its subgraphs and credentials. Each process is started as early as possible,
 * before this process loads modules and composes.
 */
export async function startReferenceGraph({
  file,
  context: { env },
  output,
  parts,
  options,
  ports,
  mocks,
  logLevel,
  data,
  reset,
}: ReferenceGraphOptions): Promise<Graph> {
  const database = await parts.add(await startDatabase({ folder: data, reset, env, output }));
  const { loadSupergraphConfig, readSubgraphSchemas } = require('../../schema') as typeof Schema;
  const link = setUpLink(env);
  const appSync = setUpAppSync();
  const sign = introspectionSigner({ ...env, ...link.env });
  const source = { file, env, sign, mocked: mocks?.names };
  const config = await loadSupergraphConfig(source).catch(failWithProblems);
  mocks?.check(config);
  const schemas = await readSubgraphSchemas(config, { sign }).catch(failWithProblems);
  const processes = await parts.add(
    new SubgraphProcesses({
      otherPorts: () => gatewayPorts(options()),
      ports,
      script: (name) => (mocks?.names.includes(name) ? undefined : subgraphScript(name)),
      env: {
        WEIR_DEVELOPMENT: 'true',
        ...env,
        ...database.env,
        ...link.env,
        ...appSync.env,
        LOG_LEVEL: logLevel,
      },
      output,
      remedyFor: database.remedyFor,
    }),
  );
  const started = processes.start(config, schemas);
  // It may reject before the code that awaits it runs; the rejection is handled there.
  started.catch(() => undefined);
  const feed = createSupergraphFeed();
  const live = await parts.add(await keepLive({ source, processes, mocks, started, feed, output }));
  const credentials = await (require('./credentials') as typeof Credentials).developmentCredentials();
  const { modesIn } = require('../../gateway/options/auth') as typeof AuthOptions;
  return {
    feed,
    first: live.first,
    optionsOf: (configured) => ({
      ...configured,
      // If modes are configured, these are used instead of the development credentials.
      ...(modesIn(configured.auth).length > 0
        ? {}
        : { auth: credentials.auth, explorerHeaders: credentials.headers }),
      privateLinks: { ...link.options, claims: configured.privateLinks.claims },
      subgraphs: { ...eventProtocols, ...appSync.options, ...configured.subgraphs },
      events: Object.values(configured.events).some(hasMembers) ? configured.events : shopEvents,
    }),
    linkEnv: link.shared,
    describe: ({ auth }) => ({
      watched: 'Schema files are',
      subgraphs: new Map([...processes.urls, ...(mocks?.urls ?? [])]),
      data: database.place,
      credentials: modesIn(auth).length > 0 ? undefined : credentials.examples,
      needsCredentials: false,
      query: firstQuery,
      header: 'authorization: Bearer u1',
    }),
  };
}

const hasMembers = (map: object): boolean => Object.keys(map).length > 0;

/**
 * A protocol each, to show them; the kit speaks all of them. Subgraphs that are left out use WebSocket. With
 * callbacks, the gateway notices only by the heartbeat that a process died: with the default of 30 s after 90 s.
 */
const eventProtocols = {
  inventory: { subscriptions: { protocol: 'sse' } },
  orders: { subscriptions: { protocol: 'callback', heartbeat: '2s' } },
} as const;

/** The private link between gateway and subgraphs: with keys from the environment, or a key for this run only. */
function setUpLink(env: Context['env']) {
  const given = linkKeysOf(env);
  if (given?.keysFile !== undefined)
    return { env: {}, shared: { WEIR_LINK_KEYS_FILE: resolve(given.keysFile) }, options: given };
  const keys = given?.keys ?? [randomBytes(32).toString('base64url')];
  const variables = { WEIR_LINK_KEYS: keys.join(',') };
  return { env: variables, shared: variables, options: { keys } };
}

/** The AppSync subgraph of the reference graph, with an API key for this run only. */
function setUpAppSync() {
  const apiKey = `da2-${randomBytes(16).toString('hex')}`;
  const shipping = { appsync: { auth: { type: 'API_KEY' as const, apiKey } } };
  return { env: { SHIPPING_API_KEY: apiKey }, options: { shipping } };
}
