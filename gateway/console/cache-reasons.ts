import { Kind, type OperationDefinitionNode, parse, type SelectionNode, visit } from 'graphql';
import { isStorable, type Policy } from '../cache/policy';
import type { TagWithoutValues } from '../cache/shown-tags';
import { operationTag } from '../cache/tags';
import type { Options } from '../options';
import type { Span } from '../telemetry/traces/span';
import type { ExplainedRequest } from './api';
import { summaryOf, valueOf } from './summary';

type ResponseOptions = Options['cache']['responses'];

/** What was found in the cache of responses, or why the answer was not cached, in sentences. Empty where there is no cache. */
export function cacheReasons(first: Span, options: ResponseOptions): string[] {
  const { operation, cache, codes } = summaryOf(first);
  const { spans, notes } = first.trace;
  if (operation === undefined || !options.enabled) return [];
  if (operation.type === 'mutation') return ['Mutations are not cached.'];
  if (operation.type === 'subscription') return ['Answers to events are not cached.'];
  const lookup = spans.find(
    ({ name, own }) => name === 'weir.cache.lookup' && valueOf(own, 'weir.cache.kind') === 'response',
  );
  if (notes?.cached !== undefined) {
    const { policy } = notes.cached;
    const found: Readonly<Record<string, string>> = {
      HIT:
        lookup === undefined
          ? 'The same bytes were answered before: the answer came from memory, and nothing was executed.'
          : 'The answer was in the cache.',
      STALE:
        'The answer was in the cache, but stale: a newer one is fetched in the background, or could not be.',
      MISS: 'The answer was not in the cache. It is now.',
    };
    return [...(found[cache ?? ''] === undefined ? [] : [found[cache ?? '']!]), forWhom(policy)];
  }
  const reasons = [
    ...(codes.length > 0 ? [`An answer with errors is not cached: ${codes.join(', ')}.`] : []),
    ...spans.flatMap((span) => whyNot(span)),
    ...byOptions(operation.name, options),
    ...(lookup !== undefined && valueOf(lookup.own, 'weir.cache.result') === 'unavailable'
      ? ['The store of the cache did not answer, so nothing could be stored.']
      : []),
  ];
  if (reasons.length > 0) return [...new Set(reasons)];
  if (spans.some(({ name }) => name === 'weir.shared_execution'))
    return ['It got the answer of an equal query in flight, whose answer was not cached.'];
  if (!spans.some(({ name }) => name.startsWith('fetch ')))
    return ['It needed no subgraph, and such an answer is not cached.'];
  if (lookup === undefined && hasDefer(notes?.document))
    return ['An answer in parts (@defer) is not cached. Its entities are.'];
  return [
    'Nothing forbids to cache it, but it was not looked up before: the client did not want it (Cache-Control), or the answer before it could not be cached.',
  ];
}

/**
 * What drops its answer from the cache; undefined if it is not cached.
 *
 * @param shown a tag as it is shown. The others are counted
 */
export function droppedBy(first: Span, shown: TagWithoutValues): ExplainedRequest['dropped'] {
  const { cached } = first.trace.notes ?? {};
  if (cached === undefined) return undefined;
  const { maxAge, staleWhileRevalidate, staleIfError } = cached.policy;
  const longest = Math.max(staleWhileRevalidate, staleIfError);
  const own = ownOperationTag(cached.tags);
  const tags = cached.tags.filter((tag) => tag === own || shown(tag) === tag);
  return {
    ...{ tags, hiddenTags: cached.tags.length - tags.length },
    by: [
      `Its age: it is fresh for ${maxAge} s${longest > 0 ? `, and may be served stale for ${longest} s more` : ''}.`,
      'An invalidation of one of its tags: by POST /cache/invalidate, a mutation, a subgraph or an event.',
    ],
  };
}

/** The tag of a cached answer that has the name of its operation: subgraphs may give it others that look the same. */
export const ownOperationTag = ([first]: readonly string[]): string | undefined =>
  first?.startsWith(operationTag('')) ? first : undefined;

const forWhom = ({ scope, maxAge }: Policy): string =>
  scope === 'public'
    ? `It is public: everybody who sends the same operation may have it, for ${maxAge} s.`
    : `It is private: only callers with the same identity and the same forwarded headers may have it, for ${maxAge} s.`;

function whyNot({ own, document, shared }: Span): string[] {
  const reason = valueOf(own, 'weir.cache.refused');
  if (typeof reason !== 'string') return [];
  const fields = document === undefined ? '' : ` for ${fieldsOf(document)}`;
  return [
    `The subgraph "${String(shared['weir.subgraph.name'])}" answered its call${fields} ${refusals[reason] ?? reason}.`,
  ];
}

const refusals: Readonly<Record<string, string>> = {
  unsaid: 'without a `Cache-Control` header, and `subgraphs.NAME.cache` sets no lifetime',
  'no-store': 'with `Cache-Control: no-store`',
  'no-cache': 'with `Cache-Control: no-cache`',
  'max-age': 'with a `Cache-Control` that gives it no lifetime (`max-age`)',
  age: 'with an `Age` that is as high as its lifetime',
  status: 'with another status than 200',
  cookie: 'with a cookie (`Set-Cookie`)',
  vary: 'with a `Vary` by a header that is different for each request',
  entities: 'with entities of which at least one may not be cached: it has no lifetime, or is missing',
};

/** Fields of a root type, or of entities: names of the schema. */
function fieldsOf(document: string): string {
  const [operation] = parse(document, { noLocation: true }).definitions;
  const { selections } = (operation as OperationDefinitionNode).selectionSet;
  const fields = selections.flatMap((root) => {
    if (root.kind !== Kind.FIELD || root.name.value !== '_entities') return namesIn([root]);
    return root.selectionSet!.selections.flatMap((entity) =>
      entity.kind === Kind.INLINE_FRAGMENT
        ? namesIn(entity.selectionSet.selections).map(
            (field) => `${entity.typeCondition!.name.value}.${field}`,
          )
        : [],
    );
  });
  const more = fields.length > mostFields ? ` and ${fields.length - mostFields} more` : '';
  return fields.slice(0, mostFields).join(', ') + more;
}

const namesIn = (selections: readonly SelectionNode[]): string[] =>
  selections.flatMap((selection) => {
    if (selection.kind === Kind.INLINE_FRAGMENT) return namesIn(selection.selectionSet.selections);
    return selection.kind === Kind.FIELD && selection.name.value !== '__typename'
      ? [selection.name.value]
      : [];
  });

const mostFields = 5;

function byOptions(name: string | null, { operations, types }: ResponseOptions): string[] {
  const own = name !== null && Object.hasOwn(operations, name) ? operations[name] : undefined;
  const isNone = ({ maxAge, staleWhileRevalidate = 0, staleIfError = 0 }: typeof own & object): boolean =>
    maxAge !== undefined && !isStorable({ scope: 'public', maxAge, staleWhileRevalidate, staleIfError });
  const limited = Object.keys(types).filter((type) => isNone(types[type]!));
  return [
    ...(own !== undefined && isNone(own)
      ? [`The option \`cache.responses.operations.${name}.maxAge\` is 0.`]
      : []),
    ...limited.map(
      (type) => `Answers with ${type} are not cached: \`cache.responses.types.${type}.maxAge\` is 0.`,
    ),
  ];
}

function hasDefer(text: string | undefined): boolean {
  let has = false as boolean;
  if (text !== undefined)
    visit(parse(text, { noLocation: true }), {
      Directive: ({ name }) => {
        if (name.value === 'defer') has = true;
      },
    });
  return has;
}
