import { setTimeout as delay } from 'node:timers/promises';
import { composeSupergraph, type SubgraphSchema } from './compose';
import type { Problem } from './problem';
import { createTexts, hashOf, type TextHash, type Texts } from './registry-texts';
import {
  type Authorship,
  type Change,
  changesOf,
  checkSubgraphName,
  isChanged,
  type PublishResult,
  RegistryError,
  type SubgraphChange,
  type Variant,
  type Version,
} from './registry-version';
import type { RegistryStore } from './store/store';

export interface RegistryOptions {
  readonly store: RegistryStore;
  readonly variant: Variant;
  /** Milliseconds to go on trying when others publish at the same time. @default 60_000 */
  readonly patience?: number;
}

export interface RollbackOptions {
  /** The number of a version. @default the last one that left something else */
  readonly to?: number | undefined;
  /** @default all subgraphs */
  readonly subgraph?: string | undefined;
}

/**
 * The versions of one variant of a graph. One item, the pointer, holds the newest version whole; moving it is the last
 * write of every change and the only one that changes what runs, so that a publisher which is killed leaves at most
 * texts that nobody names. Whoever moves the pointer first writes down the version that it leaves, hence the history
 * has no gaps either.
 */
export class Registry {
  readonly #store: RegistryStore;
  readonly #partition: string;
  readonly #patience: number;
  readonly #texts: Texts;
  /** As it is called in messages, such as `shop@prod`. */
  readonly name: string;

  constructor({ store, variant: { graph, variant }, patience = 60_000 }: RegistryOptions) {
    this.#store = store;
    this.name = `${graph}@${variant}`;
    this.#partition = this.name;
    this.#patience = patience;
    this.#texts = createTexts(store, graph);
  }

  /** The newest version; undefined before the first. */
  async current(): Promise<Version | undefined> {
    return (await this.#pointer()).version;
  }

  /** The newest version. @throws {RegistryError} before the first */
  async newest(): Promise<Version> {
    const version = await this.current();
    if (version !== undefined) return version;
    throw new RegistryError(`Nothing was published to ${this.name} yet: \`weir publish\` does.`);
  }

  /** @throws {RegistryError} when there is none with this number. */
  async version(number: number): Promise<Version> {
    const newest = await this.newest();
    if (newest.number === number) return newest;
    const item = await this.#store.get({ partition: this.#partition, sort: sortOf(number) });
    if (item !== undefined) return parse(item.value);
    throw new RegistryError(`${this.name} has no version ${number}: it has 1 to ${newest.number}.`);
  }

  /** The newest versions first. */
  async history(limit: number): Promise<Version[]> {
    const newest = await this.newest();
    const options = { prefix, newestFirst: true, limit };
    const older = (await this.#store.list(this.#partition, options)).map(({ value }) => parse(value));
    // What came between the two looks belongs to neither, and the newest may be written down already.
    return [newest, ...older.filter(({ number }) => number < newest.number)].slice(0, limit);
  }

  /** The supergraph that runs since a version. @throws {RegistryError} when none composed until then */
  async supergraph({ number, supergraph }: Version): Promise<string> {
    if (supergraph !== undefined) return this.#texts.get(supergraph);
    throw new RegistryError(
      `${this.name} has no supergraph at version ${number}: nothing composed until then.`,
    );
  }

  /** The schemas of a version, for composition. */
  async schemas({ subgraphs }: Pick<Version, 'subgraphs'>): Promise<SubgraphSchema[]> {
    return Promise.all(
      Object.entries(subgraphs).map(async ([name, { routingUrl, schema }]) => ({
        name,
        routingUrl,
        sdl: await this.#texts.get(schema),
        file: `${this.name}/${name}.graphql`,
      })),
    );
  }

  /** What kept a rejected version from composing. */
  async errors({ errors }: Version): Promise<Problem[]> {
    return errors === undefined ? [] : (JSON.parse(await this.#texts.get(errors)) as Problem[]);
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
      if (target.supergraph === undefined) throw this.#noSupergraph(target);
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
      const { version: before, revision } = await this.#pointer();
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

  async #compose({ subgraphs, given, supergraph }: Plan): Promise<Composed> {
    if (supergraph !== undefined) return { supergraphSdl: await this.#texts.get(supergraph), hints: [] };
    const own = [...(given?.values() ?? [])].map((change) => ({
      ...change,
      routingUrl: subgraphs[change.name]!.routingUrl,
    }));
    const others = Object.entries(subgraphs).filter(([name]) => given?.has(name) !== true);
    const schemas = [...own, ...(await this.schemas({ subgraphs: Object.fromEntries(others) }))];
    // In one order, whoever publishes: the same schemas make the same supergraph.
    return composeSupergraph({ subgraphs: schemas.sort((a, b) => (a.name < b.name ? -1 : 1)) });
  }

  async #putTexts({ given }: Plan, changes: readonly Change[], { supergraphSdl, errors }: Composed) {
    const schemas: Record<string, TextHash> = {};
    for (const [name] of changes) {
      const change = given?.get(name);
      if (change !== undefined) schemas[name] = await this.#texts.put(change.sdl);
    }
    return {
      schemas,
      supergraph: supergraphSdl === undefined ? undefined : await this.#texts.put(supergraphSdl),
      errors: errors === undefined ? undefined : await this.#texts.put(JSON.stringify(errors)),
    };
  }

  async #pointer(): Promise<{ version: Version | undefined; revision: number }> {
    const item = await this.#store.get({ partition: this.#partition, sort: 'current' });
    return { version: item && parse(item.value), revision: item?.revision ?? 0 };
  }

  #movePointer(version: Version, expected: number): Promise<boolean> {
    return this.#store.put({ partition: this.#partition, sort: 'current' }, print(version), { expected });
  }

  #writeDown(version: Version): Promise<boolean> {
    return this.#store.put({ partition: this.#partition, sort: sortOf(version.number) }, print(version));
  }

  #noSupergraph({ number }: Version): RegistryError {
    return new RegistryError(
      `${this.name} has no supergraph at version ${number}: nothing composed until then.`,
    );
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
const historyLimit = 1_000;
const prefix = 'version-';

const sortOf = (number: number): string => `${prefix}${String(number).padStart(9, '0')}`;
const print = (version: Version): Buffer => Buffer.from(JSON.stringify(version));
const parse = (value: Buffer): Version => JSON.parse(value.toString('utf8')) as Version;
