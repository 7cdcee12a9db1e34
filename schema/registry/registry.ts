import type { SubgraphSchema } from '../composition/compose';
import { StoreError } from '../store/store';
import { nothing, type Plan, type Planner, planPublish, type State } from './plan';
import { planPreview, type PreviewOptions } from './previews';
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
} from './version';
import { byName, type RegistryOptions, RegistryWriter } from './writer';

export interface RollbackOptions {
  /** The number of a version. @default the last version with another state */
  readonly to?: number | undefined;
  /** @default all subgraphs */
  readonly subgraph?: string | undefined;
}

/** The versions of one variant of a graph, with the operations that change them. */
export class Registry extends RegistryWriter {
  readonly #variant: Variant;

  constructor(options: RegistryOptions) {
    super(options);
    this.#variant = options.variant;
  }

  /**
   * Publishes subgraphs, all of them or none. Concurrent changes of others are composed with them and never lost. A
   * change that does not compose is recorded as rejected, and gateways run what they ran before.
   * @throws {RegistryError} if a new subgraph has no routing URL, or others publish so often that it never succeeds
   */
  publish(changes: readonly SubgraphChange[], authorship: Authorship): Promise<PublishResult> {
    for (const { name } of changes) checkSubgraphName(name);
    return this.#changeAll(authorship, (before) => planPublish(this.name, before, changes));
  }

  /**
   * Publishes subgraphs to a preview: the other subgraphs are those of the newest version of another variant, but for
   * those that were published to the preview before. Begins the preview, or renews its expiry.
   *
   * @throws {RegistryError} if this variant is no preview, or the other one is a preview or a contract
   */
  preview(
    changes: readonly SubgraphChange[],
    options: PreviewOptions,
    authorship: Authorship,
  ): Promise<PublishResult> {
    for (const { name } of changes) checkSubgraphName(name);
    const source = this.#variantCalled(this.#checkSource(options.from, 'A preview'));
    return this.#changeAll(authorship, async (before) => {
      // Read after the pointer of this variant, as that of a contract.
      const base = await source.newest();
      return planPreview({ name: this.name, now: this.now() }, before, base, changes, options);
    });
  }

  /**
   * Ends a preview, and deletes all that it has.
   *
   * @returns false if it has ended before, or never began
   * @throws {RegistryError} if the variant is no preview
   */
  async endPreview(): Promise<boolean> {
    const version = await this.current();
    if (version !== undefined && version.preview === undefined) {
      throw new RegistryError(`${this.name} is no preview, so it does not expire.`);
    }
    return this.variants.delete(this.name, true);
  }

  /** Removes a subgraph. @throws {RegistryError} if no subgraph has this name */
  remove(name: string, authorship: Authorship): Promise<PublishResult> {
    return this.#changeAll(authorship, (before) => {
      const { [name]: removed, ...subgraphs } = before.subgraphs;
      if (removed === undefined) throw this.noSubgraph(name, before);
      return { subgraphs };
    });
  }

  /**
   * Restores the state of an earlier version, as a new version. With `subgraph` only this subgraph is restored, and
   * later changes of other subgraphs stay.
   * @throws {RegistryError} if there is no such state, or something else was published at the same time
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
        if (earlier === undefined) throw this.noSubgraph(subgraph, target);
        return { subgraphs: { ...before.subgraphs, [subgraph]: earlier } };
      }
      if (target.supergraph === undefined) throw this.noSupergraph(target);
      // A rollback must not undo a version that its author has not seen.
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
   * Makes this variant a contract of another one, or changes its terms. Without terms, updates it to the newest version
   * of the other variant. A contract that is rejected does not change what gateways run.
   * @throws {RegistryError} if the terms are not valid, or there are none yet
   */
  async contract(terms: ContractTerms | undefined, authorship: Authorship): Promise<ChangeResult> {
    if (terms !== undefined) {
      const source = this.#variantCalled(this.#checkTerms(terms));
      const base = await source.newest();
      if (base.contract !== undefined) {
        throw new RegistryError(`${terms.of} is a contract itself: name the variant that it is made from.`);
      }
      if (base.preview !== undefined) {
        throw new RegistryError(
          `${terms.of} is a preview, which expires: a contract is made from a variant that stays.`,
        );
      }
      // Listed first, so that no publish misses the contract. A listed contract that does not exist yet is skipped.
      await this.store.put(
        { partition: `${terms.of}/contracts`, sort: this.#variant.variant },
        Buffer.from(this.name),
      );
    }
    return this.change(authorship, (before) => {
      if (
        before.contract === undefined &&
        (Object.keys(before.subgraphs).length > 0 || before.preview !== undefined)
      ) {
        throw new RegistryError(
          `${this.name} has subgraphs that were published to it: a contract is a variant of its own.`,
        );
      }
      return this.#filtered(terms ?? before.contract ?? this.#noContract());
    });
  }

  /**
   * Ends the contract: the variant becomes empty and follows no other one. Its gateways keep running their supergraph.
   *
   * @throws {RegistryError} if the variant is no contract
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

  /** The plan for a contract with these terms, from the newest version of the other variant. */
  async #filtered({ of, include, exclude }: ContractTerms): Promise<Plan> {
    // Read after the pointer of this variant, so that whoever moves that pointer has seen at least this version of the
    // other variant.
    const source = await this.#variantCalled(parseVariant(of)).newest();
    if (source.supergraph === undefined) throw this.noSupergraph(source);
    const { subgraphs, supergraph, number } = source;
    return { subgraphs, supergraph, contract: { of, include, exclude, version: number } };
  }

  #variantCalled(variant: Variant): Registry {
    return new Registry({ store: this.store, variant, patience: this.patience, now: this.now });
  }

  #checkSource(name: string, what: 'A contract' | 'A preview'): Variant {
    const source = parseVariant(name);
    if (source.graph !== this.#variant.graph || name === this.name) {
      throw new RegistryError(
        `${what} is made from another variant of the graph ${this.#variant.graph}, but got: ${name}`,
      );
    }
    return source;
  }

  #checkTerms({ of, include, exclude }: ContractTerms): Variant {
    const source = this.#checkSource(of, 'A contract');
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
    // A role that may publish may not delete what others have: whoever may does so later.
    await this.variants.deleteExpired().catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
    });
    // A rejected change has no effect on contracts. An unchanged one may be a retry after a contract failed.
    if (result.outcome === 'rejected') return { ...result, contracts: {} };
    const contracts: Record<string, ChangeResult> = {};
    for (const contract of await this.contracts()) {
      contracts[contract.name] = await contract.change(authorship, ({ subgraphs, contract: terms }) =>
        // Somebody has ended the contract meanwhile.
        terms === undefined ? { subgraphs } : contract.#filtered(terms),
      );
    }
    return { ...result, contracts };
  }

  /**
   * The last version with another state than the newest. With `subgraph`, the last one with another schema or URL of
   * it.
   */
  async #previous(newest: Version, subgraph?: string): Promise<Version> {
    const now = subgraph === undefined ? undefined : newest.subgraphs[subgraph];
    if (subgraph !== undefined && now === undefined) throw this.noSubgraph(subgraph, newest);
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

  /** All subgraphs as they would be after publishing these changes. */
  async proposal(changes: readonly SubgraphChange[]): Promise<SubgraphSchema[]> {
    const { subgraphs, preview } = (await this.current()) ?? nothing;
    const own = changes.map(({ routingUrl, ...change }) => {
      checkSubgraphName(change.name);
      // Nothing is sent to this URL. A new subgraph may be checked before it has one.
      return { ...change, routingUrl: routingUrl ?? subgraphs[change.name]?.routingUrl ?? 'http://unknown' };
    });
    const others = Object.entries(subgraphs).filter(([name]) => !own.some((change) => change.name === name));
    const schemas = [...own, ...(await this.schemas({ subgraphs: Object.fromEntries(others), preview }))];
    return schemas.sort(byName);
  }
}

const historyLimit = 1_000;
