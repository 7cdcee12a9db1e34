import { LRUCache } from 'lru-cache';
import { awsAgents } from '../net/outgoing';
import { withTimeout } from '../net/time-limit';
import { RegistryReader } from '../../schema/registry/reader';
import { parseVariant, type Version } from '../../schema/registry/version';
import { openRegistryStore } from '../../schema/store/open';
import type { RegistryStore } from '../../schema/store/store';

/** Finds out whether a registry has a graph. Names come from clients, so what it remembers and requests is bounded. */
export class GraphLookup {
  readonly #registry: string;
  /** 3 MB of the heap with the longest names. */
  readonly #unknown = new LRUCache<string, true>({ max: 10_000, ttl: remembered });
  #store: Promise<RegistryStore> | undefined;
  #running = 0;

  /** @param registry a folder, or `dynamodb://TABLE?region=REGION` */
  constructor(registry: string) {
    this.#registry = registry;
  }

  /** Whether it has been found not to exist a short time ago. */
  isUnknown(name: string): boolean {
    return this.#unknown.has(name);
  }

  /** Whether no look-up may begin now. */
  get isBusy(): boolean {
    return this.#running >= mostAtOnce;
  }

  /** Whether it has a version that can run. @throws {StoreError} if the registry cannot be read */
  async has(name: string): Promise<boolean> {
    this.#running++;
    try {
      const current = await withTimeout(patience, () => this.#current(name));
      const isThere = current !== undefined && current.kind !== 'ended';
      if (!isThere) this.#unknown.set(name, true);
      return isThere;
    } finally {
      this.#running--;
    }
  }

  async #current(name: string): Promise<Version | undefined> {
    const store = await this.openStore();
    return new RegistryReader({ store, variant: parseVariant(name) }).current();
  }

  async openStore(): Promise<RegistryStore> {
    this.#store ??= openRegistryStore(this.#registry, awsAgents());
    return this.#store.catch((error: unknown) => {
      this.#store = undefined;
      throw error;
    });
  }

  async close(): Promise<void> {
    const store = await this.#store?.catch(() => undefined);
    await store?.close();
  }
}

/** Milliseconds: a new variant is found after this time even if somebody has requested it before. */
const remembered = 5000;
const mostAtOnce = 8;
/** Milliseconds that a look-up may take. */
const patience = 10_000;
