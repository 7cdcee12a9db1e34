/**
 * When fetches start, so that what is for one subgraph goes into one request where that costs nobody anything.
 *
 * A fetch that nothing waits for may itself wait, until another starts whose answer the response needs too. It does so
 * for one that is about the same objects, which will be asked for if they are, and for one that the plan has it wait
 * for anyway. Fetches that others wait for always start as early as they can.
 */

export interface WaitingFetch {
  readonly subgraph: string;
  /** Only what is of one kind can go into one request, and never a mutation. */
  readonly kind: 'mutation' | 'root' | 'entities';
  /** Where the objects stand that it is about. */
  readonly path: string;
  /** The indexes of the fetches in the steps of the plan before it, all of them lower. */
  readonly before: readonly number[];
  /** Those of them that it has to wait for. */
  readonly waitsFor: readonly number[];
}

/** The indexes that each fetch is to wait for, without those that are waited for by others of them. */
export function startTogether(fetches: readonly WaitingFetch[]): number[][] {
  const needs: Fetches[] = [];
  for (const { waitsFor } of fetches) {
    needs.push(waitsFor.reduce((set, i) => set | only(i) | needs[i]!, nothing));
  }
  const groups = new Set(groupByNeeds(fetches, needs));
  for (const group of groups) {
    const others = [...groups].filter((other) => other !== group && areCompatible(group, other));
    const later = group.members.map((member) =>
      others.find((other) => isWithin(group.needs, other.needs) && mayWait(member, other)),
    );
    const equal = others.find((other) => mayWaitForEachOther(group, other));
    if (later.every((other) => other !== undefined)) {
      later.forEach((other, i) => other.members.push(group.members[i]!));
    } else if (equal !== undefined) {
      equal.needs |= group.needs;
      equal.members.push(...group.members);
    } else continue;
    groups.delete(group);
  }

  const waitsFor: number[][] = [];
  for (const group of groups) {
    const implied = indexesIn(group.needs).reduce((set, i) => set | needs[i]!, nothing);
    for (const { index } of group.members) waitsFor[index] = indexesIn(group.needs & ~implied);
  }
  return waitsFor;
}

/** What starts at the same time and can go into one request. */
interface StartGroup {
  readonly subgraph: string;
  readonly kind: WaitingFetch['kind'];
  /** What has to have ended before. */
  needs: Fetches;
  readonly members: Member[];
}

interface Member {
  readonly index: number;
  readonly path: string;
  /** What the plan has it wait for. */
  readonly before: Fetches;
  /** Whether nothing waits for it. */
  readonly isLast: boolean;
}

function groupByNeeds(fetches: readonly WaitingFetch[], needs: readonly Fetches[]): StartGroup[] {
  const awaited = new Set(fetches.flatMap(({ waitsFor }) => waitsFor));
  const groups: StartGroup[] = [];
  for (const [index, { subgraph, kind, path, before }] of fetches.entries()) {
    const group: StartGroup = { subgraph, kind, needs: needs[index]!, members: [] };
    const same = groups.find((one) => areCompatible(one, group) && one.needs === group.needs);
    if (same === undefined) groups.push(group);
    (same ?? group).members.push({ index, path, before: setOf(before), isLast: !awaited.has(index) });
  }
  return groups;
}

function mayWait({ isLast, path, before }: Member, group: StartGroup): boolean {
  return isLast && (isWithin(group.needs, before) || group.members.some((member) => member.path === path));
}

const mayWaitForEachOther = (one: StartGroup, other: StartGroup): boolean =>
  one.members.every((member) => mayWait(member, other)) &&
  other.members.every((member) => mayWait(member, one));

const areCompatible = (one: StartGroup, other: StartGroup): boolean =>
  one.kind !== 'mutation' && one.kind === other.kind && one.subgraph === other.subgraph;

/** Fetches by index, as bits. */
type Fetches = bigint;

const nothing = 0n;
const only = (i: number): Fetches => 1n << BigInt(i);
const setOf = (indexes: readonly number[]): Fetches => indexes.reduce((set, i) => set | only(i), nothing);
const isWithin = (some: Fetches, all: Fetches): boolean => (some & ~all) === nothing;

function indexesIn(set: Fetches): number[] {
  const indexes: number[] = [];
  for (let i = 0, left = set; left !== nothing; i++, left >>= 1n) if ((left & 1n) === 1n) indexes.push(i);
  return indexes;
}
