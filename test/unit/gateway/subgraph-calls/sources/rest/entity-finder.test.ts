/** Over 300 lines: lookups one by one and by lists, with each fault. */
import fc from 'fast-check';
import { callerOf } from '../../../../../support/caller';
import { type AnswerRest, RestApi, type RestAnswer } from '../../../../../support/rest-api';

const sdl = `
  scalar Long
  type Query {
    pet(id: Long! @is(field: "id")): Pet @lookup @http(method: "GET", path: "/pets/{id}", parameters: [
      { argument: "id", name: "id", in: "path" }
    ])
    petsByIds(ids: [Long!]! @is(field: "[id]")): [Pet] @lookup @internal @http(method: "GET", path: "/pets", parameters: [
      { argument: "ids", name: "ids", in: "query", explode: false }
    ])
    shop(code: String! @is(field: "code"), land: String! @is(field: "region.land")): Shop @lookup @http(
      method: "GET", path: "/lands/{land}/shops/{code}",
      parameters: [{ argument: "land", name: "land", in: "path" }, { argument: "code", name: "code", in: "path" }]
    )
    visits(petId: ID!, weight: Int, limit: Int): [Visit] @internal @http(method: "GET", path: "/visits", parameters: [
      { argument: "petId", name: "pet", in: "query" }
      { argument: "weight", name: "w", in: "query" }
      { argument: "limit", name: "limit", in: "query" }
    ])
  }
  type Pet {
    id: ID! name: String friendId: Long
    friend: Pet @derive @is(field: "{ id: friendId }")
    visits(petId: ID! @require(field: "id"), weight: Int @require(field: "weight"), limit: Int): [Visit] @from(field: "visits")
  }
  type Shop { code: ID! region: Region name: String }
  type Region { land: String }
  type Visit { date: String }
`;

const open = new Set<RestApi>();
let api: RestApi;
let answer: AnswerRest;
const start = async (of = 'pets') => {
  const opened = await RestApi.open(sdl, (...args) => answer(...args), { of });
  open.add(opened);
  return opened;
};
beforeEach(async () => {
  api = await start();
});
afterEach(async () => {
  for (const each of open) await each.close();
  open.clear();
});

const urls = () => api.requests.map(({ url }) => url);
const pets = (...ids: (number | string)[]) => ids.map((id) => ({ __typename: 'Pet', id }));
const pet = (id: number | string) => ({ id, name: `pet ${id}` });
const select = '... on Pet { name }';
const named = (...ids: (number | null)[]) => ids.map((id) => (id === null ? null : { name: `pet ${id}` }));

describe('one entity', () => {
  it('is looked up by its key', async () => {
    answer = () => ({ body: pet(1) });
    const { data, policy } = await api.entities(select, pets('1'));
    expect(data).toEqual({ _entities: named(1) });
    expect(policy).toMatchObject({ maxAge: 0 });
    expect(urls()).toEqual(['/pets/1']);
  });

  it('is looked up by a key of several fields', async () => {
    answer = () => ({ body: { code: 'a/b', region: { land: 'de' }, name: 'Shop' } });
    const shop = { __typename: 'Shop', code: 'a/b', region: { land: 'de' } };
    const { data } = await api.entities('... on Shop { name region { land } }', [shop, shop]);
    expect(data).toEqual({ _entities: new Array(2).fill({ name: 'Shop', region: { land: 'de' } }) });
    expect(urls()).toEqual(['/lands/de/shops/a%2Fb']);
  });

  it('is null with an error if the source answers with another one', async () => {
    answer = () => ({ body: { code: 'A', region: { land: 'DE' }, name: 'Shop' } });
    const shop = (code: string) => ({ __typename: 'Shop', code, region: { land: 'de' } });
    const { data, errors } = await api.entities('... on Shop { name }', [shop('a'), shop('b')]);
    expect(data).toEqual({ _entities: [{ name: 'Shop' }, null] });
    expect(errors).toMatchObject([
      { path: ['_entities', 1], extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE' } },
    ]);
  });

  it.each([
    ['a dot segment', '..'],
    ['an escaped dot segment', '%2e%2E'],
    ['nothing', ''],
    ['a half of a character', '\ud800'],
  ])('of another subgraph is not looked up by %s', async (_, code) => {
    answer = () => ({ body: {} });
    const shop = { __typename: 'Shop', code, region: { land: 'de' } };
    const { data, errors } = await api.entities('... on Shop { name }', [shop]);
    expect(data).toEqual({ _entities: [null] });
    expect(errors).toMatchObject([{ path: ['_entities', 0], extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(urls()).toEqual([]);
  });
});

describe('several entities', () => {
  it('are looked up by one list, each different one once, in any order of the answer', async () => {
    answer = () => ({
      body: [pet('2'), null, pet('1')].map((each) => each && { ...each, id: Number(each.id) }),
    });
    const { data, errors } = await api.entities(select, [...pets(1, 2), ...pets('1', 3)]);
    expect(data).toEqual({ _entities: named(1, 2, 1, null) });
    expect(errors).toBeUndefined();
    expect(urls()).toEqual(['/pets?ids=1,2,3']);
  });

  it('keep digits beyond 2^53 apart', async () => {
    const [a, b] = ['9007199254740992', '9007199254740993'];
    answer = () => ({ body: `[{"id":${b},"name":"b"},{"id":${a},"name":"a"}]` });
    const { data } = await api.entities(select, [`{"__typename":"Pet","id":${a}}`, ...pets(b)]);
    expect(data).toEqual({ _entities: [{ name: 'a' }, { name: 'b' }] });
    expect(urls()).toEqual([`/pets?ids=${a},${b}`]);
  });

  it('are null with an error where two different ones have one key, or others come than requested', async () => {
    answer = () => ({ body: [pet(1), { ...pet(1), name: 'x' }, pet(2), pet(2), pet(9)] });
    const { data, errors } = await api.entities(select, pets(1, 2, 3));
    expect(data).toEqual({ _entities: [null, { name: 'pet 2' }, null] });
    expect(errors).toMatchObject([{ path: ['_entities', 0] }, { path: ['_entities', 2] }]);
  });

  it('are null with an error where items have no key', async () => {
    answer = () => ({ body: [{ name: 'a' }, { name: 'b' }] });
    const { data, errors } = await api.entities(select, pets(1, 2));
    expect(data).toEqual({ _entities: [null, null] });
    expect(errors).toHaveLength(2);
  });

  it.each([404, 400, 414])('are looked up alone where a list is refused with %i', async (status) => {
    const answers: Record<string, RestAnswer> = {
      '/pets/1': { body: pet(1), headers: { 'cache-control': 'max-age=60' } },
      '/pets/2': { status: 404 },
      '/pets/3': { status: 500 },
    };
    answer = ({ url }) => answers[url] ?? { status };
    const { data, errors, policies, status: whole } = await api.entities(select, pets(1, 2, 3));
    expect(data).toEqual({ _entities: named(1, null, null) });
    expect(errors).toMatchObject([{ path: ['_entities', 2], extensions: { http: { status: 500 } } }]);
    expect(policies).toMatchObject([[{ maxAge: 60 }, { maxAge: 0 }, { maxAge: 0 }]]);
    expect(whole).toBe(200);
    expect(urls()).toEqual(['/pets?ids=1,2,3', '/pets/1', '/pets/2', '/pets/3']);
  });

  it('are all null with errors where a list fails otherwise', async () => {
    answer = () => ({ status: 502 });
    const { data, errors, status } = await api.entities(select, pets(1, 2));
    expect(data).toEqual({ _entities: [null, null] });
    expect(errors).toMatchObject([{ path: ['_entities', 0] }, { path: ['_entities', 1] }]);
    expect(status).toBe(502);
    expect(urls()).toHaveLength(1);
  });

  it('are found though the key of one of them cannot be sent', async () => {
    answer = () => ({ body: pet(1) });
    const { data, errors } = await api.entities(select, pets(1, 'x'));
    expect(data).toEqual({ _entities: [{ name: 'pet 1' }, null] });
    expect(errors).toMatchObject([{ path: ['_entities', 1], extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  it('are split to lists of 100, and to URLs of some length', async () => {
    answer = ({ url }) => ({
      body: url
        .split('=')[1]!
        .split(',')
        .map((id) => ({ id, name: id })),
    });
    const many = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
    const one = await api.entities(select, pets(...many(250, '1')));
    expect((one.data['_entities'] as unknown[]).length).toBe(250);
    expect(urls().map((url) => url.split(',').length)).toEqual([100, 100, 50]);
    api.requests.length = 0;
    await api.entities(select, pets(...many(100, '1'.repeat(95))));
    expect(urls().map((url) => url.split(',').length)).toEqual([38, 38, 24]);
    expect(Math.max(...urls().map(({ length }) => length))).toBeLessThan(4_000);
  });

  it('without a list are looked up four at a time, each different one once', async () => {
    answer = async ({ url }) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return { body: { code: url.split('/').at(-1), name: url, region: { land: 'de' } } };
    };
    const shop = (code: number) => ({ __typename: 'Shop', code, region: { land: 'de' } });
    const codes = Array.from({ length: 20 }, (_, i) => i % 10);
    const { data } = await api.entities('... on Shop { name }', codes.map(shop));
    expect(data['_entities']).toEqual(codes.map((code) => ({ name: `/lands/de/shops/${code}` })));
    expect(api.requests).toHaveLength(10);
    expect(api.mostAtOnce).toBe(4);
  });

  it('are looked up by 1,000 calls at most', async () => {
    answer = ({ url }) => ({ body: { code: url.split('/').at(-1), name: 'a', region: { land: 'de' } } });
    const shop = (code: number) => ({ __typename: 'Shop', code, region: { land: 'de' } });
    const { data, errors } = await api.entities(
      '... on Shop { name }',
      Array.from({ length: 1_010 }, (_, i) => shop(i)),
    );
    expect((data['_entities'] as unknown[]).filter((each) => each !== null)).toHaveLength(1_000);
    expect(errors).toHaveLength(10);
    expect(errors![0]).toMatchObject({
      path: ['_entities', 1_000],
      extensions: { code: 'MAX_SUBGRAPH_CALLS_LIMIT' },
    });
    expect(api.requests).toHaveLength(1_000);
  });

  it('are not looked up any more when the client has left', async () => {
    const caller = { ...callerOf(), isGone: false };
    answer = ({ url }) => {
      caller.isGone = true;
      return { body: { code: url.split('/').at(-1), name: url, region: { land: 'de' } } };
    };
    const shop = (code: number) => ({ __typename: 'Shop', code, region: { land: 'de' } });
    const codes = Array.from({ length: 20 }, (_, i) => i);
    await api.entities('... on Shop { name }', codes.map(shop), { caller }).catch(() => undefined);
    expect(api.requests.length).toBeLessThan(9);
  });
});

describe('with any faults of a list', () => {
  const fault = fc.constantFrom('none', 'missing', 'doubled', 'changed', 'null', 'no key', 'another');
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 2, maxLength: 8 });
  it('no entity is lost, mixed up, or null without a reason', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[ids, fc.array(fault, { minLength: 30, maxLength: 30 }), fc.boolean()],
        fc.constantFrom(200, 200, 200, 404, 500, 302),
        async (wanted, faults, isReversed, status) => {
          answer = ({ url }) => {
            const one = /\/pets\/(\d+)$/.exec(url)?.[1];
            if (one !== undefined) return { body: pet(Number(one)) };
            const items = wanted.flatMap((id): unknown[] => {
              const whole = pet(id);
              const byFault: Record<string, unknown[]> = {
                ...{
                  missing: [],
                  doubled: [whole, whole],
                  changed: [whole, { id, name: 'x' }],
                  null: [null],
                },
                ...{ 'no key': [{ name: 'x' }], another: [{ id: id + 100, name: 'x' }] },
              };
              return byFault[faults[id - 1]!] ?? [whole];
            });
            return { status, body: isReversed ? items.reverse() : items };
          };
          const { data, errors = [] } = await api.entities(select, pets(...wanted));
          const failed = new Set(errors.map(({ path }) => path[1]));
          const areOthers = wanted.some((id) => ['no key', 'another'].includes(faults[id - 1]!));
          (data['_entities'] as unknown[]).forEach((entity, n) => {
            const own = faults[wanted[n]! - 1]!;
            const isFound = status === 404 || (status === 200 && (own === 'none' || own === 'doubled'));
            expect(entity).toEqual(isFound ? { name: `pet ${wanted[n]}` } : null);
            const isAbsent = status === 200 && !areOthers && (own === 'missing' || own === 'null');
            expect(failed.has(n)).toBe(!isFound && !isAbsent);
          });
        },
      ),
      { numRuns: Number(process.env['WEIR_ROUNDS'] ?? 200) },
    );
  });
});

describe('fields of an entity', () => {
  it('that the found type lacks are null, with an error', async () => {
    answer = () => ({ body: pet(1) });
    const { data, errors } = await api.entities('... on Pet { name age }', pets(1));
    expect(data).toEqual({ _entities: [{ name: 'pet 1', age: null }] });
    expect(errors).toMatchObject([
      { path: ['_entities', 0, 'age'], extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE' } },
    ]);
  });

  it('are made of its representation where that has all', async () => {
    api = await start('whole');
    answer = () => ({ body: [{ date: 'today' }] });
    const { data } = await api.entities('... on Pet { __typename friend { id } visits(limit: 2) { date } }', [
      { __typename: 'Pet', id: 1, friendId: 2, weight: 5 },
    ]);
    expect(data).toEqual({
      _entities: [{ __typename: 'Pet', friend: { id: '2' }, visits: [{ date: 'today' }] }],
    });
    expect(urls()).toEqual(['/visits?pet=1&w=5&limit=2']);
  });

  it('are made of its representation and of what is looked up', async () => {
    answer = ({ url }) => ({ body: url.startsWith('/visits') ? [] : { ...pet(1), friendId: 3 } });
    const { data } = await api.entities('... on Pet { name friend { id } visits { date } }', [
      { __typename: 'Pet', id: 1, weight: 5 },
    ]);
    expect(data).toEqual({ _entities: [{ name: 'pet 1', friend: { id: '3' }, visits: [] }] });
    expect(urls()).toEqual(['/pets/1', '/visits?pet=1&w=5']);
  });

  it('have the policy of all that they are made of', async () => {
    answer = ({ url }) => ({
      body: url.startsWith('/visits') ? [] : pet(1),
      headers: { 'cache-control': `public, max-age=${url.startsWith('/visits') ? 10 : 60}` },
    });
    const { policy } = await api.entities('... on Pet { name visits { date } }', [
      { __typename: 'Pet', id: 1, weight: 1 },
    ]);
    expect(policy).toMatchObject({ maxAge: 10, scope: 'public' });
    const linked = await api.entities('... on Pet { friend { id } }', [
      { __typename: 'Pet', id: 1, friendId: 1 },
    ]);
    expect(linked.policy!.maxAge).toBeGreaterThan(1_000_000);
  });
});
