import { hostname } from 'node:os';
import { openSharedStore } from '../../cache/stores/open-store';
import type { Store } from '../../cache/stores/store';
import { consoleSource, type OwnGateway, shareOf } from '../../console/merged-source';
import { OtherGateways } from '../../console/other-gateways';
import type { ConsoleSource } from '../../console/source';
import type { Options } from '../../options';

/** What consoles call a gateway. @param pid the process that serves its port for operators */
export const gatewayName = (pid: number = process.pid): string => `${hostname()}-${pid}`;

export interface OpenConsole {
  readonly source: ConsoleSource;
  close(): Promise<void>;
}

/**
 * Opens the console of a gateway: with what other gateways say, where they share its store.
 *
 * @param store is closed with it
 */
export function openConsole(own: OwnGateway, name: string, store: Store | undefined): OpenConsole {
  const others = store && new OtherGateways({ store, name, collect: () => shareOf(own) });
  return {
    source: consoleSource(own, others),
    async close() {
      await others?.stop();
      await store?.close();
    },
  };
}

/** The store that consoles share, over a connection of its own; undefined where gateways share none. */
export const openConsoleStore = (cache: Options['cache']): Store | undefined =>
  openSharedStore(cache, storeTimeout);

/** Milliseconds for an answer of the store. Nobody waits for it that long: it is asked in the background. */
const storeTimeout = 1_000;
