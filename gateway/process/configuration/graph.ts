import { isDeepStrictEqual } from 'node:util';
import { Gateway } from '../../graph/gateway';
import { Generation } from '../../graph/generation';
import type { GenerationParts } from '../../graph/generation-parts';
import { cursorKey, Cursors, keysOfGraph } from '../../graph/subscriptions/cursor';
import type { Options } from '../../options';
import { createFormatError, type FormatError } from '../../request/answers/format-error';
import { createLearn, type Learn, OperationParser } from '../../request/learn-operation';
import type { OpenPart } from '../open-parts';
import type { ProcessParts } from '../process-parts';
import type { Access } from './access';
import type { Admission } from './admission';
import type { Caches } from './caches';
import type { Calls } from './calls';
import type { Sources } from './sources';

export interface GraphParts {
  readonly parts: ProcessParts;
  readonly sources: Sources;
  readonly calls: Calls;
  readonly access: Access;
  readonly caches: Caches;
  readonly admission: Admission;
}

/** What was in force before. */
export interface PreviousGraph {
  readonly options: Options;
  readonly generation: Generation | undefined;
}

/** Runs the supergraph, with what parses its operations. */
export interface Graph extends OpenPart {
  readonly gateway: Gateway;
  readonly learn: Learn;
  readonly formatError: FormatError;
  /** Whether it has a supergraph, and what parses operations is ready. */
  readonly answers: boolean;
  /** Resolves when it runs its supergraph, or when the source will deliver one later. */
  start(): Promise<void>;
}

export function openGraph(options: Options, given: GraphParts, previous: PreviousGraph | undefined): Graph {
  const { parts, sources, caches } = given;
  const { logger, metrics, tracer } = parts.telemetry;
  const { plugins } = parts.extensions;
  const { persistedOperations } = sources;
  const gateway = openSupergraph(options, given, previous);
  gateway.onSchemaLoadOrUpdate(() => {
    const { apiSchemaSdl, tagFormats } = gateway.current!;
    caches.useTagFormats(tagFormats);
    // Packaging has said which operations do not fit.
    if (parts.packaged === undefined) void persistedOperations.compare(apiSchemaSdl);
  });
  const formatError = createFormatError(logger, metrics.errors);
  const isTraced = tracer !== undefined;
  const parser = new OperationParser({
    ...{ gateway, options, persistedOperations, formatError, plugins, logger, isTraced },
  });
  // Known operations need no parser, and plugins are told of the start.
  const parsesLater = parts.packaged !== undefined && plugins.length === 0;
  let answers = false;
  return {
    ...{ gateway, formatError },
    learn: createLearn(() => parser.start()),
    get answers() {
      return answers;
    },
    async start() {
      const started = (parsesLater ? gateway.load() : parser.start()).then(() => (answers = true));
      // Without a supergraph Apollo Server starts later, or never if the gateway is stopped before.
      started.catch(() => undefined);
      await gateway.start();
      if (gateway.current !== undefined) await started;
    },
    // Rejects where a plugin does.
    close: () => (answers ? parser.stop() : gateway.stop()),
  };
}

function openSupergraph(
  options: Options,
  { parts, sources, calls, access, caches, admission }: GraphParts,
  previous: PreviousGraph | undefined,
): Gateway {
  const { packaged, telemetry, clients, upstreams, extensions } = parts;
  const { logger, metrics, audit, loads } = telemetry;
  const { transport, connections, breakers, signers } = calls;
  const { linkKeys: links } = signers;
  const keys = links === undefined ? clients.cursorKeys : () => links.all.map(({ hmac }) => cursorKey(hmac));
  const { graphs, supergraph } = options;
  const cursors = new Cursors(graphs === undefined ? keys : keysOfGraph(keys, supergraph!.graph!));
  const own: GenerationParts = {
    ...{ packaged, caches, telemetry },
    access: {
      policies: access.policies,
      limits: access.limits,
      objectionTo: access.authentication?.objectionTo,
    },
    calls: {
      ...{ transport, connections, breakers, signers, interceptors: extensions.interceptors },
      subscriptions: upstreams.subscriptions,
      discovery: upstreams.discovery,
    },
    operations: {
      memory: clients.operations,
      planWaits: admission.planWaits,
      refuse: sources.persistedOperations.refuse,
      hooks: extensions.hooks,
      mocked: extensions.mocked,
      usage: sources.usage,
    },
    subscriptions: { running: clients.subscriptions, cursors, eventFeeds: parts.eventFeeds },
  };
  // Only for the first generation, so that the previous one can be collected.
  let inherited = previous?.generation;
  const takeInherited = (): Generation | undefined => {
    const taken = inherited;
    inherited = undefined;
    return taken;
  };
  return new Gateway({
    source: sources.source,
    ...{ audit, loads },
    replaces: inherited && {
      supergraphSdl: inherited.supergraphSdl,
      isOfSameSource: isDeepStrictEqual(sourceIn(previous!.options), sourceIn(options)),
    },
    build: (supergraphSdl, before) => {
      const isFirst = before === undefined;
      const replaced = before ?? takeInherited();
      return Generation.build({ supergraphSdl, options, parts: own, previous: replaced, isFirst });
    },
    lastGood: sources.lastGood,
    runningSubscriptions: clients.subscriptions,
    logger,
    metrics,
  });
}

/** What says which supergraph it is, and not how it is fetched. */
function sourceIn({ supergraph }: Options) {
  const { file, url, registry, graph, version } = supergraph ?? {};
  return { file, url, registry, graph, version };
}
