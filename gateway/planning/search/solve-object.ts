/** One object position: which subgraphs are entered, and which of them, or of the sources, answers which field. */
import { remembered } from '../maps';
import { type Selection, type SelectionItem } from '../selections';
import { type CallBits } from './calls';
import { Assignment, type OrderedItem, type Work } from './assignment';
import { type Hub, type Option } from './hub';
import { type ItemPlan, leavesLeft, type ObjectItem, type ObjectPlan } from './plans';
import { Visits } from './visits';

export function solveObject(hub: Hub, items: readonly ObjectItem[]): ObjectPlan {
  const needed = neededContexts(hub, items);
  const { work, left } = waysTo(hub, items);
  const assignment = new Assignment(hub, work);
  // The fields of mutations run in their order.
  const chosen = assignment.choose().toSorted((one, other) => one.at - other.at);
  const visits = new Visits(hub, assignment, chosen);
  visits.join();
  visits.supply();
  for (const [selection, before] of needed) visits.supplyContext(selection, before);
  return totalOf(hub, visits, left);
}

/** What of these objects arguments of fields below them need, and before which stage. Sets when it is known. */
function neededContexts(hub: Hub, items: readonly ObjectItem[]): ReadonlyMap<Selection, number> {
  const { search, type } = hub;
  const needed = new Map<Selection, number>();
  if (type.contexts.length === 0) return needed;
  const ready = new Map<string, number>();
  for (const item of items) {
    if (item.selection === undefined) continue;
    for (const { context, selection } of search.flattening.contextArgumentsIn(item.selection)) {
      if (!type.contexts.includes(context)) continue;
      const known = hub.knownAfter(selection);
      if (known === Infinity) continue;
      needed.set(selection, known + 1);
      ready.set(context, Math.max(known + 1, ready.get(context) ?? 0));
    }
  }
  if (needed.size > 0) hub.setContexts(new Map([...hub.contexts, ...ready]));
  return needed;
}

/**
 * The ways to each field. A field that nobody answers whole is taken from the one that leaves least; what this leaves is
 * looked for again, and what stays is left to an object around this one.
 */
function waysTo(hub: Hub, items: readonly ObjectItem[]): { work: Work; left: SelectionItem[] } {
  const work = new Map<readonly Option[], OrderedItem[]>();
  const left: SelectionItem[] = [];
  const queue = items.map((item) => ({ item, tried: none }));
  for (const [at, { item, tried }] of queue.entries()) {
    const all = hub.optionsFor(item);
    const options = tried.size === 0 ? all : all.filter(({ id }) => !tried.has(id));
    if (options.length === 0) {
      left.push(...(item.kind === 'bundle' ? item.selection : [item]));
      continue;
    }
    const isWhole = ({ plan }: Option): boolean => plan.left === undefined;
    const whole = options.every(isWhole) ? options : options.filter(isWhole);
    if (whole.length > 0) {
      remembered(work, whole, () => []).push({ item, at });
      continue;
    }
    const [best] = options.toSorted(
      (one, other) => leavesLeft(one.plan) - leavesLeft(other.plan) || one.end - other.end,
    ) as [Option];
    work.set([best], [{ item, at }]);
    if (item.kind === 'bundle') left.push(...best.plan.left!);
    else
      queue.push({
        item: hub.search.flattening.withSelection(item, best.plan.left!),
        tried: new Set([...tried, best.id]),
      });
  }
  return { work, left };
}

const none: ReadonlySet<string> = new Set();

function totalOf(hub: Hub, visits: Visits, left: readonly SelectionItem[]): ObjectPlan {
  const { search, type, sources } = hub;
  const [first] = sources.list;
  const calls: CallBits = [];
  let size = 0;
  let count = 0;
  let depth = hub.isRoot ? 0 : first!.stage;
  const add = ({ plan }: ItemPlan, stage: number): void => {
    size += plan.size;
    count += plan.visits;
    depth = Math.max(depth, stage + plan.depth);
    search.callSets.addAll(calls, plan.calls, stage);
  };
  for (const answer of visits.local) add(answer, 0);
  const entered = visits.inOrder();
  for (const { subgraph, stage, answers } of entered) {
    size += 2;
    count++;
    depth = Math.max(depth, stage);
    search.callSets.add(calls, stage - 1, subgraph);
    for (const answer of answers) add(answer, stage);
  }
  const uses = [...visits.used];
  if (uses.length === 0 && first !== undefined) uses.push((sources.typing ?? first).subgraph);
  const { local } = visits;
  const rest = left.length === 0 ? undefined : left;
  return { kind: 'object', type, local, entered, depth, calls, visits: count, size, uses, left: rest };
}
