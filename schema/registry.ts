import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { composeSupergraph, type Composition, type SubgraphSchema } from './compose';
import { contractSupergraph } from './contract';
import { RegistryReader, type RegistryReaderOptions, sortOf } from './registry-reader';
import { hashOf, type TextHash } from './registry-texts';
import {
  type Authorship,
  type Change,
  type ChangeResult,
  changesOf,
  checkSubgraphName,
  type ContractTerms,
  isChanged,
  parseVariant,
  type PublishResult,
  RegistryError,
  type SubgraphChange,
  type Variant,
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
  readonly #variant: Variant;

  constructor({ patience = 60_000, ...options }: RegistryOptions) {
    super(options);
    this.#patience = patience;
    this.#variant = options.variant;
  }

  /**
   * Publishes subgraphs, all of them or none. What others publish meanwhile is composed with it, never lost. What does
   * not compose is written down as rejected, and changes nothing that runs.
   * @throws {RegistryError} when a new subgraph has no routing URL, or others publish so often that it never succeeds
   */
  publish(changes: readonly SubgraphChange[], authorship: Authorship): Promise<PublishResult> {
    for (const { name } of changes) checkSubgraphName(name);
    const given = new Map(changes.map((change) => [change.name, change]));
    return this.#changeAll(authorship, (before) => {
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
    return this.#changeAll(authorship, (before) => {
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
    return this.#changeAll(authorship, plan, target.number);
  }

  /**
   * Makes this variant a contract of another one, or gives it other terms; without terms, brings it up to what the other
   * variant is by now. What its terms make of the other one may be rejected, and changes nothing that runs.
   * @throws {RegistryError} when the terms cannot be, or there are none yet
   */
  async contract(terms: ContractTerms | undefined, authorship: Authorship): Promise<ChangeResult> {
    if (terms !== undefined) {
      const source = new Registry({ store: this.store, variant: this.#checkTerms(terms) });
      if ((await source.newest()).contract !== undefined) {
        throw new RegistryError(`${terms.of} is a contract itself: name the variant that it is made from.`);
      }
      // First, so that no publish misses it; a contract that is listed and not yet there is passed over.
      await this.store.put(
        { partition: `${terms.of}/contracts`, sort: this.#variant.variant },
        Buffer.from(this.name),
      );
    }
    return this.#change(authorship, async (before) => {
      const { of, include, exclude } = terms ?? before.contract ?? this.#noContract();
      if (before.number > 0 && before.contract === undefined) {
        throw new RegistryError(
          `${this.name} has subgraphs that were published to it: a contract is a variant of its own.`,
        );
      }
      // After the pointer of this variant: whoever moves it next has seen at least this version of the other one.
      const source = await new Registry({ store: this.store, variant: parseVariant(of) }).newest();
      if (source.supergraph === undefined) throw this.noSupergraph(source);
      const { subgraphs, supergraph, number } = source;
      return { subgraphs, supergraph, contract: { of, include, exclude, version: number } };
    });
  }

  #checkTerms({ of, include, exclude }: ContractTerms): Variant {
    const source = parseVariant(of);
    if (source.graph !== this.#variant.graph || of === this.name) {
      throw new RegistryError(
        `A contract is made from another variant of ${this.#variant.graph}, but got: ${of}`,
      );
    }
    if (include.length + exclude.length === 0) {
      throw new RegistryError('A contract includes or excludes at least one tag.');
    }
    return source;
  }

  #noContract(): never {
    throw new RegistryError(
      `${this.name} is no contract yet: say which variant it is made from, and with which tags.`,
    );
  }

  /** Changes this variant, and then the contracts that are made from it. */
  async #changeAll(authorship: Authorship, plan: Planner, restores?: number): Promise<PublishResult> {
    const result = await this.#change(authorship, plan, restores);
    // What was rejected changed nothing. What is unchanged may be asked for again because a contract was not reached.
    if (result.outcome === 'rejected') return { ...result, contracts: {} };
    const contracts: Record<string, ChangeResult> = {};
    for (const { sort } of await this.store.list(`${this.name}/contracts`)) {
      const contract = new Registry({
        store: this.store,
        variant: { ...this.#variant, variant: sort },
        patience: this.#patience,
      });
      if ((await contract.current())?.contract === undefined) continue;
      contracts[contract.name] = await contract.contract(undefined, authorship);
    }
    return { ...result, contracts };
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

  async #change({ by, commit }: Authorship, plan: Planner, restores?: number): Promise<ChangeResult> {
    const deadline = performance.now() + this.#patience;
    for (let attempt = 0; ; attempt++) {
      const { version: before, revision } = await this.pointer();
      const planned = await plan(before ?? nothing);
      if (before?.contract !== undefined && planned.contract === undefined) {
        const { of } = before.contract;
        throw new RegistryError(`${this.name} is a contract of ${of}: change ${of}, and it follows.`);
      }
      const changes = changesOf((before ?? nothing).subgraphs, planned.subgraphs);
      if (before !== undefined && isSame(before, planned, changes)) {
        return { outcome: 'unchanged', version: before };
      }
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
            ...contractOf(rejectedContract(before, planned)),
            subgraphs: before?.subgraphs ?? {},
            ...(before?.supergraph === undefined ? {} : { supergraph: before.supergraph }),
          }
        : {
            ...{ ...audit, kind: restores === undefined ? 'published' : 'rolled-back' },
            ...contractOf(planned.contract),
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

  async #compose({ subgraphs, given, supergraph, contract }: Plan): Promise<Composition> {
    if (contract !== undefined) return contractSupergraph(await this.texts.get(supergraph!), contract);
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

  async #putTexts({ given }: Plan, changes: readonly Change[], { supergraphSdl, errors }: Composition) {
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

type State = Pick<Version, 'number' | 'subgraphs' | 'contract'>;
type Planner = (before: State) => Plan | Promise<Plan>;

/** The state that a change leads to. */
interface Plan {
  readonly subgraphs: Version['subgraphs'];
  /** The schemas that are not in the registry yet, by the names of their subgraphs. */
  readonly given?: ReadonlyMap<string, SubgraphChange>;
  /** What they were composed into before. */
  readonly supergraph?: TextHash | undefined;
  /** What is left out of that supergraph. */
  readonly contract?: Version['contract'];
}

/** Whether a change would leave what there is. A contract that was rejected is not made of the same version again. */
function isSame(before: Version, { contract }: Plan, changes: readonly Change[]): boolean {
  if (contract === undefined) return changes.length === 0;
  return (
    haveSameTerms(before, contract) && (before.contract!.version === contract.version || changes.length === 0)
  );
}

function haveSameTerms({ contract }: Version, terms: NonNullable<Version['contract']>): boolean {
  return contract !== undefined && isDeepStrictEqual({ ...terms, version: contract.version }, contract);
}

/** Terms that were rejected do not replace those that hold. */
function rejectedContract(before: Version | undefined, { contract }: Plan): Version['contract'] {
  if (before?.contract === undefined || contract === undefined) return contract;
  return haveSameTerms(before, contract) ? contract : before.contract;
}

const contractOf = (contract: Version['contract']): Pick<Version, 'contract'> =>
  contract === undefined ? {} : { contract };

const nothing: State = { number: 0, subgraphs: {} };
const byName = (a: SubgraphSchema, b: SubgraphSchema): number => (a.name < b.name ? -1 : 1);
const historyLimit = 1_000;

const print = (version: Version): Buffer => Buffer.from(JSON.stringify(version));
