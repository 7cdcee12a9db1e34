import { randomUUID } from 'node:crypto';
import { type Item, type Key, type RegistryStore, StoreError } from '../store/store';
import { type EndedPreview, endOf } from './previews';
import { partitionOfPreview } from './texts';
import { usagePartitions } from './usage-log';
import { parseVariant, sortOfVersion, type Version, versionPrefix } from './version';

/** A variant in the list of a graph. */
interface Entry {
  /**
   * When to look whether there is something to delete, ISO 8601. The pointer decides, so an early look does no harm.
   * Absent: the variant stays.
   */
  readonly due?: string | undefined;
  /** Tells two writers apart. */
  readonly id: string;
}

/**
 * The variants of one graph, and the deletion of previews. Whoever publishes a preview first notes in the list that
 * somebody looks in an hour, and in the end when it expires: so one that is killed between leaves nothing that is never
 * found. A preview is deleted in this order, each step of which may be done again, by whoever comes along:
 *
 * 1. `current` becomes its end (by compare-and-set, so a preview that was published at that moment stays). It stays for an
 *    hour: a publisher that has read the preview before cannot move the pointer any more.
 * 2. All that the preview has is deleted.
 * 3. After that hour, what came too late, `current`, and the entry in the list.
 */
export class Variants {
  readonly #store: RegistryStore;
  readonly #graph: string;
  readonly #now: () => number;

  constructor(store: RegistryStore, graph: string, now = () => Date.now()) {
    this.#store = store;
    this.#graph = graph;
    this.#now = now;
  }

  /** The names of all variants, such as `shop@prod`. */
  async names(): Promise<string[]> {
    return (await this.#store.list(this.#partition)).map(({ sort }) => `${this.#graph}@${sort}`);
  }

  /**
   * Lists a variant before anything of it is written.
   *
   * @returns the revision of the entry, for `settle`; undefined if it is settled that the variant stays
   */
  async announce(name: string): Promise<number | undefined> {
    for (;;) {
      const entry = await this.#store.get(this.#keyOf(name));
      if (entry !== undefined && dueOf(entry) === undefined) return undefined;
      const revision = entry?.revision ?? 0;
      if (await this.#setDue(name, revision, this.#now() + grace)) return revision + 1;
    }
  }

  /** Notes when a variant that is published now expires: undefined if it stays. No effect if others have announced it since. */
  async settle(name: string, revision: number, expires: string | undefined): Promise<void> {
    await this.#setDue(name, revision, expires === undefined ? undefined : Date.parse(expires));
  }

  /**
   * Deletes previews that have expired, at most some at once.
   *
   * @throws {StoreError} if one cannot be deleted, after the others: a role may be permitted some of them only
   */
  async deleteExpired(): Promise<void> {
    const due = (await this.#store.list(this.#partition)).filter((entry) => this.#isDue(entry));
    let deleted = 0;
    let failure: StoreError | undefined;
    for (const { sort } of due) {
      try {
        await this.delete(`${this.#graph}@${sort}`, false);
        if (++deleted === mostAtOnce) break;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /**
   * Deletes a preview.
   *
   * @param atOnce also before it expires
   * @returns whether this call has ended it: false if there is none, or others were faster
   */
  async delete(name: string, atOnce: boolean): Promise<boolean> {
    const key = { partition: name, sort: 'current' };
    for (let hasEnded = false; ;) {
      const entry = await this.#store.get(this.#keyOf(name));
      const item = await this.#store.get(key);
      const found = item && (JSON.parse(item.value.toString('utf8')) as Version | EndedPreview);
      if (found?.kind === 'expired') {
        await this.#deleteEnded(name, found, item!.revision, entry);
        return hasEnded;
      }
      const now = this.#now();
      const isDue = entry !== undefined && this.#isDue(entry);
      const end = found === undefined ? isDue && endOfNothing(now) : endOf(found, now, atOnce);
      if (!end) {
        // Its publisher was killed before this.
        if (found !== undefined && isDue) await this.settle(name, entry.revision, found.preview?.expires);
        return hasEnded;
      }
      // A preview that ends early is looked for from now on, also if this process is killed.
      if (!isDue && !(await this.#setDue(name, entry?.revision ?? 0, now))) continue;
      const value = Buffer.from(JSON.stringify(end));
      const isDone = await this.#store.put(key, value, { expected: item?.revision ?? 0 });
      hasEnded ||= isDone && found !== undefined;
    }
  }

  async #deleteEnded(name: string, end: EndedPreview, revision: number, entry: Item | undefined) {
    await this.#deleteContent(name, end);
    const forgottenAt = Date.parse(end.at) + grace;
    const listed = entry?.revision ?? 0;
    if (forgottenAt > this.#now()) await this.#setDue(name, listed, forgottenAt);
    // First the pointer: whoever is killed between the two leaves an entry that is due.
    else if (await this.#store.delete({ partition: name, sort: 'current' }, { expected: revision }))
      await this.#store.delete(this.#keyOf(name), { expected: listed });
  }

  /** Deletes all that a preview had, and nothing of one that has begun since. */
  async #deleteContent(name: string, { number, at, since }: EndedPreview): Promise<void> {
    const last = sortOfVersion(number);
    const others = ['gateways', 'webhooks'].map((part) => `${name}/${part}`);
    const usage = usagePartitions(name, new Date(since), new Date(this.#now() + day));
    await this.#deleteItems(name, (sort) => sort.startsWith(versionPrefix) && sort <= last);
    await this.#deleteItems(partitionOfPreview(name), (sort) => Number.parseInt(sort, 10) <= Date.parse(at));
    for (const partition of [...others, ...usage]) await this.#deleteItems(partition, () => true);
  }

  async #deleteItems(partition: string, isMeant: (sort: string) => boolean): Promise<void> {
    const sorts = (await this.#store.list(partition)).map(({ sort }) => sort).filter(isMeant);
    for (const sort of sorts) await this.#store.delete({ partition, sort });
  }

  #isDue(entry: Item): boolean {
    return Date.parse(dueOf(entry) ?? '') <= this.#now();
  }

  #setDue(name: string, expected: number, due: number | undefined): Promise<boolean> {
    const entry: Entry = { due: due === undefined ? due : new Date(due).toISOString(), id: randomUUID() };
    return this.#store.put(this.#keyOf(name), Buffer.from(JSON.stringify(entry)), { expected });
  }

  get #partition(): string {
    return `${this.#graph}/variants`;
  }

  #keyOf(name: string): Key {
    return { partition: this.#partition, sort: parseVariant(name).variant };
  }
}

/** The end of a preview whose first publisher was killed before the pointer was there. */
function endOfNothing(now: number): EndedPreview {
  const at = new Date(now).toISOString();
  return { kind: 'expired', number: 0, at, since: at };
}

const dueOf = ({ value }: Item): string | undefined => (JSON.parse(value.toString('utf8')) as Entry).due;

/** Milliseconds: in this time every publisher has moved the pointer, or does not any more. */
const grace = 3_600_000;
const mostAtOnce = 20;
/** Clocks of gateways differ by less. */
const day = 86_400_000;
