import type { SubgraphSchema } from './compose';
import { hashOf } from './registry-texts';
import {
  type Authorship,
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
import {
  byName,
  nothing,
  type Plan,
  type Planner,
  type RegistryOptions,
  RegistryWriter,
  type State,
} from './registry-writer';

export interface RollbackOptions {
  /** The number of a version. @default the last one that left something else */
  readonly to?: number | undefined;
  /** @default all subgraphs */
  readonly subgraph?: string | undefined;
}

/** The versions of one variant of a graph, and what changes them. */
export class Registry extends RegistryWriter {
  readonly #variant: Variant;

  constructor(options: RegistryOptions) {
    super(options);
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
    if (target.contract !== undefined && newest.contract === undefined) {
      throw new RegistryError(
        `Version ${target.number} of ${this.name} was a contract of ${target.contract.of}: \`weir contract\` makes it one again.`,
      );
    }
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
      const source = this.#variantCalled(this.#checkTerms(terms));
      if ((await source.newest()).contract !== undefined) {
        throw new RegistryError(`${terms.of} is a contract itself: name the variant that it is made from.`);
      }
      // First, so that no publish misses it; a contract that is listed and not yet there is passed over.
      await this.store.put(
        { partition: `${terms.of}/contracts`, sort: this.#variant.variant },
        Buffer.from(this.name),
      );
    }
    return this.change(authorship, (before) => {
      if (before.contract === undefined && Object.keys(before.subgraphs).length > 0) {
        throw new RegistryError(
          `${this.name} has subgraphs that were published to it: a contract is a variant of its own.`,
        );
      }
      return this.#filtered(terms ?? before.contract ?? this.#noContract());
    });
  }

  /**
   * Makes this variant a contract no longer: it has nothing then, and follows nothing. Gateways of it go on with what
   * they run. @throws {RegistryError} when it is none
   */
  endContract(authorship: Authorship): Promise<ChangeResult> {
    return this.change(authorship, ({ contract }) => {
      if (contract === undefined) {
        throw new RegistryError(`${this.name} is no contract, so there is nothing to end.`);
      }
      return { subgraphs: {}, contract: 'ended' };
    });
  }

  /** The contracts that are made from this variant. */
  async contracts(): Promise<Registry[]> {
    const listed = await this.store.list(`${this.name}/contracts`);
    const contracts = listed.map(({ sort: variant }) => this.#variantCalled({ ...this.#variant, variant }));
    const newest = await Promise.all(contracts.map((contract) => contract.current()));
    return contracts.filter((_, index) => newest[index]?.contract?.of === this.name);
  }

  /** What terms make of the other variant, as it is by now. */
  async #filtered({ of, include, exclude }: ContractTerms): Promise<Plan> {
    // After the pointer of this variant: whoever moves it next has seen at least this version of the other one.
    const source = await this.#variantCalled(parseVariant(of)).newest();
    if (source.supergraph === undefined) throw this.noSupergraph(source);
    const { subgraphs, supergraph, number } = source;
    return { subgraphs, supergraph, contract: { of, include, exclude, version: number } };
  }

  #variantCalled(variant: Variant): Registry {
    return new Registry({ store: this.store, variant, patience: this.patience });
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
      `${this.name} is no contract yet: name with --of the variant that it is made from, and with --include or --exclude its tags.`,
    );
  }

  /** Changes this variant, and then the contracts that are made from it. */
  async #changeAll(authorship: Authorship, plan: Planner, restores?: number): Promise<PublishResult> {
    const result = await this.change(authorship, plan, restores);
    // What was rejected changed nothing. What is unchanged may be asked for again because a contract was not reached.
    if (result.outcome === 'rejected') return { ...result, contracts: {} };
    const contracts: Record<string, ChangeResult> = {};
    for (const contract of await this.contracts()) {
      contracts[contract.name] = await contract.change(authorship, ({ subgraphs, contract: terms }) =>
        // Somebody ended it meanwhile.
        terms === undefined ? { subgraphs } : contract.#filtered(terms),
      );
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

  #noSubgraph(name: string, { subgraphs, number }: State): RegistryError {
    const names = Object.keys(subgraphs).sort().join(', ') || 'none';
    return new RegistryError(`${this.name} has no subgraph ${name} at version ${number}; it has: ${names}.`);
  }
}

const historyLimit = 1_000;
