import type { EntityAnswer } from '../../subgraph-calls/wire/entities';
import type { EntityList } from '../../subgraph-calls/contract/transport';
import type { KeptEntity } from './entity-value';
import { type Policy, strictest } from '../policy';
import type { CacheCounts } from '../../telemetry/statistics/cache-statistics';

/** A list of requested entities, with their cached answers. */
export class WantedList {
  readonly list: EntityList;
  /** The indices of entities that must be requested. */
  readonly missing: readonly number[];
  /** The indices of entities that are served stale and must be refreshed. */
  readonly refreshing: readonly number[];
  readonly counts = { hit: 0, stale: 0 };
  /** The strictest policy of all entities from the cache; undefined if there are none. */
  policy: Policy | undefined;
  /** Whether any of them came from the memory of this process. */
  isNear = false;
  /** When the oldest entity from the cache was stored, in Unix milliseconds; `Infinity` if there are none. */
  oldest = Infinity;
  readonly tags: (readonly string[])[] = [];
  readonly #kept: readonly (KeptEntity | undefined)[];
  readonly #answers: EntityAnswer[];
  /** The entities that are served from the cache. */
  readonly #served: (KeptEntity | undefined)[] = [];

  /** @param kept the cached entity of each representation; undefined if there is none */
  constructor(list: EntityList, kept: readonly (KeptEntity | undefined)[]) {
    this.list = list;
    this.#kept = kept;
    this.#answers = new Array<EntityAnswer>(kept.length);
    const missing: number[] = [];
    const refreshing: number[] = [];
    kept.forEach((entity, n) => {
      if (entity === undefined || entity.state === 'spare') missing.push(n);
      else this.#serve(entity, n);
      if (entity?.state === 'stale' && entity.refresh) refreshing.push(n);
    });
    this.missing = missing;
    this.refreshing = refreshing;
  }

  get answers(): readonly EntityAnswer[] {
    return this.#answers;
  }

  /** Whether each missing entity has a stale one that may be served if the subgraph fails. */
  get hasSpares(): boolean {
    return this.missing.every((n) => this.#kept[n] !== undefined);
  }

  representations(indices: readonly number[]): Buffer[] {
    return indices.map((n) => this.list.representations[n]!);
  }

  /** Counts where each entity came from. @param now Unix milliseconds */
  count(countsOf: (representation: Buffer) => CacheCounts, now: number): void {
    this.list.representations.forEach((representation, n) => {
      const counts = countsOf(representation);
      const kept = this.#served[n];
      if (kept === undefined) counts.misses++;
      else counts.served(servedAs[kept.state], kept.storedAt, now);
    });
  }

  /** Adds the subgraph's answers to the missing entities. */
  take(answers: readonly EntityAnswer[]): void {
    this.missing.forEach((n, i) => (this.#answers[n] = answers[i]!));
  }

  /** Serves the stale entities for the missing ones. Entities without one are null, with these errors. */
  takeSpares(errors: readonly object[]): void {
    for (const n of this.missing) {
      const spare = this.#kept[n];
      if (spare !== undefined) this.#serve(spare, n);
      else {
        const path = [this.list.responseKey, n];
        this.#answers[n] = { json: nullJson, errors: errors.map((error) => ({ ...error, path })) };
      }
    }
  }

  #serve(kept: KeptEntity, n: number): void {
    const { json, policy, tags, state, isNear, storedAt } = kept;
    this.#served[n] = kept;
    this.counts[state === 'fresh' ? 'hit' : 'stale']++;
    this.#answers[n] = { json, errors: noErrors };
    this.policy = this.policy === undefined ? policy : strictest(this.policy, policy);
    this.isNear ||= isNear;
    this.oldest = Math.min(this.oldest, storedAt);
    this.tags.push(tags);
  }
}

const servedAs = { fresh: 'fresh', stale: 'stale-while-revalidate', spare: 'stale-if-error' } as const;

const nullJson = Buffer.from('null');
const noErrors: EntityAnswer['errors'] = [];
