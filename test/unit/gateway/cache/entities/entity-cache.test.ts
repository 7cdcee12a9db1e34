/** Entities in the cache. Over 300 lines: a case for each rule of what is kept, served, shared and dropped. */
import { createLogger } from '../../../../../gateway/telemetry/logger';
import { Meter } from '../../../../../gateway/telemetry/metrics/meter';
import { CacheStatistics } from '../../../../../gateway/telemetry/statistics/cache-statistics';
import { parse } from 'graphql';
import { AnswerTags } from '../../../../../gateway/cache/answer-tags';
import { cacheEntities, type EntityCacheOptions } from '../../../../../gateway/cache/entities/entity-cache';
import { readEntry } from '../../../../../gateway/cache/entities/entity-value';
import { createInvalidate } from '../../../../../gateway/cache/invalidation';
import { MemoryStore } from '../../../../../gateway/cache/stores/memory';
import { noStore, policyReader } from '../../../../../gateway/cache/policy';
import { type Store, StoreUnavailable } from '../../../../../gateway/cache/stores/store';
import { entityFactsOf } from '../../../../support/own-planner';
import { isShareable } from '../../../../../gateway/subgraph-calls/sharing/shareable';
import {
  type SubgraphResponse,
  TransportError,
} from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';
import { answerOf, type HeldCall, holdCalls } from '../../../../support/held-send';
import type { Json } from '../../../../support/running-gateway';
import { compose } from '../../../../support/small-graph';
import { type EntitiesAsked, entitiesRequestOf } from '../../../../support/subgraph-request';

const identityHeaders = ['authorization', 'cookie'];

const facts = entityFactsOf(
  parse(
    compose([
      {
        name: 'reviews',
        url: 'http://reviews',
        typeDefs: `
          extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@key", "@cacheTag"])
          type Query { latest: Review }
          type Review @key(fields: "id") { id: ID! body: String }
          type Product @key(fields: "upc") @cacheTag(format: "product-{$key.upc}") {
            upc: ID! rating: Int stars: Int reviews: [Review]
          }
        `,
      },
    ]),
  ),
);

function open(more: Partial<EntityCacheOptions> = {}) {
  let time = 1_800_000_000_000;
  const now = () => time;
  const store = more.store ?? new MemoryStore({ maxBytes: 2 ** 20, now });
  const { send, calls } = holdCalls();
  const statistics = new CacheStatistics(new Meter());
  const cached = cacheEntities({
    subgraph: 'reviews',
    fingerprint: 'f',
    store,
    policyOf: policyReader({ identityHeaders }),
    policyOfType: new Map(),
    missing: 5,
    identityHeaders,
    tags: new AnswerTags('reviews', facts),
    statistics,
    logger: createLogger({ level: 'silent' }),
    now,
    ...more,
  })(send);
  return {
    calls,
    counts: () => statistics.ofEntities('reviews', 'Product'),
    store,
    invalidate: createInvalidate(store),
    advance: (seconds: number) => (time += seconds * 1000),
    /** Asks, without waiting for the answer. */
    ask: async (upcs: readonly string[], asked: Partial<EntitiesAsked> = {}): Promise<Json> => {
      const request = entitiesRequestOf({
        representations: upcs.map((upc) => ({ __typename: 'Product', upc })),
        selection: '...on Product{rating}',
        ...asked,
      });
      return answerOf(cached(request));
    },
    cached,
  };
}

const say = (cacheControl: string) => ({ headers: { 'cache-control': cacheControl } });

/** Answers a call as the subgraph does, which knows no product without a number. */
function answerCall(call: HeldCall, headers: Partial<SubgraphResponse> = say('public, max-age=60')): void {
  const { representations } = call.body.variables;
  const _entities = representations.map(({ upc }: Json) => (/\d/.test(upc) ? ratingOf(upc) : null));
  call.answer({ data: { _entities } }, headers);
}

const ratingOf = (upc: string) => ({ rating: Number(/\d+/.exec(upc)![0]) });
const ratings = (...upcs: string[]) => ({ data: { _entities: upcs.map(ratingOf) } });
const upcsOf = ({ body }: HeldCall): string[] => body.variables.representations.map(({ upc }: Json) => upc);

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

/** Asks for products of which each is answered at once. */
async function fill(
  { ask, calls }: ReturnType<typeof open>,
  upcs: readonly string[],
  headers?: Partial<SubgraphResponse>,
  asked?: Partial<EntitiesAsked>,
): Promise<Json> {
  const before = calls.length;
  const answer = ask(upcs, asked);
  await settle();
  expect(calls).toHaveLength(before + 1);
  answerCall(calls[before]!, headers);
  return answer;
}

it('requests the missing entities, and answers in the order of the request', async () => {
  const cache = open();
  const known = Array.from({ length: 40 }, (_, i) => `${i}`);
  await fill(cache, known);
  const wanted = [
    ...known
      .map((upc) => [upc, `1${upc}x`])
      .flat()
      .slice(0, 20),
    ...known,
  ];
  const answer = cache.ask(wanted);
  await settle();
  expect(upcsOf(cache.calls[1]!)).toEqual(wanted.filter((upc) => upc.endsWith('x')));
  answerCall(cache.calls[1]!);
  expect(await answer).toEqual(ratings(...wanted));
  expect(cache.counts()).toMatchObject({ misses: 50, ages: { fresh: { count: 50 } } });
});

it.each<[string, Record<string, string | string[]>]>([
  ['sets a cookie', { 'set-cookie': ['session=1'] }],
  ['varies with a header of one request alone', { vary: 'tracestate' }],
])('caches nothing of a response that %s, whatever the lifetimes of its types are', async (_, headers) => {
  const life = { scope: 'public', maxAge: 60, staleWhileRevalidate: 0, staleIfError: 0 } as const;
  for (const policyOfType of [new Map(), new Map([['Product', life]])]) {
    const { cached, calls } = open({ policyOfType });
    const request = () =>
      entitiesRequestOf({
        representations: [{ __typename: 'Product', upc: '1' }],
        selection: '...on Product{rating}',
      });
    const said = { headers: { ...say('public, max-age=60').headers, ...headers } };
    // The first learns how long they live, the second would find it.
    for (let turn = 0; turn < 3; turn++) {
      const answer = cached(request());
      await settle();
      answerCall(calls[turn]!, said);
      expect(isShareable(await answer)).toBe(false);
    }
    expect(calls).toHaveLength(3);
  }
});

it('marks an answer as not shareable if one part is', async () => {
  const cache = open();
  await fill(cache, ['1']);
  const answer = cache.cached(
    entitiesRequestOf({
      representations: ['1', '2'].map((upc) => ({ __typename: 'Product', upc })),
      selection: '...on Product{rating}',
    }),
  );
  await settle();
  expect(upcsOf(cache.calls[1]!)).toEqual(['2']);
  answerCall(cache.calls[1]!, { headers: { 'cache-control': 'public, max-age=60', vary: '*' } });
  const response = await answer;
  expect(isShareable(response)).toBe(false);
  expect(response.policy).toMatchObject({ maxAge: 0 });
});

it('makes no call for cached entities, and counts the fetch as cached', async () => {
  const cache = open();
  await fill(cache, ['1', '2']);
  const caller = callerOf();
  expect(await cache.ask(['2', '1'], { caller })).toEqual(ratings('2', '1'));
  expect(cache.calls).toHaveLength(1);
  expect(caller.calls).toMatchObject({ cached: 1, sent: 0 });
});

it('asks the store only for what is not fresh in memory', async () => {
  const memory = new MemoryStore({ maxBytes: 2 ** 20, now: () => 1_800_000_000_000 });
  const asked: (readonly string[])[] = [];
  const store: Store = {
    peek: (key) => memory.peek(key),
    get(keys) {
      asked.push(keys);
      return memory.get(keys);
    },
    set: (entries, clock) => memory.set(entries, clock),
    invalidate: (tags) => memory.invalidate(tags),
    close: () => memory.close(),
  };
  const cache = open({ store });
  await fill(cache, ['1', '2']);
  expect(asked).toHaveLength(1);
  expect(await cache.ask(['2', '1'])).toEqual(ratings('2', '1'));
  expect(asked).toHaveLength(1);
  expect(cache.counts()).toMatchObject({ misses: 2, ages: { fresh: { count: 2 } } });
  await createInvalidate(store)(['Product:upc=2']);
  await fill(cache, ['1', '2']);
  expect(asked).toHaveLength(2);
  expect(upcsOf(cache.calls[1]!)).toEqual(['2']);
});

it.each(['', 'public', 'public 1', 'public 1 x\n{}', 'open 9 9\n{}', 'public 9.5 9\n{}'])(
  'takes the entry %j, which another program wrote, for none',
  (text) => {
    const value = Buffer.from(text);
    const times = { storedAt: 0, freshUntil: Infinity, keptUntil: Infinity };
    expect(readEntry({ value, tags: [], ...times, refresh: false }, 1)).toBeUndefined();
  },
);

it('returns the remaining lifetime and the tags of its answer', async () => {
  const cache = open();
  await fill(cache, ['1'], say('public, max-age=60, stale-if-error=30'));
  cache.advance(20);
  const { policy, tags } = await cache.cached(
    entitiesRequestOf({
      representations: [{ __typename: 'Product', upc: '1' }],
      selection: '...on Product{rating}',
    }),
  );
  expect(policy).toEqual({ scope: 'public', maxAge: 40, staleWhileRevalidate: 0, staleIfError: 30 });
  expect([...tags!].sort()).toEqual(['Product:upc=1', 'product-1', 'subgraph:reviews', 'type:Product']);
});

it.each([
  ['nothing', undefined],
  ['no-store', 'no-store'],
  ['no-cache', 'no-cache, max-age=60'],
  ['max-age=0', 'public, max-age=0'],
])('caches nothing of a response with %s, and stops looking up', async (_, header) => {
  const cache = open();
  const get = jest.spyOn(cache.store, 'get');
  const headers = header === undefined ? { headers: {} } : say(header);
  for (let i = 0; i < 3; i++) await fill(cache, ['1'], headers);
  expect(get).toHaveBeenCalledTimes(1);
  // Until a response says otherwise.
  await fill(cache, ['1']);
  await fill(cache, ['1']);
  await cache.ask(['1']);
  expect(cache.calls).toHaveLength(5);
});

it('drops an entity after its lifetime', async () => {
  const cache = open();
  await fill(cache, ['1'], say('public, max-age=10'));
  cache.advance(9.9);
  await cache.ask(['1']);
  cache.advance(0.2);
  await fill(cache, ['1']);
});

it('separates entries by selection and arguments', async () => {
  const cache = open();
  await fill(cache, ['1']);
  await fill(cache, ['1'], undefined, { selection: '...on Product{stars}' });
  await fill(cache, ['1'], undefined, { variables: { first: 1 } });
  await fill(cache, ['1'], undefined, { variables: { first: 2 } });
  await cache.ask(['1'], { variables: { first: 1 } });
  expect(cache.calls).toHaveLength(4);
});

it('separates entries by the required fields in representations', async () => {
  const cache = open();
  const asked = (price: number) => ({ representations: [{ __typename: 'Product', price, upc: '1' }] });
  await fill(cache, [], undefined, asked(1));
  await fill(cache, [], undefined, asked(2));
  await cache.ask([], asked(1));
});

describe('an answer is shared by', () => {
  const as = (authorization: string, more = {}) => ({
    caller: callerOf({ headers: { authorization, ...more } }),
  });

  it('all callers, if it is public', async () => {
    const cache = open();
    await fill(cache, ['1'], say('public, max-age=60'), as('Ada'));
    expect(await cache.ask(['1'], as('Alan'))).toEqual(ratings('1'));
    expect(await cache.ask(['1'])).toEqual(ratings('1'));
  });

  it('callers with the same headers, if it is private', async () => {
    const cache = open();
    await fill(cache, ['1'], say('private, max-age=60'), as('Ada'));
    await cache.ask(['1'], as('Ada'));
    await fill(cache, ['1'], say('private, max-age=60'), as('Alan'));
    await fill(cache, ['1'], say('private, max-age=60'));
  });

  it('callers with the same headers, if it is not marked public, or varies by an identity header', async () => {
    const cache = open();
    await fill(cache, ['1'], say('max-age=60'), as('Ada'));
    await fill(cache, ['1'], say('max-age=60'), as('Alan'));
    const varying = { headers: { ...say('public, max-age=60').headers, vary: 'Authorization' } };
    await fill(cache, ['2'], varying, as('Ada'));
    await fill(cache, ['2'], varying, as('Alan'));
  });

  it('callers with the same other headers, even if it is public', async () => {
    const cache = open();
    await fill(cache, ['1'], undefined, as('Ada', { 'accept-language': 'de' }));
    await cache.ask(['1'], as('Alan', { 'accept-language': 'de' }));
    await fill(cache, ['1'], undefined, as('Ada', { 'accept-language': 'fr' }));
  });
});

it('does not cache an entity with an error, nor any entity if an error names none', async () => {
  const cache = open();
  const first = cache.ask(['1', '2']);
  await settle();
  const data = { _entities: [{ rating: null }, { rating: 2 }] };
  const error = { message: 'No luck.', path: ['_entities', 0, 'rating'] };
  cache.calls[0]!.answer({ data, errors: [error] }, say('public, max-age=60'));
  expect(await first).toEqual({ data, errors: [error] });
  const second = cache.ask(['2', '1']);
  await settle();
  expect(upcsOf(cache.calls[1]!)).toEqual(['1']);
  cache.calls[1]!.answer(
    { data: { _entities: [{ rating: 1 }] }, errors: [{ message: 'Odd.' }] },
    say('public, max-age=60'),
  );
  expect(await second).toEqual({ ...ratings('2', '1'), errors: [{ message: 'Odd.' }] });
  await fill(cache, ['1']);
});

describe('entities of several responses', () => {
  const life = { scope: 'public', maxAge: 60, staleWhileRevalidate: 0, staleIfError: 0 } as const;
  const upcs = ['1', '2', '3', '4', '5', '6', '7'];
  const _entities = upcs.map((upc) => (upc === '4' ? null : ratingOf(upc)));
  const policies = [upcs.map((upc) => (upc === '4' ? noStore : life))];

  it('are kept each by its own policy: of seven the six that have not failed', async () => {
    const cache = open();
    const first = cache.ask(upcs);
    await settle();
    const errors = [{ message: 'It failed.', path: ['_entities', 3] }];
    cache.calls[0]!.answer({ data: { _entities }, errors }, { policy: noStore, policies });
    expect(await first).toEqual({ data: { _entities }, errors });
    const second = cache.ask(upcs);
    await settle();
    expect(upcsOf(cache.calls[1]!)).toEqual(['4']);
    answerCall(cache.calls[1]!);
    expect(await second).toEqual(ratings(...upcs));
  });

  it('are looked up, even if an answer has one that must not be kept', async () => {
    const cache = open();
    await fill(cache, upcs, say('no-store'));
    await fill(cache, upcs, { policy: noStore, policies });
    await fill(cache, upcs, { policy: noStore, policies });
    await fill(cache, ['4'], { policy: noStore, policies: [[noStore]] });
    const answer = cache.ask(upcs);
    await settle();
    expect(upcsOf(cache.calls[4]!)).toEqual(['4']);
    answerCall(cache.calls[4]!);
    expect(await answer).toEqual(ratings(...upcs));
  });
});

it('gives errors the path of their entity in the request', async () => {
  const cache = open();
  await fill(cache, ['1', '2']);
  const answer = cache.ask(['1', '3', '2', '4']);
  await settle();
  const error = { message: 'No luck.', path: ['_entities', 1, 'rating'] };
  cache.calls[1]!.answer({ data: { _entities: [{ rating: 3 }, { rating: null }] }, errors: [error] });
  expect((await answer).errors).toEqual([{ ...error, path: ['_entities', 3, 'rating'] }]);
});

it('remembers a missing entity for a shorter time', async () => {
  const cache = open();
  expect(await fill(cache, ['none'])).toEqual({ data: { _entities: [null] } });
  cache.advance(4);
  expect(await cache.ask(['none'])).toEqual({ data: { _entities: [null] } });
  cache.advance(2);
  await fill(cache, ['none']);
});

it('does not look up after a mutation of the same request', async () => {
  const cache = open();
  await fill(cache, ['1']);
  const caller = callerOf();
  caller.provenance.hasMutated = true;
  await fill(cache, ['1'], undefined, { caller });
});

it('never caches the answer of a mutation', async () => {
  const cache = open();
  const { operation, ...request } = entitiesRequestOf({
    representations: [{ __typename: 'Product', upc: '1' }],
  });
  for (const i of [0, 1]) {
    const answer = cache.cached({ ...request, operation: { ...operation, kind: 'mutation' } });
    answerCall(cache.calls[i]!);
    await answer;
  }
});

describe('an invalidation', () => {
  it.each(['Product:upc=1', 'product-1', 'type:Product', 'subgraph:reviews', 'product-*'])(
    'of %s drops the entity',
    async (tag) => {
      const cache = open();
      await fill(cache, ['1']);
      await cache.invalidate(['Product:upc=2', 'product-2', 'type:Review', 'subgraph:products', tag]);
      await fill(cache, ['1']);
    },
  );

  it('drops entities that were being fetched', async () => {
    const cache = open();
    const answer = cache.ask(['1']);
    await settle();
    await cache.invalidate(['Product:upc=1']);
    answerCall(cache.calls[0]!);
    await answer;
    await fill(cache, ['1']);
  });

  it('drops an entity that contains an invalidated one', async () => {
    const cache = open();
    const asked = { selection: '...on Product{reviews{__typename id body}}' };
    const answer = cache.ask(['1', '2'], asked);
    await settle();
    const review = (id: string) => ({ reviews: [{ __typename: 'Review', id, body: 'Good.' }] });
    cache.calls[0]!.answer({ data: { _entities: [review('r1'), review('r2')] } }, say('public, max-age=60'));
    await answer;
    await cache.invalidate(['Review:id=r1']);
    void cache.ask(['1', '2'], asked);
    await settle();
    expect(upcsOf(cache.calls[1]!)).toEqual(['1']);
  });

  it('is not undone by a call that another request began before it', async () => {
    const cache = open();
    const before = performance.now();
    await settle();
    const answer = cache.ask(['1']);
    await settle();
    const { headers } = say('public, max-age=60');
    // It joined their call, whose answer is from before the invalidation.
    cache.calls[0]!.answer(ratings('1'), { headers, sentAt: before - 1 });
    await answer;
    await fill(cache, ['1']);
  });
});

describe('a stale entity', () => {
  it('is served at once while one look-up refreshes it', async () => {
    const cache = open();
    await fill(cache, ['1', '2'], say('public, max-age=10, stale-while-revalidate=30'));
    cache.advance(11);
    const answers = await Promise.all([cache.ask(['1', '2']), cache.ask(['1', '2']), cache.ask(['2'])]);
    expect(answers).toEqual([ratings('1', '2'), ratings('1', '2'), ratings('2')]);
    expect(cache.calls).toHaveLength(2);
    expect(cache.counts().ages['stale-while-revalidate'].count).toBe(5);
    answerCall(cache.calls[1]!, say('public, max-age=10'));
    await settle();
    cache.advance(9);
    await cache.ask(['1', '2']);
    expect(cache.counts().ages.fresh.count).toBe(2);
  });

  it('is refreshed with the headers of the caller, even if the caller leaves', async () => {
    const cache = open();
    const caller = callerOf({ headers: { authorization: 'Ada' } });
    await fill(cache, ['1'], say('private, max-age=10, stale-while-revalidate=30'), { caller });
    cache.advance(11);
    await cache.ask(['1'], { caller: { ...caller, isGone: true, deadline: 0 } });
    const { request } = cache.calls[1]!;
    expect(request.caller).toMatchObject({ headers: caller.headers, isGone: false, deadline: undefined });
  });

  it('makes the whole answer stale', async () => {
    const cache = open();
    await fill(cache, ['1'], say('public, max-age=10, stale-while-revalidate=30'));
    cache.advance(11);
    const { policy } = await cache.cached(
      entitiesRequestOf({
        representations: [{ __typename: 'Product', upc: '1' }],
        selection: '...on Product{rating}',
      }),
    );
    expect(policy).toMatchObject({ maxAge: 0, staleWhileRevalidate: 29 });
  });

  it('is served while the subgraph fails, with one attempt at a time, and then the error', async () => {
    const cache = open();
    await fill(cache, ['1', '2'], say('public, max-age=10, stale-if-error=60'));
    cache.advance(11);
    const down = new TransportError('reviews', 'refused');
    const first = cache.ask(['1', '2']);
    await settle();
    cache.calls[1]!.fail(down);
    expect(await first).toEqual(ratings('1', '2'));
    // It was tried just now.
    await Promise.all([cache.ask(['1']), cache.ask(['2'])]);
    expect(cache.calls).toHaveLength(2);
    cache.advance(2);
    const trial = cache.ask(['1']);
    await settle();
    await Promise.all([cache.ask(['1']), cache.ask(['2'])]);
    expect(cache.calls).toHaveLength(3);
    cache.calls[2]!.answer('<html>', { status: 503 });
    expect(await trial).toEqual(ratings('1'));
    cache.advance(60);
    const tooLate = cache.ask(['1']);
    await settle();
    cache.calls[3]!.fail(down);
    await expect(tooLate).rejects.toBe(down);
  });

  it('is served together with an error for a missing entity', async () => {
    const cache = open();
    await fill(cache, ['1'], say('public, max-age=10, stale-if-error=60'));
    await fill(cache, ['2']);
    cache.advance(11);
    const answer = cache.ask(['1', '2', '3']);
    await settle();
    expect(upcsOf(cache.calls[2]!)).toEqual(['1', '3']);
    cache.calls[2]!.fail(new TransportError('reviews', 'timeout'));
    expect(await answer).toEqual({
      data: { _entities: [{ rating: 1 }, { rating: 2 }, null] },
      errors: [
        {
          message: 'Subgraph "reviews" did not answer in time.',
          path: ['_entities', 2],
          extensions: { code: 'GATEWAY_TIMEOUT' },
        },
      ],
    });
  });

  it('is served together with all errors of an answer without data, for each missing entity', async () => {
    const cache = open();
    await fill(cache, ['1']);
    const answer = cache.ask(['1', '2', '3']);
    await settle();
    const errors = ['One.', 'Two.'].map((message) => ({ message, extensions: { code: 'NO' } }));
    cache.calls[1]!.answer({ data: null, errors });
    expect(await answer).toEqual({
      data: { _entities: [{ rating: 1 }, null, null] },
      errors: [1, 2].flatMap((n) => errors.map((error) => ({ ...error, path: ['_entities', n] }))),
    });
  });

  it('is not served for an error of the application', async () => {
    const cache = open();
    await fill(cache, ['1'], say('public, max-age=10, stale-if-error=60'));
    cache.advance(11);
    const answer = cache.ask(['1']);
    await settle();
    cache.calls[1]!.answer({ data: null, errors: [{ message: 'Not for you.' }] });
    expect(await answer).toEqual({ data: null, errors: [{ message: 'Not for you.' }] });
  });
});

describe('options', () => {
  const life = { scope: 'public', maxAge: 60, staleWhileRevalidate: 0, staleIfError: 0 } as const;

  it('replace the lifetime that the subgraph gives to a type', async () => {
    const cache = open({ policyOfType: new Map([['Product', life]]) });
    await fill(cache, ['1'], say('no-store'));
    await cache.ask(['1']);
    expect(cache.calls).toHaveLength(1);
  });
});

describe('an unavailable store', () => {
  const away: Store = {
    get: () => Promise.reject(new StoreUnavailable()),
    set: () => Promise.reject(new StoreUnavailable()),
    invalidate: () => Promise.reject(new StoreUnavailable()),
    close: async () => undefined,
  };

  it('does not change answers', async () => {
    const cache = open({ store: away });
    expect(await fill(cache, ['1'])).toEqual(ratings('1'));
    expect(await fill(cache, ['1'])).toEqual(ratings('1'));
  });

  it('does not change errors', async () => {
    const cache = open({ store: away });
    const answer = cache.ask(['1']);
    await settle();
    const down = new TransportError('reviews', 'refused');
    cache.calls[0]!.fail(down);
    await expect(answer).rejects.toBe(down);
  });
});
