/** Advice on calls and caches. Each sentence comes from facts of the plan and from counts. */
import type { CountedCache, CountedCalls, FetchTotals, PlannedCall } from './api';

/** Advice on the calls of an operation to one subgraph; empty where nothing is to be gained. */
export function adviseOnPair(operation: CountedCalls, subgraph: string, fetches: FetchTotals): string[] {
  if (operation.executions < fewestExecutions || operation.type === '') return [];
  return [
    ...adviseOnSeveralCalls(operation, subgraph, fetches),
    ...adviseOnLifetime(operation, subgraph, fetches),
  ];
}

/** An operation that calls a subgraph more than once per request, though its plan could have fewer steps. */
function adviseOnSeveralCalls(
  { name, type, executions, plan }: CountedCalls,
  subgraph: string,
  { sent }: FetchTotals,
): string[] {
  const perRequest = sent / executions;
  if (perRequest < leastCalls || type === 'mutation') return [];
  const own = plan.flatMap((call, at) => (call.subgraph === subgraph ? [at] : []));
  if (own.length < 2) return [];
  const often = `${perRequest.toFixed(1)} times per request`;
  const needed = allNeeded(plan);
  const later = own.find((at) => own.some((other) => needed[at]!.has(other)));
  if (later !== undefined) {
    const earlier = own.findLast((at) => needed[later]!.has(at))!;
    const onTheWay = plan.filter((_, at) => needed[later]!.has(at) && needed[at]!.has(earlier));
    const between = [...new Set(onTheWay.map((call) => call.subgraph))];
    const way = between.length === 0 ? '' : `, by way of ${inWords(between)}`;
    const remedy =
      between.length === 0
        ? `Let ${subgraph} answer both in one call`
        : `Let ${subgraph} answer both in one call: with a field of its own for what ${inWords(between)} adds (\`@shareable\`), or with the key that the second call needs`;
    return [
      `Calls of \`${name}\` to ${subgraph} are serial, ${often}: each waits for the one before (${positionOf(plan[later]!)} needs ${positionOf(plan[earlier]!)}${way}). ${remedy}.`,
    ];
  }
  const positions = own.map((at) => `${positionOf(plan[at]!)}${afterOf(plan[at]!, plan)}`);
  return [
    `\`${name}\` calls ${subgraph} ${often}: for ${inWords(positions)}. Join them into one call by giving the keys of all in the same step, such as with \`@provides\` or a field for the key in the service that is called first.`,
  ];
}

/** Answers that everybody may see, and that no cache keeps, as they have no lifetime. */
function adviseOnLifetime(
  { name, type, isOpen }: CountedCalls,
  subgraph: string,
  { sent, answers, storable, cached }: FetchTotals,
): string[] {
  const isUncached = storable === 0 && cached === 0;
  if (type !== 'query' || !isOpen || !isUncached || answers < fewestAnswers || sent < fewestAnswers)
    return [];
  return [
    `Calls of \`${name}\` to ${subgraph} could be cached: its fields are public (no \`@authenticated\` or the like is on them) and have no \`@cacheControl\`, or no other \`Cache-Control\` with a lifetime. If they are the same for all clients, give them one in ${subgraph}, or by the option \`subgraphs.${subgraph}.cache\`.`,
  ];
}

/** Advice on lifetimes: too long for what changes often, or too short for what never changes. */
export function adviseOnCaches(caches: readonly CountedCache[]): string[] {
  return caches.flatMap((cache) => {
    const { refreshed, changed, misses } = cache;
    if (refreshed < fewestRefreshes) return [];
    const what =
      cache.subgraph === undefined ? 'Cached answers' : `Entities \`${cache.type}\` of ${cache.subgraph}`;
    const share = changed / refreshed;
    const served = servedOf(cache);
    if (share >= muchChanged && served > 0)
      return [
        `${what} had changed in ${percent(share)} of ${refreshed} refreshes: some clients got old data. Shorten their \`max-age\`, or drop them when they change, by events or tags (docs/entity-cache.md).`,
      ];
    const missed = misses / (misses + served);
    if (share <= littleChanged && missed >= manyMisses)
      return [
        `${what} had changed in ${changed === 0 ? 'none' : percent(share)} of ${refreshed} refreshes, and ${percent(missed)} of look-ups found nothing: a longer \`max-age\` would save calls.`,
      ];
    return [];
  });
}

/** How often something was served. */
export const servedOf = ({ ages }: CountedCache): number =>
  Object.values(ages)
    .flatMap(({ counts }) => counts)
    .reduce((sum, count) => sum + count, 0);

/** For each call of a plan: those whose answers it needs, perhaps by way of others. All of these stand before it. */
function allNeeded(plan: readonly PlannedCall[]): ReadonlySet<number>[] {
  const all: Set<number>[] = [];
  for (const { needs } of plan) all.push(new Set(needs.flatMap((at) => [at, ...(all[at] ?? [])])));
  return all;
}

/** What a call asks for, and where in the response. */
function positionOf({ fetches }: PlannedCall): string {
  return fetches
    .map(({ asks, path }) => `\`${asks.join(', ')}\`${path === '' ? '' : ` at ${path}`}`)
    .join(' and ');
}

/** Which services a call waits for. */
function afterOf({ needs: needed }: PlannedCall, plan: readonly PlannedCall[]): string {
  const services = [...new Set(needed.flatMap((at) => plan[at]?.subgraph ?? []))];
  return services.length === 0 ? '' : ` after ${inWords(services)}`;
}

const inWords = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`;

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Below these, counts say too little. */
const fewestExecutions = 20;
const fewestAnswers = 20;
const fewestRefreshes = 20;
/** Calls per request from which they are worth joining. */
const leastCalls = 1.5;
/** Shares of refreshes. */
const muchChanged = 0.5;
const littleChanged = 0.02;
/** The share of look-ups. */
const manyMisses = 0.1;
