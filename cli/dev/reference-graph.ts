import { randomBytes } from 'node:crypto';
import type { Context } from '../context';
import { lazy } from '../lazy';
import { subgraphScript } from '../package';
import { introspectionSigner, linkKeysIn } from '../private-link';
import { startDatabase } from './database';
import { failWithProblems } from './failed-problems';
import { gatewayPorts, type Graph, type GraphOptions } from './graph';
import { keepLive } from './live-supergraph';
import { SubgraphProcesses } from './subgraph-processes';
import { createSupergraphFeed } from './supergraph-feed';

export interface ReferenceGraphOptions extends GraphOptions {
  /** Where the embedded DynamoDB keeps its data. */
  readonly data: string;
  /** Deletes them first. */
  readonly reset: boolean;
}

/** A query over four of its subgraphs. */
const firstQuery =
  '{ user(id: "u1") { name reviews(first: 3) { edges { node { rating body product { name price inStock shippingEstimate } } } } } }';

/**
 * The sample shop: an embedded DynamoDB, its subgraphs and credentials. Each process is started as early as it can be,
 * before what this one has to load and compose itself.
 */
export async function startReferenceGraph({
  file,
  context: { env },
  output,
  parts,
  options,
  ports,
  logLevel,
  data,
  reset,
}: ReferenceGraphOptions): Promise<Graph> {
  const database = await parts.add(await startDatabase({ folder: data, reset, env, output }));
  const { loadSupergraphConfig, readSubgraphSchemas } = lazy.schema();
  const link = setUpLink(env);
  const appSync = setUpAppSync();
  const sign = introspectionSigner({ ...env, ...link.env });
  const source = { file, env, sign };
  const config = await loadSupergraphConfig(source).catch(failWithProblems);
  const schemas = await readSubgraphSchemas(config, { sign }).catch(failWithProblems);
  const processes = await parts.add(
    new SubgraphProcesses({
      otherPorts: () => gatewayPorts(options()),
      ports,
      script: subgraphScript,
      env: {
        WEIR_DEVELOPMENT: 'true',
        ...env,
        ...database.env,
        ...link.env,
        ...appSync.env,
        LOG_LEVEL: logLevel,
      },
      output,
    }),
  );
  const started = processes.start(config, schemas);
  // Whoever waits for it comes a little later than its failure might.
  started.catch(() => undefined);
  const feed = createSupergraphFeed();
  const live = await parts.add(await keepLive({ source, processes, started, feed, output }));
  const credentials = await lazy.credentials().developmentCredentials();
  const { modesIn } = lazy.gateway();
  return {
    feed,
    first: live.first,
    optionsOf: (configured) => ({
      ...configured,
      // Who has configured modes of their own tries these.
      ...(modesIn(configured.auth).length > 0
        ? {}
        : { auth: credentials.auth, explorerHeaders: credentials.headers }),
      privateLinks: { ...link.options, claims: configured.privateLinks.claims },
      subgraphs: { ...appSync.options, ...configured.subgraphs },
    }),
    describe: ({ auth }) => ({
      watched: 'Schema files are',
      subgraphs: processes.urls,
      data: database.place,
      credentials: modesIn(auth).length > 0 ? undefined : credentials.examples,
      needsCredentials: false,
      query: firstQuery,
      header: 'authorization: Bearer u1',
    }),
  };
}

/** The private link of gateway and subgraphs, with the keys that the environment names or one for this run alone. */
function setUpLink(env: Context['env']) {
  const given = linkKeysIn(env);
  if (given?.keysFile !== undefined) return { env: {}, options: given };
  const keys = given?.keys ?? [randomBytes(32).toString('base64url')];
  return { env: { WEIR_LINK_KEYS: keys.join(',') }, options: { keys } };
}

/** The subgraph of the reference graph that is an API of AWS AppSync, with a key for this run alone. */
function setUpAppSync() {
  const apiKey = `da2-${randomBytes(16).toString('hex')}`;
  const shipping = { appsync: { auth: { type: 'API_KEY' as const, apiKey } } };
  return { env: { SHIPPING_API_KEY: apiKey }, options: { shipping } };
}
