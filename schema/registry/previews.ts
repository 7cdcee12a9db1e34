import { type Plan, planPublish, type State } from './plan';
import {
  changesOf,
  isChanged,
  type Preview,
  type PublishedSubgraph,
  RegistryError,
  type SubgraphChange,
  type Version,
} from './version';

export interface PreviewOptions {
  /** The variant that it is made from, such as `shop@prod`. */
  readonly from: string;
  /** Milliseconds for which it stays, from now. */
  readonly lifetime: number;
}

/** What `current` holds where a preview has ended, until it is forgotten: see `Variants`. */
export interface EndedPreview {
  readonly kind: 'expired';
  /** The number of its last version. */
  readonly number: number;
  /** When it ended. ISO 8601. */
  readonly at: string;
  /** When it began. ISO 8601. */
  readonly since: string;
}

/** The end of a version of a preview: undefined if it has not expired, and does not end now. */
export function endOf({ preview, number }: Version, now: number, endsNow = false): EndedPreview | undefined {
  if (preview === undefined) return undefined;
  const { expires, since } = preview;
  const isExpired = Date.parse(expires) <= now;
  if (!isExpired && !endsNow) return undefined;
  return { kind: 'expired', number, at: isExpired ? expires : new Date(now).toISOString(), since };
}

/**
 * The plan that publishes subgraphs to a preview: those that were published to it before stay, all others become those
 * of the other variant.
 *
 * @param base the newest version of the other variant
 * @throws {RegistryError} if this variant is no preview, or the other one is a preview or a contract
 */
export function planPreview(
  { name, now }: { readonly name: string; readonly now: number },
  before: State,
  base: Version,
  changes: readonly SubgraphChange[],
  { from, lifetime }: PreviewOptions,
): Plan {
  checkKinds(name, before, base, from);
  const number = before.number + 1;
  const own = before.preview?.own ?? [];
  const others = Object.entries(base.subgraphs).filter(([subgraph]) => !own.includes(subgraph));
  const kept = Object.entries(before.subgraphs).filter(([subgraph]) => own.includes(subgraph));
  const since = (subgraph: string, published: PublishedSubgraph): PublishedSubgraph => {
    const known = before.subgraphs[subgraph];
    return known === undefined || isChanged(known, published) ? { ...published, since: number } : known;
  };
  const subgraphs = Object.fromEntries([
    ...others.map(([subgraph, published]) => [subgraph, since(subgraph, published)] as const),
    ...kept,
  ]);
  // Later than one that has ended, whose texts may be deleted at this moment.
  const begin = Math.max(now, Date.parse(before.ended?.at ?? '') + 1 || 0);
  return {
    ...planPublish(name, { subgraphs, number: before.number }, changes),
    preview: {
      ...{ from, version: base.number, own: union(own, namesOf(changes)) },
      since: before.preview?.since ?? new Date(begin).toISOString(),
      expires: new Date(now + lifetime).toISOString(),
    },
  };
}

function checkKinds(name: string, before: State, base: Version, from: string): void {
  const isPublished = before.number > 0 && before.ended === undefined;
  if (isPublished && before.preview === undefined && before.contract === undefined) {
    throw new RegistryError(
      `${name} was published without --from, so it is no preview: name another variant, such as ${name.split('@')[0]}@pr-7.`,
    );
  }
  if (base.contract !== undefined || base.preview !== undefined) {
    const kind = base.contract === undefined ? 'preview' : 'contract';
    throw new RegistryError(
      `${from} is a ${kind} itself, made from ${base.contract?.of ?? base.preview?.from}: name that one with --from.`,
    );
  }
}

/** Keeps the terms of a preview at a change that is not made from the other variant, such as a rollback. */
export function keepPreview(planned: Plan, { preview, subgraphs }: State): Plan {
  if (planned.preview !== undefined || preview === undefined) return planned;
  const changed = changesOf(subgraphs, planned.subgraphs).map(([name]) => name);
  return { ...planned, preview: { ...preview, own: union(preview.own, changed) } };
}

/** What was refused does not become part of a preview. It is in use, so it expires later all the same. */
export const previewOfRejected = ({ preview: before }: State, { preview }: Plan): Preview | undefined =>
  preview && { ...preview, own: [], ...before, expires: preview.expires };

const namesOf = (changes: readonly SubgraphChange[]): string[] => changes.map(({ name }) => name);

const union = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])].sort();
