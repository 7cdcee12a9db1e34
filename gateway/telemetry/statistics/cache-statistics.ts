import { LRUCache } from 'lru-cache';
import { Distribution, type Meter } from '../metrics/meter';
import { metricTable } from '../metrics/metric-table';
import { InvalidationLog } from './invalidation-log';

/** Why a cached answer may be served: within its `max-age`, or stale as RFC 5861 permits. */
export type ServedAs = 'fresh' | 'stale-while-revalidate' | 'stale-if-error';

/** What is counted of the response cache, or of the entities of one type and subgraph. Plain numbers. */
export class CacheCounts {
  misses = 0;
  stored = 0;
  /** How often something was fetched again after its lifetime. */
  refreshed = 0;
  /** How often that was not the same, byte for byte: what was served last was out of date by then. */
  changed = 0;
  /** Of what was served: seconds since it was stored. */
  readonly ages: Readonly<Record<ServedAs, Distribution>>;
  readonly #all: Readonly<Record<ServedAs, Distribution>>;

  /** @param all ages that several of these record together, for the metrics */
  constructor(all: Readonly<Record<ServedAs, Distribution>>) {
    this.ages = byPolicy(() => new Distribution(metricTable['weir.cache.age'].boundaries));
    this.#all = all;
  }

  /** @param storedAt Unix milliseconds, as `now` */
  served(as: ServedAs, storedAt: number, now: number): void {
    const age = Math.max(0, now - storedAt) / 1000;
    this.ages[as].record(age);
    this.#all[as].record(age);
  }
}

/** Counts what caches serve, how old it is, whether it had changed when it was fetched again, and what is invalidated. */
export class CacheStatistics {
  readonly responses: CacheCounts;
  /** By subgraph and type name. */
  readonly entities = new Map<string, Map<string, CacheCounts>>();
  readonly invalidations = new InvalidationLog();
  readonly #newCounts: (cache: 'response' | 'entity', subgraph?: string) => CacheCounts;
  /** What was stored last under a key. */
  readonly #stored = new LRUCache<string, StoredKey>({ max: mostStored });

  constructor(meter: Meter) {
    const ages = meter.histogram('weir.cache.age');
    this.#newCounts = (cache, subgraph) =>
      new CacheCounts(byPolicy((policy) => ages.of({ cache, subgraph, policy })));
    this.responses = this.#newCounts('response');
    meter.observe('weir.cache.entities', (observe) => {
      for (const [subgraph, byType] of this.entities)
        for (const counts of byType.values()) {
          const { fresh, ...stale } = counts.ages;
          observe(fresh.count, { subgraph, result: 'hit' });
          for (const { count } of Object.values(stale)) observe(count, { subgraph, result: 'stale' });
          observe(counts.misses, { subgraph, result: 'miss' });
        }
    });
    meter.observe('weir.cache.refreshes', (observe) => {
      const observeRefreshes = (
        { refreshed, changed }: CacheCounts,
        cache: string,
        subgraph?: string,
      ): void => {
        observe(changed, { cache, subgraph, result: 'changed' });
        observe(refreshed - changed, { cache, subgraph, result: 'unchanged' });
      };
      observeRefreshes(this.responses, 'response');
      for (const [subgraph, byType] of this.entities)
        for (const counts of byType.values()) observeRefreshes(counts, 'entity', subgraph);
    });
  }

  ofEntities(named: string, type: string): CacheCounts {
    const subgraph = this.entities.size < mostSubgraphs || this.entities.has(named) ? named : 'other';
    let byType = this.entities.get(subgraph);
    if (byType === undefined) this.entities.set(subgraph, (byType = new Map<string, CacheCounts>()));
    const name = byType.size < mostTypes || byType.has(type) ? type : 'other';
    let counts = byType.get(name);
    if (counts === undefined) byType.set(name, (counts = this.#newCounts('entity', subgraph)));
    return counts;
  }

  /**
   * Notes what is stored under a key. What replaces something whose lifetime is over is a refresh. What replaces something
   * fresh is none: that was dropped by an invalidation, or for want of memory.
   *
   * @param fingerprint equal for equal bytes
   * @param freshUntil Unix milliseconds, as `now`
   */
  stored(
    counts: CacheCounts,
    key: string,
    fingerprint: string | number,
    freshUntil: number,
    now: number,
  ): void {
    counts.stored++;
    const earlier = this.#stored.get(key);
    this.#stored.set(key, { fingerprint, freshUntil });
    if (earlier === undefined || now < earlier.freshUntil) return;
    counts.refreshed++;
    if (earlier.fingerprint !== fingerprint) counts.changed++;
  }
}

interface StoredKey {
  readonly fingerprint: string | number;
  readonly freshUntil: number;
}

export const byPolicy = <Value>(of: (policy: ServedAs) => Value): Record<ServedAs, Value> => ({
  fresh: of('fresh'),
  'stale-while-revalidate': of('stale-while-revalidate'),
  'stale-if-error': of('stale-if-error'),
});

/** At most 7 MB, as measured with the longest keys. */
const mostStored = 10_000;
/** More than graphs have, unless each new one brings others. */
const mostSubgraphs = 1_000;
/** Types per subgraph: more than schemas have, unless each reload brings new ones. */
const mostTypes = 1_000;
