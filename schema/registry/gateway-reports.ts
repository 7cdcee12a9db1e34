import type { TextHash } from './texts';
import type { RegistryStore } from '../store/store';
import type { Version } from './version';

/** The report of a gateway about itself, for `weir status`. */
export interface GatewayReport {
  /** Identifies the process; there may be several on one host. */
  readonly id: string;
  readonly host: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** The time of the report. ISO 8601. */
  readonly at: string;
  /** `stopped`: it was stopped gracefully. A gateway that ends otherwise just stops reporting. */
  readonly state: 'running' | 'stopped';
  /** The newest version with the supergraph that it runs; absent if the registry has no such version. */
  readonly version?: number;
  readonly supergraph?: TextHash;
  /** The version that it is pinned to. */
  readonly pinned?: number;
  /** The newest version, if the gateway cannot run it. */
  readonly refused?: { readonly version: number; readonly reason: string };
  /** The receivers of its webhooks, by name: without the paths of their URLs, which may hold secrets. */
  readonly webhooks?: Readonly<Record<string, WebhookReport>>;
}

export interface WebhookReport {
  readonly origin: string;
  /** The kinds of versions whose events it gets. */
  readonly events: readonly Version['kind'][];
}

export interface GatewayReports {
  put(report: GatewayReport): Promise<void>;
  /** The reports of running gateways, sorted by host. */
  running(now?: number): Promise<GatewayReport[]>;
}

/** Milliseconds between two reports of a gateway without changes. */
export const reportInterval = 30_000;
/** Milliseconds without a report after which a gateway counts as gone. */
const silence = 3 * reportInterval;

export function createGatewayReports(store: RegistryStore, name: string): GatewayReports {
  const partition = `${name}/gateways`;
  return {
    async put(report) {
      const expires = Math.ceil((Date.parse(report.at) + silence) / 1000);
      await store.put({ partition, sort: report.id }, Buffer.from(JSON.stringify(report)), { expires });
    },
    async running(now = Date.now()) {
      const items = await store.list(partition);
      return items
        .map(({ value }) => JSON.parse(value.toString('utf8')) as GatewayReport)
        .filter(({ state, at }) => state === 'running' && now - Date.parse(at) < silence)
        .sort((a, b) => compare(a.host, b.host) || compare(a.id, b.id));
    },
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
