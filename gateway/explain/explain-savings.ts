import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import { isStorable, type Policy, strictest } from '../cache/policy';
import { describeOperation } from '../cache/responses/cached-operation';
import type { OutlinedCall } from './outline-calls';
import { readLifetimes } from '../cache/configured-lifetimes';
import type { Options } from '../options';

export interface Savings {
  /** In the order of the calls: which are shared with other requests, and how long answers are cached. */
  readonly subgraphs: readonly {
    readonly name: string;
    readonly shared: string;
    readonly kept: string;
  }[];
  /** How long the whole answer is cached. */
  readonly answer: string;
}

export interface ExplainSavingsOptions {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly schema: GraphQLSchema;
  readonly calls: readonly OutlinedCall[];
  readonly options: Options;
}

/** Which subgraph calls of an operation the options let the gateway share or answer from a cache. */
export function explainSavings(given: ExplainSavingsOptions): Savings {
  const { options, calls } = given;
  const names = [...new Set(calls.map(({ subgraph }) => subgraph))];
  return {
    subgraphs: names.map((name) => {
      const kinds = new Set(calls.filter(({ subgraph }) => subgraph === name).map(({ kind }) => kind));
      return { name, shared: shared(name, kinds, options), kept: kept(name, kinds, options) };
    }),
    answer: answer(names, given),
  };
}

type Kinds = ReadonlySet<OutlinedCall['kind']>;

function shared(name: string, kinds: Kinds, { calls, subgraphs }: Options): string {
  const { identity = 'forwarded', arrayBatching = false } = subgraphs[name] ?? {};
  if (kinds.has('mutation')) return 'nothing: mutations are sent one by one';
  if (kinds.has('subscription') && kinds.size === 1) return 'its subscription: see below';
  const ways = [
    ...(calls.batch && kinds.has('entities') ? ['entity fetches of the same fields go in one call'] : []),
    ...(calls.dedupe ? ['identical in-flight queries share one call'] : []),
    ...(arrayBatching ? ['calls of one turn of the event loop go in one array'] : []),
  ];
  if (ways.length === 0) return 'nothing (`calls`)';
  const clients = identity === 'independent' ? 'all clients' : 'clients with the same forwarded headers';
  return `between ${clients}: ${ways.join('; ')}`;
}

function kept(name: string, kinds: Kinds, { cache, subgraphs }: Options): string {
  if (kinds.has('mutation')) return 'nothing: mutations are not cached';
  if (kinds.has('subscription') && kinds.size === 1) return 'nothing: events are not cached';
  const { all, types } = readLifetimes(subgraphs[name]?.cache);
  const option = `\`subgraphs.${name}.cache\``;
  const usual = all === undefined ? 'for as long as its `Cache-Control` says' : `${inWords(all)} (${option})`;
  const exceptions = [...types].map(([type, policy]) => `${type} ${inWords(policy)} (${option})`);
  const alone = kinds.has('entities') && cache.entities.enabled ? '; each entity separately' : '';
  return [usual, ...exceptions].join(', ') + alone;
}

function answer(
  names: readonly string[],
  { document, operation, schema, options }: ExplainSavingsOptions,
): string {
  const { responses, mutations } = options.cache;
  if (operation.operation === OperationTypeNode.MUTATION) {
    const fields = operation.selectionSet.selections.flatMap((each) =>
      each.kind === Kind.FIELD && Object.hasOwn(mutations.drop, each.name.value) ? [each.name.value] : [],
    );
    const dropped = [
      ...(mutations.dropReturned ? ['the entities that it returns'] : []),
      ...fields.map((field) => `what \`cache.mutations.drop.${field}\` names`),
    ];
    return dropped.length === 0
      ? 'not cached'
      : `not cached; it invalidates ${dropped.join(' and ')} in all caches`;
  }
  if (operation.operation === OperationTypeNode.SUBSCRIPTION)
    return 'not cached: each event has an answer of its own';
  if (names.length === 0) return 'not cached: it needs no subgraph';
  const facts = { document, operation, schema, supergraph: '', origins: '', documentHash: '', constants: '' };
  const cached = responses.enabled ? describeOperation(facts, responses) : undefined;
  if (cached === undefined) return 'not cached (`cache.responses.enabled`)';
  const declared = names.map((name) => readLifetimes(options.subgraphs[name]?.cache).all);
  const known = declared.filter((policy) => policy !== undefined);
  const policy = cached.restrict(known.length === 0 ? unlimited : known.reduce(strictest));
  const name = operation.name?.value ?? '';
  const isOverridden =
    Object.hasOwn(responses.operations, name) && responses.operations[name]!.maxAge !== undefined;
  if (policy.maxAge === Infinity) {
    const forWhom = policy.scope === 'private' ? ', private' : '';
    return `for as long as the strictest \`Cache-Control\` of its calls says${forWhom}; not if one has none`;
  }
  if (!isStorable(policy)) return 'not cached';
  const isSure = isOverridden || known.length === declared.length;
  return isSure ? inWords(policy) : `at most ${inWords(policy)}; shorter where a \`Cache-Control\` says so`;
}

const unlimited: Policy = {
  scope: 'public',
  maxAge: Infinity,
  staleWhileRevalidate: Infinity,
  staleIfError: Infinity,
};

function inWords({ scope, maxAge, staleWhileRevalidate, staleIfError }: Policy): string {
  const stale = [
    ...(staleWhileRevalidate > 0 ? [`${staleWhileRevalidate} s stale while it is refreshed`] : []),
    ...(staleIfError > 0 ? [`${staleIfError} s stale while a subgraph fails`] : []),
  ];
  return [`${maxAge} s`, scope, ...stale].join(', ');
}
