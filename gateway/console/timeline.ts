import { failures, type TransportFailure } from '../subgraph-calls/contract/transport';
import { Span } from '../telemetry/traces/span';
import type { TimelineStep } from './api';
import { isEvent, rounded } from './summary';

/** What was done for a recorded request: each step, and below it its parts, in the order in which they began. */
export function timelineOf(first: Span): TimelineStep[] {
  const { spans } = first.trace;
  const below = new Map<Span, Span[]>();
  const known = new Set([first, ...spans]);
  for (const span of spans) {
    if (span === first) continue;
    // The parent of a span may have ended too late to be recorded.
    const parent = span.parent instanceof Span && known.has(span.parent) ? span.parent : first;
    const others = below.get(parent);
    if (others === undefined) below.set(parent, [span]);
    else others.push(span);
  }
  const steps: TimelineStep[] = [];
  const add = (span: Span, parent: Span | undefined): void => {
    const parts = (below.get(span) ?? []).sort((one, other) => one.start - other.start);
    steps.push(stepOf(span, first, parent, parts));
    for (const part of parts) add(part, span);
  };
  add(first, undefined);
  return steps;
}

function stepOf(span: Span, first: Span, parent: Span | undefined, parts: readonly Span[]): TimelineStep {
  const { attributes } = span;
  const facts = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === 'object' ? value.join(', ') : value,
    ]),
  );
  const [failed, subgraph] = [attributes['error.type'], attributes['weir.subgraph.name']];
  const kind = kindOf(span);
  return {
    id: span.id,
    ...(parent !== undefined && { parent: parent.id }),
    name: span.name,
    kind,
    start: rounded(span.start - first.start),
    ms: rounded(span.milliseconds),
    ...(failed !== undefined && { failed: String(failed) }),
    ...(subgraph !== undefined && { subgraph: String(subgraph) }),
    sentences: sentences(kind, facts, span, parts),
    facts,
  };
}

function kindOf(span: Span): TimelineStep['kind'] {
  if (isEvent(span)) return 'event';
  if (span.kind === 'server') return 'request';
  if (span.kind === 'client') return 'call';
  return span.name.startsWith('fetch ') ? 'fetch' : (kinds[span.name] ?? 'other');
}

const kinds: Readonly<Record<string, TimelineStep['kind']>> = {
  'weir.authenticate': 'authenticate',
  'graphql.parse': 'parse',
  'graphql.validate': 'validate',
  'weir.authorize': 'authorize',
  'weir.cache.lookup': 'lookup',
  'weir.shared_execution': 'shared',
  'graphql.plan': 'plan',
  'graphql.execute': 'execute',
};

type StepFacts = TimelineStep['facts'];

function sentences(
  kind: TimelineStep['kind'],
  facts: StepFacts,
  span: Span,
  parts: readonly Span[],
): string[] {
  const failed = facts['error.type'];
  return [
    ...sentencesByKind[kind](facts, span, parts),
    ...(failed === undefined ? [] : [whyFailed(String(failed))]),
  ];
}

const sentencesByKind: Readonly<
  Record<TimelineStep['kind'], (facts: StepFacts, span: Span, parts: readonly Span[]) => readonly string[]>
> = {
  request: (facts, span) => [
    ...(facts['weir.cache.result'] === 'HIT' || facts['weir.cache.result'] === 'STALE'
      ? [`Answered from the cache${aged(facts)}.`]
      : []),
    ...(facts['weir.operations'] === undefined
      ? []
      : [`A batch of ${facts['weir.operations']} operations: the last one is shown.`]),
    ...(facts['weir.shared_with'] === undefined
      ? []
      : [`${countOf(Number(facts['weir.shared_with']), 'other request')} got the answer of its execution.`]),
    ...(span.trace.notes?.isLate === true
      ? ['It is not of the sample, so its steps were not recorded.']
      : []),
  ],
  authenticate: () => ['Waited for an authoriser, or for the keys of an issuer.'],
  parse: () => ['Parsed the operation, which the gateway did not know yet.'],
  validate: () => ['Checked the operation, which the gateway did not know yet.'],
  authorize: () => ['Waited for the decision of a policy.'],
  lookup: (facts) =>
    facts['weir.cache.kind'] === 'entity' ? lookedForEntities(facts) : [lookedForAnswer(facts)],
  shared: (facts) => [
    `Waited for the execution of an equal query in flight, which ${countOf(Number(facts['weir.shared_with'] ?? 1), 'other request')} shared.`,
  ],
  plan: (facts) => [
    facts['weir.plan.result'] === 'waited'
      ? 'Waited for another request that planned the same.'
      : 'Planned it, as no plan of it was kept.',
  ],
  execute: (facts) =>
    facts['weir.errors'] === undefined
      ? []
      : [`${countOf(Number(facts['weir.errors']), 'error')} in its answer.`],
  fetch: (facts, span, parts) => [
    ...(facts['weir.entities'] === undefined
      ? []
      : [`Asks for ${countOf(Number(facts['weir.entities']), 'entity', 'entities')}.`]),
    ...(facts['weir.waited_ms'] === undefined
      ? []
      : [`Waited ${facts['weir.waited_ms']} ms until its call was sent.`]),
    ...sharing(facts, 'fetch', 'fetches'),
    ...(span.resends > 0 ? [`Retried ${countOf(span.resends, 'time')}.`] : []),
    ...(facts['weir.waited_ms'] === undefined && facts['error.type'] === undefined && parts.every(isNoCall)
      ? [
          `Needed no call: ${parts.some(hasMissed) ? 'its entities are made of their keys' : 'a cache had everything'}.`,
        ]
      : []),
  ],
  call: (facts) => [
    ...(facts['weir.breaker.state'] === 'half_open'
      ? ['Probed whether the subgraph is back: its circuit breaker was open.']
      : []),
    ...(facts['http.request.resend_count'] === undefined
      ? []
      : [`Sent again: attempt ${Number(facts['http.request.resend_count']) + 1}.`]),
    ...(Number(facts['http.response.status_code']) >= 400 && facts['error.type'] === undefined
      ? ['What it requested does not exist.']
      : []),
    ...sharing(facts, 'fetch', 'fetches'),
  ],
  event: () => ['The answer to one event of a subscription.'],
  other: () => [],
};

const isNoCall = ({ kind }: Span): boolean => kind !== 'client';

/** Whether a cache was searched for entities that it did not have. */
const hasMissed = ({ attributes }: Span): boolean => Number(attributes['weir.cache.misses'] ?? 0) > 0;

function sharing(facts: StepFacts, one: string, many: string): string[] {
  const count = facts['weir.shared_with'];
  if (count === undefined) return [];
  const others = countOf(Number(count), `other ${one}`, `other ${many}`);
  return [facts['weir.batched'] === true ? `Joined with ${others} into one call.` : `Shared with ${others}.`];
}

function lookedForAnswer(facts: StepFacts): string {
  const where = facts['weir.cache.tier'] === 'memory' ? 'in memory' : 'in the store';
  switch (facts['weir.cache.result']) {
    case 'fresh':
      return `Found its answer ${where}${aged(facts)}.`;
    case 'stale':
      return `Found its answer ${where}${aged(facts)}, stale: it is refreshed in the background.`;
    case 'spare':
      return `Found its answer ${where}${aged(facts)}, stale: it is the answer if a subgraph fails.`;
    case 'unavailable':
      return 'The store of the cache did not answer.';
    default:
      return 'Found no answer of it.';
  }
}

function lookedForEntities(facts: StepFacts): string[] {
  if (facts['weir.cache.result'] === 'unavailable') return ['The store of the cache did not answer.'];
  const [hits, stale, misses] = ['hits', 'stale', 'misses'].map((name) =>
    Number(facts[`weir.cache.${name}`] ?? 0),
  ) as [number, number, number];
  const found = `Found ${hits + stale} of ${countOf(hits + stale + misses, 'entity', 'entities')}${aged(facts)}.`;
  return [found, ...(stale === 0 ? [] : [`${stale} of them stale.`])];
}

const aged = (facts: StepFacts): string =>
  facts['weir.cache.age'] === undefined ? '' : `, ${facts['weir.cache.age']} s old`;

/** Why a step has failed, from its `error.type`. */
function whyFailed(type: string): string {
  if (type === 'client_gone') return 'The client left before the answer.';
  if (Object.hasOwn(failures, type)) return `The subgraph ${failures[type as TransportFailure].message}.`;
  return `Failed: ${type}.`;
}

const countOf = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
