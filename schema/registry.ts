import { setTimeout as delay } from 'node:timers/promises';
import { composeSupergraph, type SubgraphSchema } from './compose';
import { RegistryReader, type RegistryReaderOptions, sortOf } from './registry-reader';
import { hashOf, type TextHash } from './registry-texts';
import {
  type Authorship,
  type Change,
  changesOf,
  checkSubgraphName,
  isChanged,
  type PublishResult,
  RegistryError,
  type SubgraphChange,
  type Version,
} from './registry-version';

export interface RegistryOptions extends RegistryReaderOptions {
  /** Milliseconds to go on trying when others publish at the same time. @default 60_000 */
  readonly patience?: number;
}

export interface RollbackOptions {
  /** The number of a version. @default the last one that left something else */
  readonly to?: number | undefined;
  /** @default all subgraphs */
  readonly subgraph?: string | undefined;
}

/** The versions of one variant of a graph, and what changes them. */
export class Registry extends RegistryReader {
  readonly #patience: number;

  constructor({ patience = 60_000, ...options }: RegistryOptions) {
    super(options);
    this.#patience = patience;
  }

  /**
   * Publishes subgraphs, all of them or none. What others publish meanwhile is composed with it, never lost. What does
   * not compose is written down as rejected, and changes nothing that runs.
   * @throws {RegistryError} when a new subgraph has no routing URL, or others publish so often that it never succeeds
   */
  publish(changes: readonly SubgraphChange[], authorship: Authorship): Promise<PublishResult> {
    for (const { name } of changes) checkSubgraphName(name);
    const given = new Map(changes.map((change) => [change.name, change]));
    return this.#change(authorship, (before) => {
      const subgraphs = { ...before.subgraphs };
      for (const { name, sdl, routingUrl = subgraphs[name]?.routingUrl } of changes) {
        if (routingUrl === undefined) {
          throw new RegistryError(
            `${name} is new in ${this.name}, so its routing URL is needed: where the gateway sends its operations.`,
          );
        }
        subgraphs[name] = { routingUrl, schema: hashOf(sdl), since: before.number + 1 };
      }
      return { subgraphs, given };
    });
  }

  /** Takes a subgraph out. @throws {RegistryError} when there is none of that name */
  remove(name: string, authorship: Authorship): Promise<PublishResult> {
    return this.#change(authorship, (before) => {
      const { [name]: removed, ...subgraphs } = before.subgraphs;
      if (removed === undefined) throw this.#noSubgraph(name, before);
      return { subgraphs };
    });
  }

  /**
   * Makes what an earlier version left the state of the variant again, as a new version. With `subgraph` only this one
   * goes back, and what other teams published since stays.
   * @throws {RegistryError} when there is nothing to go back to, or something else was published at the same moment
   */
  async rollback({ to, subgraph }: RollbackOptions, authorship: Authorship): Promise<PublishResult> {
    const newest = await this.newest();
    const target = to === undefined ? await this.#previous(newest, subgraph) : await this.version(to);
    const plan = (before: State): Plan => {
      if (subgraph !== undefined) {
        const earlier = target.subgraphs[subgraph];
        if (earlier === undefined) throw this.#noSubgraph(subgraph, target);
        return { subgraphs: { ...before.subgraphs, [subgraph]: earlier } };
      }
      if (target.supergraph === undefined) throw this.noSupergraph(target);
      // It would undo what whoever asked for it has not seen.
      if (before.number !== newest.number) {
        throw new RegistryError(
          `Version ${before.number} of ${this.name} was published at the same moment: look at it, and ask again.`,
        );
      }
      return { subgraphs: target.subgraphs, supergraph: target.supergraph };
    };
    return this.#change(authorship, plan, target.number);
  }

  /** The last version before the newest that left something else: with `subgraph`, another schema or URL of it. */
  async #previous(newest: Version, subgraph?: string): Promise<Version> {
    const now = subgraph === undefined ? undefined : newest.subgraphs[subgraph];
    if (subgraph !== undefined && now === undefined) throw this.#noSubgraph(subgraph, newest);
    const found = (await this.history(historyLimit)).find(({ supergraph, subgraphs }) => {
      if (subgraph === undefined)
        return supergraph !== undefined && changesOf(subgraphs, newest.subgraphs).length > 0;
      const then = subgraphs[subgraph];
      return then !== undefined && isChanged(then, now);
    });
    if (found !== undefined) return found;
    const what = subgraph === undefined ? this.name : `${subgraph} in ${this.name}`;
    throw new RegistryError(`There is nothing to go back to: ${what} never was anything else.`);
  }

  async #change(
    { by, commit }: Authorship,
    plan: (before: State) => Plan,
    restores?: number,
  ): Promise<PublishResult> {
    const deadline = performance.now() + this.#patience;
    for (let attempt = 0; ; attempt++) {
      const { version: before, revision } = await this.pointer();
      const planned = plan(before ?? nothing);
      const changes = changesOf((before ?? nothing).subgraphs, planned.subgraphs);
      if (changes.length === 0 && before !== undefined) return { outcome: 'unchanged', version: before };
      const composed = await this.#compose(planned);
      const audit = {
        number: (before?.number ?? 0) + 1,
        at: new Date().toISOString(),
        by,
        ...(commit === undefined ? {} : { commit }),
        changes: Object.fromEntries(changes),
        ...(restores === undefined ? {} : { restores }),
      };
      const texts = await this.#putTexts(planned, changes, composed);
      const version: Version = composed.errors
        ? {
            ...{ ...audit, kind: 'rejected', errors: texts.errors!, refused: texts.schemas },
            subgraphs: before?.subgraphs ?? {},
            ...(before?.supergraph === undefined ? {} : { supergraph: before.supergraph }),
          }
        : {
            ...{ ...audit, kind: restores === undefined ? 'published' : 'rolled-back' },
            subgraphs: planned.subgraphs,
            supergraph: texts.supergraph!,
          };
      if (before !== undefined) await this.#writeDown(before);
      if (await this.#movePointer(version, revision)) {
        if (composed.errors) return { outcome: 'rejected', version, errors: composed.errors };
        return { outcome: 'published', version, hints: composed.hints };
      }
      if (performance.now() > deadline) {
        throw new RegistryError(
          `Others publish to ${this.name} all the time: this was not published within ${this.#patience} ms. Try again.`,
        );
      }
      // Who composed in vain waits longer, by chance, or as many would be in the way again.
      await delay(Math.random() * Math.min(100 * 2 ** attempt, 1_000));
    }
  }

  /** All subgraphs as they would be if these were published. */
  async proposal(changes: readonly SubgraphChange[]): Promise<SubgraphSchema[]> {
    const { subgraphs } = (await this.current()) ?? nothing;
    const own = changes.map(({ routingUrl, ...change }) => {
      checkSubgraphName(change.name);
      // Nothing is sent there: a subgraph that is new may be checked before it has a place.
      return { ...change, routingUrl: routingUrl ?? subgraphs[change.name]?.routingUrl ?? 'http://unknown' };
    });
    const others = Object.entries(subgraphs).filter(([name]) => !own.some((change) => change.name === name));
    const schemas = [...own, ...(await this.schemas({ subgraphs: Object.fromEntries(others) }))];
    return schemas.sort(byName);
  }

  async #compose({ subgraphs, given, supergraph }: Plan): Promise<Composed> {
    if (supergraph !== undefined) return { supergraphSdl: await this.texts.get(supergraph), hints: [] };
    const own = [...(given?.values() ?? [])].map((change) => ({
      ...change,
      routingUrl: subgraphs[change.name]!.routingUrl,
    }));
    const others = Object.entries(subgraphs).filter(([name]) => given?.has(name) !== true);
    const schemas = [...own, ...(await this.schemas({ subgraphs: Object.fromEntries(others) }))];
    // In one order, whoever publishes: the same schemas make the same supergraph.
    return composeSupergraph({ subgraphs: schemas.sort(byName) });
  }

  async #putTexts({ given }: Plan, changes: readonly Change[], { supergraphSdl, errors }: Composed) {
    const schemas: Record<string, TextHash> = {};
    for (const [name] of changes) {
      const change = given?.get(name);
      if (change !== undefined) schemas[name] = await this.texts.put(change.sdl);
    }
    return {
      schemas,
      supergraph: supergraphSdl === undefined ? undefined : await this.texts.put(supergraphSdl),
      errors: errors === undefined ? undefined : await this.texts.put(JSON.stringify(errors)),
    };
  }

  #movePointer(version: Version, expected: number): Promise<boolean> {
    return this.store.put({ partition: this.partition, sort: 'current' }, print(version), { expected });
  }

  #writeDown(version: Version): Promise<boolean> {
    return this.store.put({ partition: this.partition, sort: sortOf(version.number) }, print(version));
  }

  #noSubgraph(name: string, { subgraphs, number }: State): RegistryError {
    const names = Object.keys(subgraphs).sort().join(', ') || 'none';
    return new RegistryError(`${this.name} has no subgraph ${name} at version ${number}; it has: ${names}.`);
  }
}

type State = Pick<Version, 'number' | 'subgraphs'>;
type Composed = ReturnType<typeof composeSupergraph>;

/** The state that a change leads to. */
interface Plan {
  readonly subgraphs: Version['subgraphs'];
  /** The schemas that are not in the registry yet, by the names of their subgraphs. */
  readonly given?: ReadonlyMap<string, SubgraphChange>;
  /** What they were composed into before. */
  readonly supergraph?: TextHash | undefined;
}

const nothing: State = { number: 0, subgraphs: {} };
const byName = (a: SubgraphSchema, b: SubgraphSchema): number => (a.name < b.name ? -1 : 1);
const historyLimit = 1_000;

const print = (version: Version): Buffer => Buffer.from(JSON.stringify(version));
