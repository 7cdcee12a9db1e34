import { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { existsSync, realpathSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { finished } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createApp, graphqlPath } from './app';
import { isOutage } from '../table/commands';
import { openDatabase, type Database } from '../table/database';
import { connectDynamoDB, noDynamoDB, type DynamoDB } from '../store/dynamodb';
import { type Cause } from '../events/event';
import { openSnsSqsChannel } from '../events/channels/sns-sqs-channel';
import {
  checkConsumers,
  consumerTables,
  eventNeeds,
  openSubgraphConsumers,
  type SubgraphConsumers,
} from '../events/consumers/subgraph-consumers';
import { openSubgraphEvents, withEventTables, type SubgraphEvents } from '../events/log/subgraph-events';
import { type SubgraphProjections } from '../events/subgraph-projections';
import { openLinkKeys, type LinkKeys, type LinkKeysSettings } from '../identity/link-keys';
import { prepareTable } from './prepare';
import { signer } from '../identity/private-link';
import { runProcess } from './process';
import { readSettings, usage, type Settings } from './settings';
import { cannotListen, StartError } from './start-error';
import { type Subgraph } from '../subgraph';
import { logEventSource } from '../subscriptions/log-event-source';
import { type AnyTableDefinition } from '../table/definition';
import { openTracing, type Tracing } from '../traces/open-tracing';
import { type TaskQueue } from '../workflows/engine';
import { executionsTable } from '../workflows/executions-table';
import { bindWorkflows, checkEngine, openEngine, readWorkflows } from '../workflows/open-workflows';

/** A running subgraph. */
export interface RunningSubgraph {
  /** URL of its GraphQL endpoint. */
  readonly url: string;
  readonly app: FastifyInstance;
  readonly db: Database;
  /** Its projections: how they stand, and how they are rebuilt. */
  readonly projections: Pick<SubgraphProjections, 'statuses' | 'rebuild'>;
  /** Drains and closes: subscriptions end, readiness fails, requests and events in flight complete (at most 10 s each), then connections are closed. */
  readonly stop: () => Promise<void>;
}

/** Starts a subgraph and waits until it is ready: listening, tables there and seeded. */
export async function startSubgraph<Context extends object, OptionName extends string>(
  subgraph: Subgraph<Context, OptionName>,
  settings: Settings = {},
): Promise<RunningSubgraph> {
  const { app, db, consumers, prepared, stop } = await openSubgraph(subgraph, settings, {
    staysAlive: true,
  });
  try {
    await listen(app, settings.host ?? '127.0.0.1', settings.port ?? subgraph.port ?? 4001);
    await prepared;
  } catch (error) {
    await stop();
    throw error;
  }
  const { address, port, family } = app.server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  const url = `http://${host}:${port}${graphqlPath}`;
  consumers.start(url);
  return { url, app, db, projections: consumers.projections, stop };
}

/** A running subgraph without a listener, as Lambda uses it. */
export interface OpenSubgraph {
  readonly app: FastifyInstance;
  readonly db: Database;
  /** They consume nothing before they are started. */
  readonly consumers: SubgraphConsumers;
  /** Undefined for a subgraph without an outbox. */
  readonly domainEvents: SubgraphEvents | undefined;
  /** Undefined where it has no workflows, or runs them itself. */
  readonly taskQueue: TaskQueue | undefined;
  /** Undefined where nothing is exported. */
  readonly tracing: Tracing | undefined;
  /** Resolves when all tables exist and are seeded. */
  readonly prepared: Promise<void>;
  readonly stop: () => Promise<void>;
}

const graceMilliseconds = 10_000;

/** `staysAlive`: the process works between requests, too, which a Lambda function does not. */
export async function openSubgraph<Context extends object, OptionName extends string>(
  subgraph: Subgraph<Context, OptionName>,
  settings: Settings,
  { staysAlive }: { readonly staysAlive: boolean },
): Promise<OpenSubgraph> {
  const { name } = subgraph;
  const log = pino({ level: settings.logLevel ?? 'info', base: { subgraph: name } });
  const linkKeys = settings.link && openLoggedKeys(settings.link, log);
  const options = readOptions(subgraph, settings);
  checkConsumers(subgraph, options);
  const { definitions, tasks } = readWorkflows(subgraph);
  checkEngine({ subgraph: name, definitions, stepFunctions: settings.stepFunctions, staysAlive });
  const hasWorkflows = definitions.size > 0;
  const tables = tablesOf(subgraph, hasWorkflows && !settings.stepFunctions);
  const database = settings.database ?? { kind: 'embedded' };
  const dynamodb = tables.length === 0 ? noDynamoDB : await connectDynamoDB(database);
  const { client } = dynamodb;
  const tracing = settings.traces && (await openTracing({ ...settings.traces, service: name, log }));
  const tracer = tracing?.tracer;
  const db = openDatabase({ client, tracer });
  const channel = settings.events && (await openSnsSqsChannel({ ...settings.events, subgraph: name, log }));
  const domainEvents = openSubgraphEvents({
    ...{ source: name, tables, log, tracer, db: db.inBackground() },
    publish: channel && ((relayed) => channel.publish(relayed)),
    archiveWait: settings.archiveWait,
  });

  const stopping = new AbortController();
  const { signal: draining } = stopping;
  const { seed = database.kind !== 'aws' } = settings;
  const projections = subgraph.projections ?? [];
  const waitingFor = new Set([...tables, ...projections].map((each) => each.name));
  const prepareAll = async (): Promise<void> => {
    const preparing = tables.map(async (table) => {
      await prepareTable(table, { db, client, seed, signal: draining });
      waitingFor.delete(table.name);
    });
    await Promise.all([channel?.prepare(eventNeeds(subgraph)), ...preparing]);
    await consumers.projections.prepare(draining);
    for (const each of projections) waitingFor.delete(each.name);
  };
  const prepared = prepareAll().catch((error: unknown) => refuse(error, dynamodb));
  // `startSubgraph` awaits the promise and reports the failure; where nobody does, it is no unhandled rejection.
  prepared.then(
    () => domainEvents?.relay.sweep(),
    () => undefined,
  );

  const engine = hasWorkflows
    ? await openEngine({
        ...{ subgraph: name, definitions, tasks, db, prepared, options, log, tracer, staysAlive },
        stepFunctions: settings.stepFunctions,
        sign: signer(linkKeys, null),
      })
    : undefined;
  const workflowsOf = (cause: Cause) => bindWorkflows(definitions, engine, cause);
  const consumers = openSubgraphConsumers({
    ...{ subgraph, workflowsOf, options, linkKeys, log, tracer, channel, seed, client },
    db: db.inBackground(),
  });

  async function close(): Promise<void> {
    stopping.abort();
    await engine?.stop();
    linkKeys?.close();
    await prepared.catch(() => undefined);
    await Promise.race([domainEvents?.relay.stop(), sleep(graceMilliseconds, undefined, { ref: false })]);
    channel?.close();
    await Promise.all([dynamodb.stop(), tracing?.stop()]);
  }

  const app = await createApp(subgraph, {
    ...{ options, log, db, workflowsOf, engine, prepared, waitingFor, draining, linkKeys, tracer },
    schema: settings.schema ?? subgraph.schema,
    events: subgraph.events?.() ?? (domainEvents && logEventSource(domainEvents)),
    domainEvents: staysAlive ? domainEvents : undefined,
    eventStreams: settings.eventStreams,
    archiveWait: domainEvents?.archiveWait,
    consumers: consumerTables(subgraph).length > 0 ? consumers : undefined,
    projectionsOf: consumers.projections.forRequest,
    subscriptions: settings.subscriptions,
    development: settings.development,
  }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const inFlight = countRequests(app);

  async function stop(): Promise<void> {
    stopping.abort();
    const closed = app.close();
    const ended = Promise.all([inFlight.none(), consumers.stop()]);
    await Promise.race([ended, sleep(graceMilliseconds, undefined, { ref: false })]);
    // Node would wait for connections without a request.
    app.server.closeAllConnections();
    await closed;
    await close();
  }
  return { app, db, domainEvents, consumers, taskQueue: engine?.taskQueue, tracing, prepared, stop };
}

function refuse(error: unknown, { place }: DynamoDB): never {
  throw isOutage(error) ? new StartError(`DynamoDB does not answer at ${place}.`) : error;
}

const openLoggedKeys = (link: LinkKeysSettings, log: FastifyBaseLogger): LinkKeys =>
  openLinkKeys(link, (change) => {
    if (change instanceof Error) log.error({ reason: change.message }, 'the keys of the private link stay');
    else log.info({ keys: change.map(({ id }) => id) }, 'the private link has new keys');
  });

/** The tables of a subgraph, and those that the kit keeps for it. */
const tablesOf = (
  subgraph: Pick<Subgraph, 'name' | 'tables' | 'consumers' | 'projections' | 'options'>,
  runsWorkflows: boolean,
): readonly AnyTableDefinition[] =>
  withEventTables(subgraph.name, [
    ...(subgraph.tables ?? []),
    ...(runsWorkflows ? [executionsTable(subgraph.name)] : []),
    ...consumerTables(subgraph),
  ]);

function countRequests(app: FastifyInstance) {
  let count = 0;
  const waiting: (() => void)[] = [];
  app.addHook('onRequest', (_, reply, done) => {
    count++;
    finished(reply.raw, () => {
      count--;
      if (count === 0) for (const resolve of waiting.splice(0)) resolve();
    });
    done();
  });
  return {
    /** Resolves when no request is in flight. */
    none: () => (count === 0 ? Promise.resolve() : new Promise<void>((resolve) => waiting.push(resolve))),
  };
}

function readOptions<OptionName extends string>(
  subgraph: Pick<Subgraph<object, OptionName>, 'options'>,
  settings: Settings,
): Record<OptionName, string> {
  const definitions = Object.entries<{ default: string }>(subgraph.options ?? {});
  return Object.fromEntries(
    definitions.map(([name, option]) => [name, settings.options?.[name] ?? option.default]),
  ) as Record<OptionName, string>;
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw cannotListen(error, host, port);
  }
}

/**
 * Runs the subgraph as a process of its own if `module` is the one that node was started with: `module` in CommonJS,
 * `import.meta` in an ES module.
 */
export function runWhenMain<Context extends object, OptionName extends string>(
  module: NodeJS.Module | ImportMeta,
  subgraph: Subgraph<Context, OptionName>,
): void {
  if (!isMain(module)) return;
  void runProcess({
    name: subgraph.name,
    usage: () => usage(subgraph),
    async start(args) {
      const { url, app, stop } = await startSubgraph(subgraph, readSettings(subgraph, args));
      return { url, log: app.log, stop };
    },
  });
}

/** CommonJS modules know which one is the first, ES modules only from Node 24 on. */
function isMain(module: NodeJS.Module | ImportMeta): boolean {
  if (require.main !== undefined || 'require' in module) return module === require.main;
  const { 1: script } = process.argv;
  return script !== undefined && existsSync(script) && realpathSync(script) === module.filename;
}
