/** Over 300 lines: each kind of answer of a REST API. */
import { policyReader } from '../../../../../../gateway/cache/policy';
import type { SubgraphResponse } from '../../../../../../gateway/subgraph-calls/contract/transport';
import { callRest } from '../../../../../../gateway/subgraph-calls/sources/rest/call-rest';
import { readSourceSchema } from '../../../../../../schema/supergraph/sources/source-schema';
import { callerOf } from '../../../../../support/caller';
import { type AnswerRest, RestApi } from '../../../../../support/rest-api';

const parameter = (argument: string, where: string, more = ''): string =>
  `{ argument: "${argument}", name: "${argument}", in: "${where}" ${more} }`;
const sdl = `
  scalar Long scalar JSON
  type Query {
    pet(id: Long! @is(field: "id")): Pet @lookup @http(method: "GET", path: "/pets/{id}", parameters: [${parameter('id', 'path')}])
    pets(limit: Int): [Pet] @http(method: "GET", path: "/pets", parameters: [${parameter('limit', 'query')}])
    motto: String @http(method: "GET", path: "/motto", result: "text")
    items: [Item] @http(method: "GET", path: "/items")
    ownersOf(petId: Long): [Owner] @internal @http(method: "GET", path: "/pets/{petId}/owners", parameters: [${parameter('petId', 'path')}])
    search(text: String): [Pet] @http(method: "POST", path: "/search", body: { argument: "text", mediaType: "application/json" })
  }
  type Mutation {
    addPet(pet: NewPet): Pet @http(method: "POST", path: "/pets", body: { argument: "pet", mediaType: "application/json" })
    addAny(any: JSON): JSON @http(method: "POST", path: "/any", body: { argument: "any", mediaType: "application/json" })
    deletePet(id: Long!): Boolean @http(method: "DELETE", path: "/pets/{id}", parameters: [${parameter('id', 'path')}], result: "success")
  }
  input NewPet { name: String @json(name: "pet-name") kind: Kind weight: Long tags: [String!] }
  type Pet {
    id: ID! name: String @json(name: "pet-name") kind: Kind weight: Long age: Int rating: Float isTame: Boolean
    extra: JSON tags: [String] friends: [Pet] bestFriendId: Long @json(name: "best-friend")
    bestFriend: Pet @derive @is(field: "{ id: bestFriendId }")
    owners(petId: Long! @require(field: "id")): [Owner] @from(field: "ownersOf")
  }
  type Owner { name: String }
  enum Kind { CAT DOG_LARGE @json(name: "dog/large") }
  union Item @variants(property: "@type", of: [{ type: "Toy", values: ["toy"] }, { type: "Food", values: ["food", "feed"] }]) = Toy | Food
  type Toy { name: String }
  type Food { name: String grams: Int }
`;

let api: RestApi;
let answer: AnswerRest;
beforeAll(async () => {
  api = await RestApi.open(sdl, (...args) => answer(...args), { maxResponseSize: 1_000_000, timeout: 2_000 });
});
beforeEach(() => {
  api.requests.length = 0;
  api.mostAtOnce = 0;
});
afterAll(() => api.close());

const urls = () => api.requests.map(({ method, url }) => `${method} ${url}`);

describe('a root field', () => {
  it('is answered with what is selected, by the names of the JSON', async () => {
    const pet = { id: 7, 'pet-name': 'Rex', kind: 'dog/large', age: 3, isTame: true, rating: 4.5, x: 1 };
    answer = () => ({ body: { ...pet, extra: { a: [1, null] }, friends: [{ 'pet-name': 'Tom' }, null] } });
    const { data, errors } = await api.run(
      `query($id: Long!, $no: Boolean!) { p: pet(id: $id) {
        __typename id dog: name ...More friends { name kind } age @include(if: $no) rating @skip(if: $no)
      } } fragment More on Pet { kind isTame ... on Pet { extra } ... on Owner { name } }`,
      { id: 7, no: false },
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      p: {
        ...{ __typename: 'Pet', id: '7', dog: 'Rex', kind: 'DOG_LARGE', isTame: true, rating: 4.5 },
        ...{ extra: { a: [1, null] }, friends: [{ name: 'Tom', kind: null }, null] },
      },
    });
    expect(urls()).toEqual(['GET /pets/7']);
  });

  it('is answered with integers as their digits are, in answers and arguments', async () => {
    const long = '9007199254740993';
    answer = ({ method }) => ({
      body:
        method === 'POST'
          ? `{"id":${long}9,"weight":-${long},"extra":{"a":[1.10,${long},1e400,"\\u00001"]}}`
          : 'null',
    });
    const { text } = await api.run(
      'mutation($weight: Long) { addPet(pet: { weight: $weight, name: "\\u00001" }) { id weight extra } }',
      `{"weight":${long}}`,
      { kind: 'mutation' },
    );
    expect(text).toBe(
      `{"data":{"addPet":{"id":"${long}9","weight":-${long},"extra":{"a":[1.10,${long},1e400,"\\u00001"]}}}}`,
    );
    expect(api.requests[0]!.body).toBe(`{"pet-name":"\\u00001","weight":${long}}`);
    await api.run(`{ pet(id: ${long}) { id } }`);
    expect(urls()[1]).toBe(`GET /pets/${long}`);
  });

  it('sends bodies with the names of the JSON', async () => {
    answer = () => ({ status: 201, body: { id: 1 } });
    const { data } = await api.run(
      'mutation($kind: Kind, $none: Long) { addPet(pet: { name: "Rex", kind: $kind, weight: $none, tags: "a" }) { id } }',
      { kind: 'DOG_LARGE' },
      { kind: 'mutation' },
    );
    expect(data).toEqual({ addPet: { id: '1' } });
    expect(api.requests).toMatchObject([
      {
        ...{ method: 'POST', url: '/pets', headers: { 'content-type': 'application/json' } },
        body: '{"pet-name":"Rex","kind":"dog/large","tags":["a"]}',
      },
    ]);
  });

  it('runs mutations one after the other, and queries at once, four of them', async () => {
    answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { status: 204 };
    };
    const many = (field: string) =>
      Array.from({ length: 10 }, (_, i) => `a${i}: ${field}(id: ${i})`).join(' ');
    const deleted = await api.run(`mutation { ${many('deletePet')} }`, {}, { kind: 'mutation' });
    expect(Object.values(deleted.data)).toEqual(new Array(10).fill(true));
    expect(api.mostAtOnce).toBe(1);
    expect(urls()).toEqual(Array.from({ length: 10 }, (_, i) => `DELETE /pets/${i}`));
    await api.run(`{ ${many('pet').replaceAll(')', ') { id }')} }`);
    expect(api.mostAtOnce).toBe(4);
    expect(api.requests).toHaveLength(20);
  });

  it('sends equal GETs once, and what is no GET each time', async () => {
    answer = () => ({ body: [] });
    await api.run(
      '{ a: pets(limit: 1) { id } b: pets(limit: 1) { name } c: pets { id } d: search { id } e: search { id } }',
    );
    expect(urls().sort()).toEqual(['GET /pets', 'GET /pets?limit=1', 'POST /search', 'POST /search']);
  });

  it.each([
    ['no body', 204, undefined, null],
    ['an empty body', 200, '', null],
    ['a blank body', 200, ' \n', null],
    ['null', 200, 'null', null],
    ['404, of a lookup', 404, 'nothing', null],
    ['410, of a lookup', 410, '', null],
    ['two equal keys, of which the last counts', 200, '{"id":1,"id":2}', { id: '2' }],
    ['keys of prototypes', 200, '{"__proto__":{"id":1},"constructor":1,"hasOwnProperty":2}', { id: null }],
  ])('is answered without an error: %s', async (_, status, body, expected) => {
    answer = () => ({ status, body });
    const { data, errors } = await api.run('{ pet(id: 1) { id } }');
    expect(errors).toBeUndefined();
    expect(data).toEqual({ pet: expected });
    expect(({} as { id?: unknown }).id).toBeUndefined();
  });

  it.each([
    ['HTML', 200, '<html>secret</html>', 'SUBREQUEST_MALFORMED_RESPONSE', 'with a body that is not JSON'],
    ['cut JSON', 200, '{"id":1', 'SUBREQUEST_MALFORMED_RESPONSE', 'with a body that is not JSON'],
    [
      'JSON of another type',
      200,
      '[1]',
      'SUBREQUEST_MALFORMED_RESPONSE',
      'with a list in place of an object',
    ],
    ['text', 200, '"secret"', 'SUBREQUEST_MALFORMED_RESPONSE', 'with a string in place of an object'],
    ['a status', 500, '{}', 'SUBREQUEST_HTTP_ERROR', 'with HTTP status 500'],
    ['a redirect', 302, '', 'SUBREQUEST_HTTP_ERROR', 'with HTTP status 302'],
    ['304 without a reason', 304, '', 'SUBREQUEST_HTTP_ERROR', 'with HTTP status 304'],
    [
      'too large a body',
      200,
      `"${'x'.repeat(1_000_001)}"`,
      'SUBREQUEST_HTTP_ERROR',
      ' sent a response over the size limit',
    ],
  ])('is null with an error at its path: %s', async (_, status, body, code, message) => {
    answer = ({ url }) =>
      url === '/pets/1' ? { status, body, headers: { location: 'http://127.0.0.1:1/' } } : { body: '{}' };
    const { data, errors } = await api.run('{ a: pet(id: 1) { id } b: pet(id: 2) { id } }');
    expect(data).toEqual({ a: null, b: { id: null } });
    expect(errors).toMatchObject([
      { path: ['a'], extensions: { code }, message: expect.stringContaining(message) as string },
    ]);
    expect(JSON.stringify(errors)).not.toContain('secret');
    expect(api.requests).toHaveLength(2);
  });

  it('has the status of a refusal in its error, with the text of 4xx in bounds', async () => {
    const statusOf = async (status: number, body: string, type = 'text/plain') => {
      answer = () => ({ status, body, headers: { 'content-type': type } });
      const { errors } = await api.run('{ pets { id } }');
      return errors![0]!.extensions['http'];
    };
    expect(await statusOf(422, 'The limit is wrong.')).toEqual({ status: 422, body: 'The limit is wrong.' });
    expect(await statusOf(404, '{"title":"x"}', 'application/problem+json')).toEqual({
      status: 404,
      body: '{"title":"x"}',
    });
    expect(await statusOf(400, 'x'.repeat(10_000))).toEqual({ status: 400, body: 'x'.repeat(512) });
    expect(await statusOf(400, '<html>', 'text/html')).toEqual({ status: 400 });
    expect(await statusOf(500, 'at stack.js:1')).toEqual({ status: 500 });
  });

  it('has the status of the source only where no call went well', async () => {
    answer = ({ url }) => ({ status: url === '/pets' ? 503 : 200, body: '{}' });
    expect((await api.run('{ pets { id } }')).status).toBe(503);
    expect((await api.run('{ pets { id } pet(id: 1) { id } }')).status).toBe(200);
  });

  it('rejects where nothing has an answer, and has an error where some have', async () => {
    answer = ({ url }, response) => {
      if (url !== '/pets') return { body: '{}' };
      response.destroy();
      return undefined;
    };
    await expect(api.run('{ pets { id } }')).rejects.toMatchObject({ failure: 'reset' });
    const { data, errors } = await api.run('{ pets { id } pet(id: 1) { id } }');
    expect(data).toEqual({ pets: null, pet: { id: null } });
    expect(errors).toMatchObject([{ path: ['pets'], extensions: { code: 'SUBREQUEST_HTTP_ERROR' } }]);
  });

  it('is answered in time by a source that trickles', async () => {
    const timers: NodeJS.Timeout[] = [];
    answer = (_, response) => {
      timers.push(setInterval(() => response.write(' '), 10));
      return undefined;
    };
    const caller = callerOf({ deadline: performance.now() + 100 });
    await expect(api.run('{ pets { id } }', {}, { caller })).rejects.toMatchObject({ failure: 'timeout' });
    timers.forEach((timer) => clearInterval(timer));
  });

  it('gives text and what has no body', async () => {
    answer = () => ({ body: 'carpe "diem"', headers: { 'content-type': 'text/plain' } });
    expect((await api.run('{ motto }')).data).toEqual({ motto: 'carpe "diem"' });
    expect(api.requests[0]!.headers.accept).toBe('*/*');
  });

  it('is of the type that a property names', async () => {
    answer = () => ({
      body: [
        { '@type': 'toy', name: 'Ball' },
        { '@type': 'feed', name: 'Hay', grams: 3 },
        { '@type': 'x' },
        {},
        null,
      ],
    });
    const { data, errors } = await api.run(
      '{ items { __typename ... on Toy { name } ... on Food { grams } } }',
    );
    expect(data).toEqual({
      items: [{ __typename: 'Toy', name: 'Ball' }, { __typename: 'Food', grams: 3 }, null, null, null],
    });
    expect(errors).toMatchObject([{ path: ['items', 2] }, { path: ['items', 3] }]);
  });

  it.each([
    ['an unknown enum value', 'kind', '"dog"'],
    ['the name of an enum value in the graph', 'kind', '"DOG_LARGE"'],
    ['text for an integer', 'age', '"3"'],
    ['a fraction for an integer', 'age', '3.5'],
    ['an integer that is too large', 'age', '2147483648'],
    ['an integer that is too small', 'age', '-2147483649'],
    ['a fraction for digits', 'weight', '0.5'],
    ['a number that is none', 'rating', '1e400'],
    ['a number for text', 'name', '1'],
    ['a number for a boolean', 'isTame', '1'],
    ['an object for an ID', 'id', '{}'],
    ['a fraction for an ID', 'id', '1.5'],
    ['text for a list', 'tags', '"a"'],
  ])('has null and an error at the field for %s', async (_, field, json) => {
    answer = () => ({ body: `{"${field === 'name' ? 'pet-name' : field}":${json},"extra":1}` });
    const { data, errors } = await api.run(`{ pet(id: 1) { x: ${field} extra } }`);
    expect(data).toEqual({ pet: { x: null, extra: 1 } });
    expect(errors).toMatchObject([
      { path: ['pet', 'x'], extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE' } },
    ]);
  });

  it('bounds the errors of a list', async () => {
    answer = () => ({ body: `{"tags":[${new Array(10_000).fill(1).join()}]}` });
    const { data, errors } = await api.run('{ pet(id: 1) { tags } }');
    expect((data['pet'] as { tags: unknown[] }).tags).toEqual(new Array(10_000).fill(null));
    expect(errors).toHaveLength(100);
  });

  it('refuses arguments that are nested too deep', async () => {
    const { data, errors } = await api.run(
      'mutation($a: JSON) { addAny(any: $a) }',
      `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      { kind: 'mutation' },
    );
    expect(data).toEqual({ addAny: null });
    expect(errors).toMatchObject([{ path: ['addAny'], extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  it('survives JSON that is nested deep', async () => {
    answer = () => ({ body: `{"extra":${'['.repeat(200_000)}${']'.repeat(200_000)},"age":1}` });
    const { data, errors } = await api.run('{ pet(id: 1) { extra age } }');
    expect(data).toEqual({ pet: { extra: null, age: 1 } });
    expect(errors).toMatchObject([{ path: ['pet', 'extra'] }]);
  });
});

describe('fields that are made of others', () => {
  it('are links, and answers of root fields, at any object', async () => {
    answer = ({ url }) =>
      url === '/pets'
        ? { body: '[{"id":1,"best-friend":9007199254740993},{"id":2},{"id":1,"best-friend":null}]' }
        : { body: [{ name: url }] };
    const { text } = await api.run('{ pets { bestFriend { __typename id } owners { name } } }');
    expect(JSON.parse(text)).toEqual({
      data: {
        pets: [
          { bestFriend: { __typename: 'Pet', id: '9007199254740993' }, owners: [{ name: '/pets/1/owners' }] },
          { bestFriend: null, owners: [{ name: '/pets/2/owners' }] },
          { bestFriend: null, owners: [{ name: '/pets/1/owners' }] },
        ],
      },
    });
    expect(urls().sort()).toEqual(['GET /pets', 'GET /pets/1/owners', 'GET /pets/2/owners']);
  });

  it('are null where what they are made of is missing, and have errors at their paths', async () => {
    answer = ({ url }) => (url === '/pets' ? { body: [{}, { id: 2 }] } : { status: 500, body: '' });
    const { data, errors } = await api.run('{ all: pets { owned: owners { name } } }');
    expect(data).toEqual({ all: [{ owned: null }, { owned: null }] });
    expect(errors).toMatchObject([{ path: ['all', 1, 'owned'], extensions: { http: { status: 500 } } }]);
  });
});

describe('a defect', () => {
  const many = Array.from({ length: 9 }, (_, i) => `a${i}: pet(id: ${i}) { id }`).join(' ');
  it.each(['rejects', 'throws'])('of a call that %s ends the request, once', async (how) => {
    let calls = 0;
    const policyOf = policyReader();
    const run = callRest({ subgraph: 'pets', schema: readSourceSchema(sdl), policyOf })(
      (): Promise<SubgraphResponse> => {
        if (++calls < 5) return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{}') });
        if (how === 'throws') throw new Error('defect');
        return Promise.reject(new Error('defect'));
      },
    );
    const operation = {
      subgraph: 'pets',
      kind: 'query',
      document: `{ ${many} }`,
      name: undefined,
      bodyPrefix: Buffer.alloc(0),
    } as const;
    await expect(run({ operation, variables: Buffer.alloc(0), caller: callerOf() })).rejects.toThrow(
      'defect',
    );
  });
});
