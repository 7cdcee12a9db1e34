import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Composition, SubgraphSchema } from '../composition/compose';
import { composeSupergraph, contractSupergraph } from '../composition/composer';
import { type Plan, type Planner, nothing } from './plan';
import { keepPreview, previewOfRejected } from './previews';
import { RegistryReader, type RegistryReaderOptions } from './reader';
import type { TextHash } from './texts';
import { Variants } from './variants';
import {
  type Authorship,
  type Change,
  type ChangeResult,
  changesOf,
  RegistryError,
  sortOfVersion,
  type Version,
} from './version';

export interface RegistryOptions extends RegistryReaderOptions {
  /** Milliseconds for which a change is retried while others publish at the same time. @default 60_000 */
  readonly patience?: number;
}

export const byName = (a: SubgraphSchema, b: SubgraphSchema): number => (a.name < b.name ? -1 : 1);

/**
 * Makes the next version of a variant: composes the planned state, writes it, and moves the pointer by compare-and-set.
 */
export class RegistryWriter extends RegistryReader {
  protected readonly patience: number;
  /** All variants of the graph. */
  readonly variants: Variants;

  constructor({ patience = 60_000, ...options }: RegistryOptions) {
    super(options);
    this.patience = patience;
    this.variants = new Variants(options.store, options.variant.graph, this.now);
  }

  /** @param restores the version that is restored */
  protected async change(
    { by, commit }: Authorship,
    plan: Planner,
    restores?: number,
  ): Promise<ChangeResult> {
    const deadline = performance.now() + this.patience;
    for (let attempt = 0; ; attempt++) {
      const { version: before, ended, revision } = await this.#pointerWithoutExpired();
      const state = before ?? (ended === undefined ? nothing : { ...nothing, number: ended.number, ended });
      const planned = keepPreview(await plan(state), state);
      if (before?.contract !== undefined && planned.contract === undefined) {
        const { of } = before.contract;
        throw new RegistryError(`${this.name} is a contract of ${of}: change ${of}, and it follows.`);
      }
      const changes = changesOf(state.subgraphs, planned.subgraphs);
      const isRenewed = planned.preview?.expires !== before?.preview?.expires;
      if (before !== undefined && !isRenewed && isSame(before, planned, changes)) {
        return { outcome: 'unchanged', version: before };
      }
      const composed = await this.#compose(planned);
      const audit = {
        number: state.number + 1,
        at: new Date(this.now()).toISOString(),
        by,
        ...(commit === undefined ? {} : { commit }),
        changes: Object.fromEntries(changes),
        ...(restores === undefined ? {} : { restores }),
      };
      const announced = await this.variants.announce(this.name);
      const version = await this.#describe(audit, before, planned, composed);
      if (before !== undefined) await this.#writeDown(before);
      if (await this.#movePointer(version, revision)) {
        if (announced !== undefined)
          await this.variants.settle(this.name, announced, version.preview?.expires);
        if (composed?.errors) return { outcome: 'rejected', version, errors: composed.errors };
        return { outcome: 'published', version, hints: composed?.hints ?? [] };
      }
      if (performance.now() > deadline) {
        throw new RegistryError(
          `Others publish to ${this.name} all the time: this was not published within ${this.patience} ms. Try again.`,
        );
      }
      // Random exponential backoff, or the same publishers would conflict again.
      await delay(Math.random() * Math.min(100 * 2 ** attempt, 1_000));
    }
  }

  /** Nothing of a preview that has ended may be in the way of what is published now. */
  async #pointerWithoutExpired(): ReturnType<RegistryWriter['pointer']> {
    const pointer = await this.pointer();
    if (pointer.ended === undefined) return pointer;
    await this.variants.delete(this.name, false);
    return this.pointer();
  }

  /** Composes a plan. Undefined for an ended contract. */
  async #compose(planned: Plan): Promise<Composition | undefined> {
    const { subgraphs, given, supergraph, contract, preview } = planned;
    const texts = this.textsOf(planned);
    if (contract === 'ended') return undefined;
    if (contract !== undefined) return contractSupergraph(await texts.get(supergraph!), contract);
    if (supergraph !== undefined) return { supergraphSdl: await texts.get(supergraph), hints: [] };
    const own = [...(given?.values() ?? [])].map((change) => ({
      ...change,
      routingUrl: subgraphs[change.name]!.routingUrl,
    }));
    const others = Object.entries(subgraphs).filter(([name]) => given?.has(name) !== true);
    const schemas = [...own, ...(await this.schemas({ subgraphs: Object.fromEntries(others), preview }))];
    // Sorted, so that the same schemas always compose to the same text.
    return composeSupergraph({ subgraphs: schemas.sort(byName) });
  }

  /** Writes the texts of a change to the registry. Returns its version. */
  async #describe(
    audit: Omit<Version, 'kind' | 'subgraphs'>,
    before: Version | undefined,
    planned: Plan,
    composed: Composition | undefined,
  ): Promise<Version> {
    if (composed === undefined) return { ...audit, kind: 'ended', subgraphs: {} };
    const texts = this.textsOf(planned);
    const schemas: Record<string, TextHash> = {};
    for (const name of Object.keys(audit.changes)) {
      const change = planned.given?.get(name);
      if (change !== undefined) schemas[name] = await texts.put(change.sdl);
    }
    if (composed.errors) {
      const errors = await texts.put(JSON.stringify(composed.errors));
      return {
        ...{ ...audit, kind: 'rejected', errors, refused: schemas },
        ...contractOf(rejectedContract(before, planned)),
        ...previewOf(previewOfRejected(before ?? nothing, planned)),
        subgraphs: before?.subgraphs ?? {},
        ...(before?.supergraph === undefined ? {} : { supergraph: before.supergraph }),
      };
    }
    return {
      ...{ ...audit, kind: audit.restores === undefined ? 'published' : 'rolled-back' },
      ...contractOf(planned.contract),
      ...previewOf(planned.preview),
      subgraphs: planned.subgraphs,
      supergraph: await texts.put(composed.supergraphSdl),
    };
  }

  #movePointer(version: Version, expected: number): Promise<boolean> {
    return this.store.put({ partition: this.partition, sort: 'current' }, print(version), { expected });
  }

  #writeDown(version: Version): Promise<boolean> {
    return this.store.put({ partition: this.partition, sort: sortOfVersion(version.number) }, print(version));
  }
}

/** Whether a change would change nothing. A rejected contract is not made again from the same version. */
function isSame(before: Version, { contract }: Plan, changes: readonly Change[]): boolean {
  if (contract === 'ended') return false;
  if (contract === undefined) return changes.length === 0;
  return (
    haveSameTerms(before, contract) && (before.contract!.version === contract.version || changes.length === 0)
  );
}

function haveSameTerms({ contract }: Version, terms: NonNullable<Version['contract']>): boolean {
  return contract !== undefined && isDeepStrictEqual({ ...terms, version: contract.version }, contract);
}

/** The terms of a rejected version: those of the previous one, as rejected terms do not replace them. */
function rejectedContract(before: Version | undefined, { contract }: Plan): Plan['contract'] {
  if (before?.contract === undefined || contract === undefined || contract === 'ended') return contract;
  return haveSameTerms(before, contract) ? contract : before.contract;
}

const contractOf = (contract: Plan['contract']): Pick<Version, 'contract'> =>
  contract === undefined || contract === 'ended' ? {} : { contract };

const previewOf = (preview: Version['preview']): Pick<Version, 'preview'> =>
  preview === undefined ? {} : { preview };

const print = (version: Version): Buffer => Buffer.from(JSON.stringify(version));
