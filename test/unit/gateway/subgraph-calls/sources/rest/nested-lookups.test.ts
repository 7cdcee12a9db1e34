/** `rest/call-rest.ts`: objects that have only a part of an entity. See gateway/subgraph-calls/sources/rest/. */
import { type AnswerRest, RestApi, type RestAnswer } from '../../../../../support/rest-api';

const path = (name: string) => `[{ argument: "${name}", name: "${name}", in: "path" }]`;
const sdl = `
  scalar Long
  type Query {
    pets: [Pet] @http(method: "GET", path: "/pets")
    things: [Thing] @http(method: "GET", path: "/things")
    petById(id: Long!  @is(field: "id")): Pet @lookup @internal @http(method: "GET", path: "/pets/{id}", parameters: ${path('id')})
    ownersByIds(ids: [Long!]! @is(field: "[id]")): [Owner] @lookup @internal @http(method: "GET", path: "/owners", parameters: [
      { argument: "ids", name: "ids", in: "query", explode: false }
    ])
    postById(id: ID! @is(field: "id")): Post @lookup @internal @http(method: "GET", path: "/posts/{id}", parameters: ${path('id')})
    teaserById(id: ID! @is(field: "id")): Teaser @lookup @internal @http(method: "GET", path: "/teasers/{id}", parameters: ${path('id')})
    postsOf(owner: Long!): [Teaser] @internal @http(method: "GET", path: "/owners/{owner}/posts", parameters: ${path('owner')})
    shopByCode(code: String! @is(field: "code"), land: String! @is(field: "region.land")): Shop @lookup @internal
      @http(method: "GET", path: "/shops/{code}", parameters: ${path('code')})
  }
  type Mutation { touch(id: Long!): Pet @http(method: "POST", path: "/touch/{id}", parameters: ${path('id')}) }
  type Pet {
    id: ID! name: String ownerId: Long shopCode: String @json(name: "shop-code") land: String
    owner: Owner @derive @is(field: "{ id: ownerId }")
    shop: Shop @derive @is(field: "{ code: shopCode region: { land: land } }")
  }
  type Owner {
    id: ID! name: String city: String bestId: Long mood: Mood
    best: Owner @derive @is(field: "{ id: bestId }")
    posts(owner: Long! @require(field: "id")): [Teaser] @from(field: "postsOf")
  }
  enum Mood { GOOD @json(name: "good-mood") }
  type Teaser @shape(of: "Post") { id: ID! title: String }
  type Post { id: ID! title: String body: String ownerId: Long owner: Owner @derive @is(field: "{ id: ownerId }") }
  type Shop { code: String! region: Region name: String }
  type Region { land: String name: String }
  union Thing @variants(property: "kind", of: [{ type: "Teaser", values: ["teaser"] }, { type: "Owner", values: ["owner"] }]) = Teaser | Owner
`;

let api: RestApi;
let answers: Record<string, unknown>;
const answer: AnswerRest = ({ url }) => {
  const found = answers[url];
  if (found === undefined) return { status: 404, body: '{}' };
  return typeof found === 'object' && found !== null && 'status' in found
    ? (found as RestAnswer)
    : { body: found };
};
beforeAll(async () => {
  api = await RestApi.open(sdl, answer);
});
beforeEach(() => {
  api.requests.length = 0;
});
afterAll(() => api.close());

const urls = () => api.requests.map(({ url }) => url);
const owner = (id: number, more = {}) => ({ id, name: `owner ${id}`, city: `city ${id}`, ...more });

describe('what a link lacks', () => {
  it('is looked up for all objects of a request together, each different one once', async () => {
    answers = {
      '/pets': [1, 2, null, 1].map((ownerId, i) => ({ id: i, ownerId })),
      '/owners?ids=1,2': [owner(2), owner(1)],
    };
    const { data, errors } = await api.run(
      '{ a: pets { id owner { __typename id name } } b: pets { owner { city } } }',
    );
    const names = [1, 2].map((id) => ({ __typename: 'Owner', id: `${id}`, name: `owner ${id}` }));
    const cities = [1, 2].map((id) => ({ owner: { city: `city ${id}` } }));
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      a: [names[0], names[1], null, names[0]].map((each, i) => ({ id: `${i}`, owner: each })),
      b: [cities[0], cities[1], { owner: null }, cities[0]],
    });
    expect(urls()).toEqual(['/pets', '/owners?ids=1,2']);
  });

  it('is not looked up where it gives all', async () => {
    answers = { '/pets': [{ id: 1, ownerId: 5, 'shop-code': 'a', land: 'de' }] };
    const query =
      'query($no: Boolean!) { pets { owner { id name @include(if: $no) ... @skip(if: $no) { __typename } } shop { region { land } } } }';
    const { data } = await api.run(query, { no: false });
    const shop = { region: { land: 'de' } };
    expect(data).toEqual({ pets: [{ owner: { id: '5', __typename: 'Owner' }, shop }] });
    expect(urls()).toEqual(['/pets']);
    answers['/owners?ids=5'] = [owner(5)];
    const more = await api.run(query, { no: true });
    expect(more.data).toEqual({ pets: [{ owner: { id: '5', name: 'owner 5' }, shop }] });
  });

  it('is looked up by keys of several fields, for objects in it, too', async () => {
    answers = {
      '/pets': [{ 'shop-code': 'a', land: 'de' }],
      '/shops/a': { code: 'a', name: 'A', region: { land: 'de', name: 'Germany' } },
    };
    const { data } = await api.run('{ pets { shop { region { land name } code } } }');
    expect(data).toEqual({ pets: [{ shop: { region: { land: 'de', name: 'Germany' }, code: 'a' } }] });
  });

  it('is looked up at any depth, also below what was looked up', async () => {
    answers = {
      '/pets': [{ ownerId: 1 }, { ownerId: 2 }],
      '/owners?ids=1,2': [owner(1, { bestId: 3 }), owner(2, { bestId: 4 })],
      '/owners?ids=3,4': [owner(3, { bestId: 1, mood: 'good-mood' }), owner(4)],
      '/owners?ids=1': [owner(1)],
    };
    const { data } = await api.run('{ pets { owner { best { mood best { name } } } } }');
    expect(data).toEqual({
      pets: [
        { owner: { best: { mood: 'GOOD', best: { name: 'owner 1' } } } },
        { owner: { best: { mood: null, best: null } } },
      ],
    });
    expect(urls()).toHaveLength(4);
  });

  it('is null without an error where the entity is unknown; what is given stays', async () => {
    answers = { '/pets': [{ ownerId: 1 }, { ownerId: 2 }], '/owners?ids=1,2': [owner(2)] };
    const { data, errors } = await api.run('{ pets { owner { name id } } }');
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      pets: [{ owner: { name: null, id: '1' } }, { owner: { name: 'owner 2', id: '2' } }],
    });
  });

  it('is null with errors at its fields where the lookup fails', async () => {
    answers = { '/pets': [{ ownerId: 1 }, { ownerId: 2 }], '/owners?ids=1,2': { status: 500 } };
    const { data, errors, policy } = await api.run('{ all: pets { owner { a: name id city } } }');
    expect(data).toEqual({ all: ['1', '2'].map((id) => ({ owner: { a: null, id, city: null } })) });
    expect(errors).toMatchObject(
      [0, 1].flatMap((i) => ['a', 'city'].map((key) => ({ path: ['all', i, 'owner', key] }))),
    );
    expect(errors![0]!.extensions).toMatchObject({ http: { status: 500 } });
    expect(policy).toMatchObject({ maxAge: 0 });
  });

  it('counts for the policy', async () => {
    const control = (seconds: number) => ({ 'cache-control': `public, max-age=${seconds}` });
    answers = {
      '/pets': { status: 200, headers: control(60), body: [{ ownerId: 1 }] },
      '/owners?ids=1': { status: 200, headers: control(10), body: [owner(1)] },
    };
    expect((await api.run('{ pets { owner { id } } }')).policy).toMatchObject({ maxAge: 60 });
    expect((await api.run('{ pets { owner { name } } }')).policy).toMatchObject({ maxAge: 10 });
  });

  it('is looked up for each entity of its own', async () => {
    answers = {
      '/pets/1': { id: 1, ownerId: 1 },
      '/pets/2': { id: 2, ownerId: 2 },
      '/owners?ids=1,2': { status: 503 },
    };
    const { data, errors } = await api.entities('... on Pet { id owner { name } owner { id } }', [
      { __typename: 'Pet', id: 1 },
      { __typename: 'Pet', id: 2 },
    ]);
    expect(data).toEqual({ _entities: ['1', '2'].map((id) => ({ id, owner: { name: null, id } })) });
    expect(errors).toMatchObject([0, 1].map((n) => ({ path: ['_entities', n, 'owner', 'name'] })));
  });

  it('is looked up after each mutation', async () => {
    answers = {
      '/touch/1': { id: 1, ownerId: 1 },
      '/touch/2': { id: 2, ownerId: 2 },
      '/owners?ids=1': [owner(1)],
      '/owners?ids=2': [owner(2)],
    };
    const { data } = await api.run(
      'mutation { a: touch(id: 1) { owner { name } } b: touch(id: 2) { owner { name } } }',
      {},
      { kind: 'mutation' },
    );
    expect(data).toEqual({ a: { owner: { name: 'owner 1' } }, b: { owner: { name: 'owner 2' } } });
    expect(urls()).toEqual(['/touch/1', '/owners?ids=1', '/touch/2', '/owners?ids=2']);
  });
});

describe('what a summary lacks', () => {
  it('is looked up where it is selected: by the lookup of the whole', async () => {
    answers = {
      '/things': [
        { kind: 'teaser', id: 1, title: 'one' },
        owner(5),
        { kind: 'teaser', id: 2, title: 'two' },
      ].map((each) => ({ kind: 'owner', ...each })),
      '/posts/1': { id: 1, title: 'another title', body: 'text', ownerId: 5 },
    };
    const few = '{ things { __typename ... on Post { id title } ... on Owner { name } } }';
    const titles = [
      { __typename: 'Post', id: '1', title: 'one' },
      { __typename: 'Owner', name: 'owner 5' },
      { __typename: 'Post', id: '2', title: 'two' },
    ];
    expect((await api.run(few)).data).toEqual({ things: titles });
    expect(urls()).toEqual(['/things']);
    const more = await api.run('{ things { ... on Post { __typename title owner { id } body } } }');
    expect(more.errors).toBeUndefined();
    expect(more.data).toEqual({
      things: [
        { __typename: 'Post', title: 'one', owner: { id: '5' }, body: 'text' },
        {},
        { __typename: 'Post', title: 'two', owner: null, body: null },
      ],
    });
    expect(urls().slice(1)).toEqual(['/things', '/posts/1', '/posts/2']);
  });

  it('is looked up below calls that links need', async () => {
    answers = {
      '/pets': [{ ownerId: 1 }],
      '/owners/1/posts': [{ id: 7, title: 'seven' }, {}],
      '/posts/7': { id: 7, body: 'text' },
    };
    const { data, errors } = await api.run('{ pets { owner { posts { body title } } } }');
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      pets: [
        {
          owner: {
            posts: [
              { body: 'text', title: 'seven' },
              { body: null, title: null },
            ],
          },
        },
      ],
    });
  });
});
