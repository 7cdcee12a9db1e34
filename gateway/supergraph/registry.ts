import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type GatewayReport, reportInterval } from '../../schema/registry/gateway-reports';
import { RegistryReader } from '../../schema/registry/reader';
import { hashOf } from '../../schema/registry/texts';
import { parseVariant, RegistryError, type Version } from '../../schema/registry/version';
import { openRegistryStore } from '../../schema/store/open';
import type { RegistryStore } from '../../schema/store/store';
import type { Logger } from '../telemetry/logger';
import type { Meter } from '../telemetry/metrics/meter';
import type { UsageSink } from '../usage/recorder';
import { awsAgents } from '../net/outgoing';
import { createPolling } from './polling';
import { type RegistryFacts, readRegistryFacts } from './registry-facts';
import { type RegistryHistory, registryHistory } from './registry-history';
import { type FindRemovals, findRemovals } from './removed-names';
import type { SupergraphOutcome, SupergraphSource } from './source';
import { openWebhooks, type WebhooksOptions } from './webhooks/open';

export interface RegistryOptions {
  /** A folder, or `dynamodb://TABLE?region=REGION`. */
  readonly registry: string;
  /** Such as `shop@prod`. */
  readonly graph: string;
  /** The pinned version. @default always the newest */
  readonly version?: number | undefined;
  /** Milliseconds between two polls. @default 1_000 */
  readonly pollInterval?: number | undefined;
  /** On how many days requests must have been counted before the console allows to delete a field. */
  readonly minimumDays: number;
  readonly webhooks: WebhooksOptions['webhooks'];
  readonly logger: Logger;
  readonly meter: Meter;
  /** Whether nothing is reported to the registry, and to webhooks. @default false */
  readonly isReadOnly?: boolean | undefined;
}

export interface OpenRegistry {
  readonly source: SupergraphSource;
  readonly usageSink: UsageSink;
  /** What it knows of the supergraph that runs. Rejects if it cannot be read. */
  readonly facts: () => Promise<RegistryFacts>;
  readonly removals: FindRemovals;
  /** Its versions, and which gateways run them. */
  readonly history: RegistryHistory;
}

/**
 * Polls a registry for versions of a variant, reports what the gateway runs, and the usage by clients, and delivers the
 * events of webhooks.
 */
export function openRegistry(options: RegistryOptions): OpenRegistry {
  const { registry: location, graph, version: pinned, pollInterval = 1_000, logger } = options;
  const variant = parseVariant(graph);
  let store: RegistryStore | undefined;
  /** The newest version that was read, and the state of its supergraph. */
  let seen: Version | undefined;
  let running: { readonly hash: string; readonly version: number | undefined } | undefined;
  /** Whether there is no version, as far as the last look has seen. */
  let isGone = false;
  let refused: { readonly hash: string; readonly reason: string } | undefined;

  const open = async (): Promise<RegistryReader> => {
    store ??= await openRegistryStore(location, awsAgents());
    return new RegistryReader({ store, variant });
  };
  /** Nothing is written to a variant that does not exist: one that has expired is deleted. */
  const openIfThere = async (): Promise<RegistryReader | undefined> => {
    const reader = await open();
    if (pinned !== undefined) return (await reader.current()) === undefined ? undefined : reader;
    return isGone ? undefined : reader;
  };
  const reports = options.isReadOnly
    ? noReports
    : createReports({
        open: openIfThere,
        logger,
        pinned,
        webhooks: options.webhooks,
        facts: () => ({ seen, running, refused }),
      });
  const webhooks = openWebhooks({
    webhooks: options.isReadOnly ? {} : options.webhooks,
    ...{ open, logger, meter: options.meter },
  });

  async function look(): Promise<string | undefined> {
    const reader = await open();
    // A pinned version never changes, so it is read only once.
    if (pinned !== undefined && seen !== undefined) return undefined;
    const wasGone = isGone;
    const found = await readVersion(reader, pinned);
    isGone = found instanceof RegistryError;
    if (found instanceof RegistryError) {
      // That a preview expires is no failure. Who runs it keeps it, or closes it.
      if (seen?.preview === undefined) throw found;
      if (!wasGone) logger.warn({ reason: found.message }, 'the preview has expired');
      return undefined;
    }
    if (found.supergraph === undefined) throw reader.noSupergraph(found);
    const before = seen;
    // A preview that begins again long after it has expired has the same numbers again.
    if (found.number === before?.number && found.at === before.at) return undefined;
    const isNew = found.supergraph !== before?.supergraph;
    const supergraphSdl = isNew ? await reader.supergraph(found) : undefined;
    seen = found;
    if (!isNew) {
      // A rejected version has the same supergraph, so nothing changes.
      if (running?.hash === found.supergraph) running = { hash: found.supergraph, version: found.number };
      reports.send();
    }
    return supergraphSdl;
  }

  const polling = createPolling({ look, interval: pollInterval });
  const source: SupergraphSource = {
    start: (listener) => {
      reports.start();
      webhooks.start();
      return polling.start(listener);
    },
    onOutcome(outcome: SupergraphOutcome) {
      const hash = hashOf(outcome.supergraphSdl);
      if (outcome.result === 'live') {
        running = { hash, version: hash === seen?.supergraph ? seen.number : undefined };
        if (refused?.hash === hash) refused = undefined;
      } else {
        refused = { hash, reason: outcome.reason };
      }
      reports.send();
    },
    stop: async () => {
      await polling.stop();
      await Promise.all([reports.stop(), webhooks.stop()]);
      await store?.close();
    },
  };
  const usageSink: UsageSink = {
    putOperation: async (hash, text) => (await openIfThere())?.usage.putOperation(hash, text),
    putSegment: async (segment) => (await openIfThere())?.usage.putSegment(segment),
  };
  const facts = async (): Promise<RegistryFacts> =>
    readRegistryFacts(await open(), running?.version, options.minimumDays);
  const removals = findRemovals(async () => ({ reader: await open(), running: running?.version }));
  return { source, usageSink, facts, removals, history: registryHistory(open) };
}

/** Resolves with the error where there is no such version. */
const readVersion = (reader: RegistryReader, pinned: number | undefined): Promise<Version | RegistryError> =>
  (pinned === undefined ? reader.newest() : reader.version(pinned)).catch((error: unknown) => {
    if (error instanceof RegistryError) return error;
    throw error;
  });

const noReports: ReturnType<typeof createReports> = {
  start: () => undefined,
  send: () => undefined,
  stop: () => Promise.resolve(),
};

interface ReportsOptions {
  /** Resolves with undefined where there is nothing to report to. */
  readonly open: () => Promise<RegistryReader | undefined>;
  readonly logger: Logger;
  readonly pinned: number | undefined;
  readonly webhooks: WebhooksOptions['webhooks'];
  readonly facts: () => {
    readonly seen: Version | undefined;
    readonly running: { readonly hash: string; readonly version: number | undefined } | undefined;
    readonly refused: { readonly hash: string; readonly reason: string } | undefined;
  };
}

/** Reports the state of the gateway to the registry: at once when it changes, and regularly as a heartbeat. */
function createReports({ open, logger, pinned, webhooks, facts }: ReportsOptions) {
  const host = hostname();
  const id = `${host.replace(/[^\w-]/g, '-')}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const startedAt = new Date().toISOString();
  const receivers = Object.entries(webhooks).map(
    ([name, { url, events }]) => [name, { origin: new URL(url).origin, events }] as const,
  );
  let timer: NodeJS.Timeout | undefined;
  let sending = Promise.resolve();
  let failed = false;

  function describe(state: GatewayReport['state']): GatewayReport {
    const { seen, running, refused } = facts();
    return {
      ...{ id, host, startedAt, at: new Date().toISOString(), state },
      ...(running?.version === undefined ? {} : { version: running.version }),
      ...(running === undefined ? {} : { supergraph: running.hash }),
      ...(pinned === undefined ? {} : { pinned }),
      ...(receivers.length === 0 ? {} : { webhooks: Object.fromEntries(receivers) }),
      ...(refused === undefined || seen === undefined || refused.hash !== seen.supergraph
        ? {}
        : { refused: { version: seen.number, reason: refused.reason } }),
    };
  }

  async function put(state: GatewayReport['state']): Promise<void> {
    try {
      await (await open())?.gateways.put(describe(state));
      failed = false;
    } catch (error) {
      // Logged once. Only `weir status` needs reports, and polling logs that the registry is down.
      if (!failed)
        logger.warn(
          { reason: (error as Error).message },
          'the gateway could not report its state to the registry',
        );
      failed = true;
    }
  }

  function send(state: GatewayReport['state'] = 'running'): void {
    sending = sending.then(() => put(state));
  }

  return {
    send,
    start() {
      timer = setInterval(send, reportInterval);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      send('stopped');
      await Promise.race([sending, delay(shutdownTimeout, undefined, { ref: false })]);
    },
  };
}

/** Milliseconds to wait for the last report at the stop. */
const shutdownTimeout = 2_000;
