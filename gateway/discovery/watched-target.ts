import { createHash, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { Target } from '../options/targets';
import { isLoopback, isRefusedHost } from '../net/refused-hosts';
import type { Logger } from '../telemetry/logger';
import type { DiscoveryStatistics } from '../telemetry/statistics/discovery-statistics';
import { addressUrl, type Instance, type TargetResolver, type Watcher } from './resolver';

export interface WatchedTargetOptions {
  readonly subgraph: string;
  readonly target: Target;
  /** The zone of instances that have none of their own. */
  readonly zone: string | undefined;
  readonly resolver: TargetResolver;
  /** Milliseconds that answers must be empty until the list is. */
  readonly emptyAfter: number;
  readonly isLoopbackAllowed: boolean;
  readonly statistics: DiscoveryStatistics;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** The most instances of one target that are used. */
export const mostInstances = 100;

/**
 * The instances of a target that may be called: the last good list, whatever fails after it. It leaves out refused
 * addresses, and what is beyond `mostInstances`.
 */
export class WatchedTarget implements Watcher {
  /** Resolves after the first answer or failure. */
  readonly ready: Promise<void>;
  readonly #options: WatchedTargetOptions;
  readonly #facts: { readonly subgraph: string; readonly target: string };
  readonly #listeners = new Set<() => void>();
  readonly #stop: () => void;
  #setReady!: () => void;
  /** By the URL with the address, in order. */
  #instances: ReadonlyMap<string, Instance> = new Map();
  /** When the last answer came, in milliseconds of `performance.now()`. */
  #answeredAt = performance.now();
  #emptySince: number | undefined;
  /** What was reported and goes on. */
  readonly #reported = new Set<'empty' | 'failed' | 'refused' | 'many'>();

  constructor(options: WatchedTargetOptions) {
    this.#options = options;
    this.#facts = { subgraph: options.subgraph, target: withoutParameters(options.target.text) };
    this.ready = new Promise((resolve) => (this.#setReady = resolve));
    this.#stop = options.resolver.watch(options.target, this);
  }

  get attributes(): { readonly subgraph: string; readonly target: string } {
    return this.#facts;
  }

  /** Whether its instances never change. */
  get isFixed(): boolean {
    return this.#options.target.kind === 'static';
  }

  get instances(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  /** Seconds since the last answer; before the first one, since it is watched. */
  get age(): number {
    return (performance.now() - this.#answeredAt) / 1000;
  }

  /** Calls the function after each change, until the one that it returns is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stop();
  }

  found(all: readonly Instance[]): void {
    this.#answeredAt = performance.now();
    if (this.#reported.delete('failed')) this.#options.logger.info(this.#facts, 'endpoints are found again');
    const instances = this.#usable(all);
    if (instances.size > 0) {
      this.#emptySince = undefined;
      this.#reported.delete('empty');
      this.#use(instances);
    } else this.#foundNone();
    this.#setReady();
  }

  failed(error: Error): void {
    this.#options.statistics.failures.add(1, this.#facts);
    if (!this.#reported.has('failed')) {
      this.#reported.add('failed');
      const facts = { ...this.#facts, endpoints: this.#instances.size, err: error };
      this.#options.logger.warn(facts, 'endpoints could not be looked up: the last ones are used');
    }
    this.#setReady();
  }

  #foundNone(): void {
    const { emptyAfter, logger } = this.#options;
    const now = performance.now();
    this.#emptySince ??= now;
    const endpoints = this.#instances.size;
    if (endpoints > 0 && now - this.#emptySince >= emptyAfter) {
      logger.error({ ...this.#facts, emptyAfter }, 'no endpoint was found for too long: there is none now');
      this.#use(new Map());
    } else if (!this.#reported.has('empty')) {
      this.#reported.add('empty');
      logger.warn({ ...this.#facts, endpoints, emptyAfter }, 'no endpoint was found: the last ones are used');
    }
  }

  #use(instances: ReadonlyMap<string, Instance>): void {
    const before = this.#instances;
    const added = [...instances.keys()].filter((key) => !before.has(key));
    const removed = [...before.keys()].filter((key) => !instances.has(key));
    const isMoved = [...instances].some(
      ([key, { zone }]) => before.has(key) && before.get(key)!.zone !== zone,
    );
    if (added.length + removed.length === 0 && !isMoved) return;
    this.#instances = instances;
    if (!this.isFixed) {
      this.#options.statistics.changes.add(1, this.#facts);
      const shown = { added: added.slice(0, mostShown), removed: removed.slice(0, mostShown) };
      this.#options.logger.info(
        { ...this.#facts, endpoints: instances.size, ...shown },
        'the endpoints of a subgraph changed',
      );
    }
    for (const listener of this.#listeners) listener();
  }

  #usable(all: readonly Instance[]): ReadonlyMap<string, Instance> {
    const { zone, isLoopbackAllowed } = this.#options;
    const allowed = all.filter(
      ({ address }) =>
        address === undefined ||
        (isIP(address) !== 0 && !isRefusedHost(address) && (isLoopbackAllowed || !isLoopback(address))),
    );
    const refused = all.length - allowed.length;
    this.#reportOnce('refused', refused > 0, { refused }, 'addresses of a subgraph are refused');
    const byKey = new Map(allowed.map((each) => [addressUrl(each), { ...each, zone: each.zone ?? zone }]));
    this.#reportOnce(
      'many',
      byKey.size > mostInstances,
      { found: byKey.size },
      'some endpoints are not used',
    );
    const keys = [...byKey.keys()];
    if (keys.length > mostInstances) keys.sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).splice(mostInstances);
    return new Map(keys.sort().map((key) => [key, byKey.get(key)!]));
  }

  /** Logs once that something begins. */
  #reportOnce(what: 'refused' | 'many', isSo: boolean, facts: object, message: string): void {
    if (!isSo) this.#reported.delete(what);
    else if (!this.#reported.has(what)) {
      this.#reported.add(what);
      this.#options.logger.warn({ ...this.#facts, ...facts, most: mostInstances }, message);
    }
  }
}

/** The most URLs in a log line. */
const mostShown = 10;

/** Of too many, each process uses others, and the same each time. */
const rank = (key: string): string => createHash('sha256').update(seed).update(key).digest('hex');
const seed = randomBytes(16);

/** Parameters may hold the credentials of an endpoint. */
const withoutParameters = (text: string): string => text.trim().split('?', 1)[0]!;
