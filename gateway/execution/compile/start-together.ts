/**
 * Decides when fetches start, so that fetches of one subgraph share a request where that delays no other fetch.
 *
 * A fetch that no other waits for may be delayed until another fetch of the subgraph starts, as the response needs both
 * answers. It is delayed for a fetch at the same path, and for a fetch whose dependencies the plan puts before it
 * anyway. A fetch that others wait for starts as early as it can, or with one that all of these wait for, too.
 */

export interface WaitingFetch {
  readonly subgraph: string;
  /** Only fetches of one kind can share a request; mutations never do. */
  readonly kind: 'mutation' | 'root' | 'entities';
  /** The path of the objects that it fetches or extends. */
  readonly path: string;
  /** The indexes of the fetches in earlier steps of the plan; all are lower than its own. */
  readonly before: readonly number[];
  /** The indexes among `before` of the fetches that it needs. */
  readonly waitsFor: readonly number[];
}

/** For each fetch, the indexes that it waits for, without those that one of them already waits for. */
export function startTogether(fetches: readonly WaitingFetch[]): number[][] {
  const needs: Fetches[] = [];
  for (const { waitsFor } of fetches)
    needs.push(waitsFor.reduce((set, i) => set | only(i) | needs[i]!, nothing));
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

/** Fetches that start at the same time and can share a request. */
interface StartGroup {
  readonly subgraph: string;
  readonly kind: WaitingFetch['kind'];
  /** The fetches that must have ended before it starts. */
  needs: Fetches;
  readonly members: GroupedFetch[];
}

interface GroupedFetch {
  readonly index: number;
  readonly path: string;
  /** The fetches in earlier steps of the plan. */
  readonly before: Fetches;
  /** For each fetch that waits for it, what that one needs. */
  readonly waiters: readonly Fetches[];
}

function groupByNeeds(fetches: readonly WaitingFetch[], needs: readonly Fetches[]): StartGroup[] {
  const waiters = fetches.map((): Fetches[] => []);
  for (const [index, { waitsFor }] of fetches.entries())
    for (const needed of waitsFor) waiters[needed]!.push(needs[index]!);
  const groups: StartGroup[] = [];
  for (const [index, { subgraph, kind, path, before }] of fetches.entries()) {
    const group: StartGroup = { subgraph, kind, needs: needs[index]!, members: [] };
    const same = groups.find((one) => areCompatible(one, group) && one.needs === group.needs);
    if (same === undefined) groups.push(group);
    (same ?? group).members.push({ index, path, before: setOf(before), waiters: waiters[index]! });
  }
  return groups;
}

function mayWait({ waiters, path, before }: GroupedFetch, group: StartGroup): boolean {
  const { members } = group;
  if (waiters.length > 0)
    return waiters.every((needs) => members.some(({ index }) => isWithin(only(index), needs)));
  return isWithin(group.needs, before) || members.some((member) => member.path === path);
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
