import type { TextHash } from './registry-texts';
import type { RegistryStore } from './store/store';

/** The report of a gateway about itself, for `weir status`. */
export interface GatewayReport {
  /** Of one process, which may run beside others on its host. */
  readonly id: string;
  readonly host: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** When it said so. */
  readonly at: string;
  /** `stopped`: it was stopped properly. A gateway that no longer reports is gone without notice. */
  readonly state: 'running' | 'stopped';
  /** The newest version with the supergraph that it runs; absent while the registry does not know that supergraph. */
  readonly version?: number;
  readonly supergraph?: TextHash;
  /** The version that it is pinned to. */
  readonly pinned?: number;
  /** The newest version, when the gateway cannot run it. */
  readonly refused?: { readonly version: number; readonly reason: string };
}

export interface GatewayReports {
  put(report: GatewayReport): Promise<void>;
  /** Those of gateways that run, ordered by host. */
  running(now?: number): Promise<GatewayReport[]>;
}

/** Milliseconds between two reports of a gateway for which nothing changed. */
export const reportInterval = 30_000;
/** Milliseconds. A gateway that has not reported for so long is gone. */
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
