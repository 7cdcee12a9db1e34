import type { ContractTags } from '../composition/contract';
import type { Problem } from '../composition/problem';
import type { TextHash } from './texts';

/** A graph in one environment, such as `shop@prod`. */
export interface Variant {
  readonly graph: string;
  readonly variant: string;
}

/** A subgraph of a version, as it was last published. */
export interface PublishedSubgraph {
  readonly routingUrl: string;
  readonly schema: TextHash;
  /** The version that published it. */
  readonly since: number;
}

/**
 * One entry in the history of a variant, which is also its audit record. Each holds the whole resulting state, so that a
 * rollback only names a version.
 */
export interface Version {
  /** From 1, without gaps. */
  readonly number: number;
  /** `rejected`: it did not compose, and the running graph did not change. `ended`: an ended contract, without content. */
  readonly kind: 'published' | 'rolled-back' | 'rejected' | 'ended';
  /** ISO 8601. */
  readonly at: string;
  readonly by: string;
  readonly commit?: string;
  /** The requested changes: subgraphs by name, with the result for each. */
  readonly changes: Readonly<Record<string, 'added' | 'changed' | 'removed'>>;
  /** The restored version. */
  readonly restores?: number;
  /** Only for a rejected version: its errors, as JSON of `Problem[]`, and the schemas that it would have published. */
  readonly errors?: TextHash;
  readonly refused?: Readonly<Record<string, TextHash>>;
  /** Only for a contract: its terms, and the version of the other variant from which it was made. */
  readonly contract?: ContractTerms & { readonly version: number };
  /** Only for a preview. */
  readonly preview?: Preview | undefined;
  readonly subgraphs: Readonly<Record<string, PublishedSubgraph>>;
  /** The supergraph that has run since this version; absent until one composes. */
  readonly supergraph?: TextHash;
}

/** A subgraph to publish. */
export interface SubgraphChange {
  readonly name: string;
  readonly sdl: string;
  /** Where `sdl` comes from, for messages. */
  readonly file: string;
  /** @default its previous URL */
  readonly routingUrl?: string | undefined;
}

/** A variant that shows a part of another one of its graph. */
export interface ContractTerms extends ContractTags {
  /** The other variant, such as `shop@prod`. */
  readonly of: string;
}

/** A variant that is made from another one of its graph, and deleted when it expires. */
export interface Preview {
  /** The other variant, such as `shop@prod`, and the version of it that was taken. */
  readonly from: string;
  readonly version: number;
  /** The names of the subgraphs that were published to, or removed from, the preview itself. */
  readonly own: readonly string[];
  /** When it was first published. ISO 8601. Its texts are stored under this time. */
  readonly since: string;
  /** ISO 8601. */
  readonly expires: string;
}

export interface Authorship {
  readonly by: string;
  readonly commit?: string | undefined;
}

export type ChangeResult =
  | { readonly outcome: 'published'; readonly version: Version; readonly hints: readonly Problem[] }
  | { readonly outcome: 'rejected'; readonly version: Version; readonly errors: readonly Problem[] }
  | { readonly outcome: 'unchanged'; readonly version: Version };

export type PublishResult = ChangeResult & {
  /** The results for the contracts of this variant, by name; empty if it was rejected. */
  readonly contracts: Readonly<Record<string, ChangeResult>>;
};

/** The registry cannot do what was requested. The message says why, and how to fix it. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
}

const nameRule = /^[A-Za-z][\w-]{0,63}$/;

/** Whether a text can be the name of a variant, such as `prod`, or of a graph. */
export const isVariantName = (text: string): boolean => nameRule.test(text);

/** @throws {RegistryError} if the text is not of the form `shop@prod`. */
export function parseVariant(text: string): Variant {
  const [graph = '', variant = '', ...rest] = text.split('@');
  if (rest.length === 0 && nameRule.test(graph) && nameRule.test(variant)) return { graph, variant };
  throw new RegistryError(
    `A graph must be named with its variant, such as shop@prod, both of letters, digits, - and _, but got: ${text}`,
  );
}

export function checkSubgraphName(name: string): void {
  if (nameRule.test(name)) return;
  throw new RegistryError(
    `The name of a subgraph must begin with a letter and have only letters, digits, - and _, but got: ${name}`,
  );
}

/** Versions before the newest one are sorted by their number. */
export const versionPrefix = 'version-';

export const sortOfVersion = (number: number): string => `${versionPrefix}${String(number).padStart(9, '0')}`;

export type Change = [name: string, what: Version['changes'][string]];

/** The changes between two states, sorted by subgraph name. */
export function changesOf(before: Version['subgraphs'], after: Version['subgraphs']): Change[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name): Change[] => {
    if (after[name] === undefined) return [[name, 'removed']];
    if (before[name] === undefined) return [[name, 'added']];
    return isChanged(before[name], after[name]) ? [[name, 'changed']] : [];
  });
}

export const isChanged = (before: PublishedSubgraph, after: PublishedSubgraph | undefined): boolean =>
  before.schema !== after?.schema || before.routingUrl !== after.routingUrl;

/** The changes of a version, such as `changed reviews, added orders`. */
export function describeChanges({ kind, changes, refused, restores, contract, preview }: Version): string {
  if (kind === 'ended') return 'no contract any more';
  if (preview !== undefined) {
    const { own, from, version, expires } = preview;
    // A first version also adds the subgraphs of the other variant.
    const published = Object.keys(refused ?? {});
    const changed = published.length > 0 ? published : Object.keys(changes);
    const what = kind === 'rejected' ? changed : own;
    return `${what.join(', ') || 'nothing'} of its own over ${from} at version ${version}, expires ${expires}`;
  }
  const words = Object.entries(changes).map(([name, what]) => `${what} ${name}`);
  const done = words.join(', ') || (contract === undefined ? 'changed nothing' : 'changed its terms');
  if (contract !== undefined) return `${done}, as ${contract.of} at version ${contract.version}`;
  return restores === undefined ? done : `back to version ${restores} (${done})`;
}
