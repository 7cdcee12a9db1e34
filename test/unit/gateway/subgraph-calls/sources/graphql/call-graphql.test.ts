/** Over 300 lines: each word of overlays, and each fault of a GraphQL API. */
import { parse, validate, buildSchema } from 'graphql';
import { noStore, policyReader } from '../../../../../../gateway/cache/policy';
import { openSource, subscribeSource } from '../../../../../../gateway/subgraph-calls/sources/open-source';
import {
  type SubgraphEvent,
  type SubgraphRequest,
  TransportError,
} from '../../../../../../gateway/subgraph-calls/contract/transport';
import { HeldSource } from '../../../../../support/held-source';
import { answerOf, type HeldCall, holdCalls } from '../../../../../support/held-send';
import type { Json } from '../../../../../support/running-gateway';
import { entitiesRequestOf, requestOf } from '../../../../../support/subgraph-request';

const words = `
  directive @lookup on FIELD_DEFINITION
  directive @internal on OBJECT | FIELD_DEFINITION
  directive @is(field: String!) on ARGUMENT_DEFINITION | FIELD_DEFINITION
  directive @require(field: String!) on ARGUMENT_DEFINITION
  directive @derive on FIELD_DEFINITION
  directive @from(field: String!) on FIELD_DEFINITION
  directive @shape(of: String!) on OBJECT
`;

/** A source whose calls the test answers. Each operation must be valid at the source. */
function open(sdl: string, plain = sdl) {
  const { send, calls } = holdCalls();
  const schema = buildSchema(`${words}${plain}`);
  const interceptor = openSource({ subgraph: 'api', schema: sdl, policyOf: policyReader() });
  const source = interceptor((request) => {
    expect(validate(schema, parse(request.operation.document))).toEqual([]);
    return send(request);
  });
  return {
    source,
    calls,
    ask: (
      representations: readonly object[],
      selection: string,
      more: { readonly variables?: object; readonly types?: string } = {},
    ) => {
      const request = entitiesRequestOf({ representations, selection, variables: more.variables ?? {} });
      const { operation } = request;
      const document = operation.document.replace('[_Any!]!', `[_Any!]! ${more.types ?? ''}`);
      return source({ ...request, operation: { ...operation, document } });
    },
  };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 30; i++) await Promise.resolve();
};

const user = (id: unknown) => ({ __typename: 'User', id });
const entities = (..._entities: unknown[]): Json => ({ data: { _entities } });

const lists = `
  type Query { users(ids: [ID!]! @is(field: "[id]")): [User]! @lookup }
  type User { id: ID! name(short: Boolean): String friends: [User] big: Float }
`;

/** Answers a list lookup with these items. */
const items = (call: HeldCall, list: readonly unknown[] | null, errors?: readonly object[]): void =>
  call.answer({ data: list === null ? null : { _0: list }, ...(errors && { errors }) });

const item = (id: string) => ({ _k0: id, name: `User ${id}` });
const named = (id: string) => ({ name: `User ${id}` });

describe('a list lookup', () => {
  it.each<[string, (string | null)[], (string | null)[]]>([
    ['in order', ['1', '2', '3'], ['1', '2', '3']],
    ['in another order', ['3', '1', '2'], ['1', '2', '3']],
    ['with items twice, and others', ['2', '2', '9', '1', '3'], ['1', '2', '3']],
    ['with nulls', [null, '3', null], [null, null, '3']],
    ['with fewer items', ['3'], [null, null, '3']],
  ])('answers %s, by key', async (_, answered, expected) => {
    const { ask, calls } = open(lists);
    const answer = ask([user('1'), user('2'), user('3')], '...on User{name}');
    await settle();
    expect(calls.map(({ body }) => body)).toEqual([
      {
        query: 'query Q($_0_0:[ID!]!){_0:users(ids:$_0_0){_k0:id name}}',
        operationName: 'Q',
        variables: { _0_0: ['1', '2', '3'] },
      },
    ]);
    items(
      calls[0]!,
      answered.map((id) => id && item(id)),
    );
    expect(await answerOf(answer)).toEqual(entities(...expected.map((id) => id && named(id))));
  });

  it('requests a key once that several representations have, as number and as text', async () => {
    const { ask, calls } = open(lists);
    const answer = ask([user('1'), user(1), user('1')], '...on User{name}');
    await settle();
    expect(calls.map(({ body }) => body.variables)).toEqual([{ _0_0: ['1'] }]);
    items(calls[0]!, [{ _k0: 1, name: 'One' }]);
    const one = { name: 'One' };
    expect(await answerOf(answer)).toEqual(entities(one, one, one));
  });

  it('gives an error to each entity that may be its reason', async () => {
    const { ask, calls } = open(lists);
    const answer = ask([user('1'), user('2'), user('3')], '...on User{name}');
    await settle();
    items(
      calls[0]!,
      [{ ...item('3'), name: null }, null],
      [
        { message: 'name', path: ['_0', 0, 'name'] },
        { message: 'item', path: ['_0', 1] },
      ],
    );
    expect(await answerOf(answer)).toEqual({
      ...entities(null, null, { name: null }),
      errors: [
        { message: 'item', path: ['_entities', 0] },
        { message: 'item', path: ['_entities', 1] },
        { message: 'name', path: ['_entities', 2, 'name'] },
      ],
    });
  });

  it('requests each entity again, alone, where one item has made the list null, whose order may be another one', async () => {
    const { ask, calls } = open(lists);
    const answer = ask(['1', '2', '3'].map(user), '...on User{name}');
    await settle();
    items(calls[0]!, null, [{ message: 'No.', path: ['_0', 1, 'id'] }]);
    await settle();
    expect(calls.slice(1).map(({ body }) => body.variables)).toEqual(
      ['1', '2', '3'].map((id) => ({ _0_0: [id] })),
    );
    items(calls[1]!, [item('1')]);
    items(calls[2]!, [item('2')]);
    items(calls[3]!, null, [{ message: 'No.', path: ['_0', 0, 'name'] }]);
    expect(await answerOf(answer)).toEqual({
      ...entities(named('1'), named('2'), null),
      errors: [{ message: 'No.', path: ['_entities', 2, 'name'] }],
    });
    expect(calls).toHaveLength(4);
  });

  it('matches by position where items have no key, if their number is right', async () => {
    const sdl = `
      type Query { prices(skus: [ID!]! @is(field: "[sku]")): [Product] @lookup }
      type Product { price: Int }
    `;
    const { ask, calls } = open(sdl);
    for (const list of [[{ price: 1 }, { price: 2 }], [{ price: 1 }]]) {
      const answer = ask(
        ['a', 'b'].map((sku) => ({ __typename: 'Product', sku })),
        '...on Product{price}',
      );
      await settle();
      items(calls.at(-1)!, list);
      const { data, errors } = await answerOf(answer);
      expect(data._entities).toEqual(list.length === 2 ? list : [null, null]);
      expect(errors?.length).toBe(list.length === 2 ? undefined : 2);
    }
  });

  it('passes numbers digit for digit, arguments of the client, and nothing of it that is not used', async () => {
    const { ask, calls } = open(lists);
    const variables = { s: true, other: 1 };
    const answer = ask([user('9007199254740993')], '...on User{name(short:$s) big}', {
      variables,
      types: '$s:Boolean $other:Int',
    });
    await settle();
    expect(calls[0]!.body.variables).toEqual({ _0_0: ['9007199254740993'], s: true });
    calls[0]!.answer('{"data":{"_0":[{"_k0":9007199254740993,"name":"Big","big":12345678901234567890.10}]}}');
    expect((await answer).body.toString()).toBe(
      '{"data":{"_entities":[{"name":"Big","big":12345678901234567890.10}]}}',
    );
  });
});

const single = `
  type Query { user(id: Int! @is(field: "id")): User! @lookup  node(id: ID!): Node @lookup }
  interface Node { id: ID! }
  type User { id: ID! name: String }
  type Post implements Node { id: ID! title: String }
  type Tag implements Node { id: ID! label: String }
`;

describe('a lookup of one entity', () => {
  it('is an alias for each entity, 15 in one operation, with numbers where the source has them', async () => {
    const { ask, calls } = open(single);
    const answer = ask(
      Array.from({ length: 17 }, (_, i) => user(`${i}`)),
      '...on User{__typename name}',
    );
    await settle();
    expect(calls.map(({ body }) => Object.keys(body.variables).length)).toEqual([15, 2]);
    expect(calls[1]!.body).toMatchObject({
      query:
        'query Q($_0_0:Int! $_1_0:Int!){_0:user(id:$_0_0){..._f0} _1:user(id:$_1_0){..._f0}}fragment _f0 on User{name}',
      variables: { _0_0: 15, _1_0: 16 },
    });
    const answered = (count: number, from: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`_${i}`, { __typename: 'User', name: `${i + from}` }]),
      );
    calls[1]!.answer({ data: answered(2, 15) });
    calls[0]!.answer({ data: answered(15, 0) });
    expect((await answerOf(answer)).data._entities.map(({ name }: Json) => name)).toEqual(
      Array.from({ length: 17 }, (_, i) => `${i}`),
    );
  });

  it('that fails and is not nullable loses no neighbour: these are requested again once, each by its own policy', async () => {
    const { ask, calls } = open(single);
    const answer = ask(['0', '1', '2', '3', '4', '5', '6'].map(user), '...on User{name}');
    await settle();
    calls[0]!.answer({ data: null, errors: [{ message: 'No.', path: ['_3'] }] });
    await settle();
    expect(calls.slice(1).map(({ body }) => body.variables._0_0)).toEqual([0, 1, 2, 4, 5, 6]);
    for (const call of calls.slice(1))
      call.answer(
        { data: { _0: { name: `${call.body.variables._0_0}` } } },
        { headers: { 'cache-control': 'max-age=60' } },
      );
    const response = await answer;
    expect(JSON.parse(response.body.toString())).toEqual({
      ...entities(...['0', '1', '2', null, '4', '5', '6'].map((name) => name && { name })),
      errors: [{ message: 'No.', path: ['_entities', 3] }],
    });
    expect(response.policies![0]!.map(({ maxAge }) => maxAge)).toEqual([60, 60, 60, 0, 60, 60, 60]);
    expect(response.policy).toEqual(noStore);
  });

  it('with an error of its own is requested again, too, where another one has made all of the answer null', async () => {
    const { ask, calls } = open(
      'type Query { user(id: ID!): User! @lookup } type User { id: ID! name: String }',
    );
    const answer = ask([user('1'), user('2')], '...on User{name}');
    await settle();
    calls[0]!.answer({
      data: null,
      errors: [
        { message: 'name', path: ['_0', 'name'] },
        { message: 'user', path: ['_1'] },
      ],
    });
    await settle();
    expect(calls).toHaveLength(2);
    calls[1]!.answer({ data: { _0: { name: null } }, errors: [{ message: 'name', path: ['_0', 'name'] }] });
    expect(await answerOf(answer)).toEqual({
      ...entities({ name: null }, null),
      errors: [
        { message: 'name', path: ['_entities', 0, 'name'] },
        { message: 'user', path: ['_entities', 1] },
      ],
    });
  });

  it('that may return other types gives null for these', async () => {
    const { ask, calls } = open(single);
    const answer = ask(
      ['1', '2'].map((id) => ({ __typename: 'Post', id })),
      '...on Post{title}',
    );
    await settle();
    calls[0]!.answer({ data: { _0: { _t: 'Post', title: 'A' }, _1: { _t: 'Tag' } } });
    expect(await answerOf(answer)).toEqual(entities({ title: 'A' }, null));
  });
});

describe('a failure', () => {
  const ask17 = ({ ask }: ReturnType<typeof open>) =>
    ask(
      Array.from({ length: 17 }, (_, i) => user(`${i}`)),
      '...on User{name}',
    );

  it('of all calls is that of the request', async () => {
    const source = open(single);
    const refused = ask17(source);
    await settle();
    for (const call of source.calls) call.answer('<html>', { status: 503 });
    expect(await refused).toMatchObject({ status: 503, body: Buffer.from('<html>') });
    const lost = ask17(source);
    await settle();
    for (const call of source.calls.slice(2)) call.fail(new TransportError('api', 'timeout'));
    await expect(lost).rejects.toMatchObject({ failure: 'timeout' });
  });

  it.each<[string, (call: HeldCall) => void, string]>([
    ['without a response', (call) => call.fail(new TransportError('api', 'timeout')), 'GATEWAY_TIMEOUT'],
    ['with a status', (call) => call.answer('', { status: 500 }), 'SUBREQUEST_HTTP_ERROR'],
    ['with no GraphQL', (call) => call.answer('{'), 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['without what was requested', (call) => call.answer({ data: {} }), 'SUBREQUEST_MALFORMED_RESPONSE'],
  ])('%s of one call is an error of its entities', async (_, fail, code) => {
    const source = open(single);
    const answer = ask17(source);
    await settle();
    fail(source.calls[1]!);
    source.calls[0]!.answer({
      data: Object.fromEntries(Array.from({ length: 15 }, (__, i) => [`_${i}`, { name: `${i}` }])),
    });
    const { data, errors } = await answerOf(answer);
    expect(data._entities.map((each: Json) => each?.name ?? null)).toEqual([
      ...Array.from({ length: 15 }, (__, i) => `${i}`),
      null,
      null,
    ]);
    expect(errors.map(({ path, extensions }: Json) => [path, extensions.code])).toEqual([
      [['_entities', 15], code],
      [['_entities', 16], code],
    ]);
  });
});

describe('fields that are made', () => {
  const sdl = `
    type Query {
      post(id: ID!): Post @lookup
      posts: [Post!]
      feed: [Item]
      by(author: ID!, first: Int): [Post]
    }
    type Post { id: ID! title: String authorId: ID author: User @derive @is(field: "{ id: authorId }") }
    type PostSummary @shape(of: "Post") { id: ID! }
    type Note { text: String }
    union Item = PostSummary | Note
    type User {
      id: ID!
      posts(author: ID! @require(field: "id"), first: Int): [Post] @from(field: "by")
    }
  `;
  const plain = `
    type Query { post(id: ID!): Post posts: [Post!] feed: [Item] by(author: ID!, first: Int): [Post] }
    type Post { id: ID! title: String authorId: ID }
    type PostSummary { id: ID! }
    type Note { text: String }
    union Item = PostSummary | Note
  `;

  it('are links of selected ids, null where an id is null, and text where it is a number', async () => {
    const { source, calls } = open(sdl, plain);
    const answer = source(
      requestOf('query($x:Boolean!){posts{t:title a:author{__typename id} b:author@include(if:$x){id} id}}', {
        x: false,
      }),
    );
    await settle();
    expect(calls[0]!.body).toMatchObject({
      query: 'query{posts{t:title _d0:authorId id}}',
      variables: {},
    });
    calls[0]!.answer({
      data: {
        posts: [
          { t: 'A', _d0: 'u1', id: 1 },
          { t: 'B', _d0: null, id: '2' },
        ],
      },
    });
    expect(await answerOf(answer)).toEqual({
      data: {
        posts: [
          { t: 'A', a: { __typename: 'User', id: 'u1' }, id: '1' },
          { t: 'B', a: null, id: '2' },
        ],
      },
    });
  });

  it('are calls of root fields, for each different object', async () => {
    const { source, calls } = open(sdl, plain);
    const answer = source(
      requestOf('query($n:Int){posts{author{id posts(first:$n){title author{id}}}}}', { n: 2 }),
    );
    await settle();
    expect(calls[0]!.body).toMatchObject({ query: 'query{posts{_d0:authorId}}', variables: {} });
    calls[0]!.answer({ data: { posts: ['u1', 'u2', 'u1'].map((_d0) => ({ _d0 })) } });
    await settle();
    expect(calls[1]!.body.variables).toEqual({ _0_0: 'u1', _1_0: 'u2', n: 2 });
    calls[1]!.answer({
      data: { _0: [{ title: 'A', _d0: 'u1' }], _1: null },
      errors: [
        { message: 'title', path: ['_0', 0, 'title'] },
        { message: 'list', path: ['_1'] },
      ],
    });
    const first = { author: { id: 'u1', posts: [{ title: 'A', author: { id: 'u1' } }] } };
    const { data, errors } = await answerOf(answer);
    expect(data).toEqual({ posts: [first, { author: { id: 'u2', posts: null } }, first] });
    expect(errors.map(({ path }: Json) => path)).toEqual([
      ['posts', 0, 'author', 'posts', 0, 'title'],
      ['posts', 2, 'author', 'posts', 0, 'title'],
      ['posts', 1, 'author', 'posts'],
    ]);
  });

  it('are null with the error of what they are made of, beside errors without a path', async () => {
    const { source, calls } = open(sdl, plain);
    const answer = source(requestOf('{posts{author{id}}}'));
    await settle();
    calls[0]!.answer({
      data: { posts: [{ _d0: null }] },
      errors: [{ message: 'id', path: ['posts', 0, '_d0'] }, { message: 'all' }],
    });
    expect(await answerOf(answer)).toEqual({
      data: { posts: [{ author: null }] },
      errors: [{ message: 'id', path: ['posts', 0, 'author'] }, { message: 'all' }],
    });
  });

  it('need no lookup where representations have what they are made of', async () => {
    const { ask, calls } = open(sdl, plain);
    const link = ask([{ __typename: 'Post', id: '1', authorId: 'u1' }], '...on Post{author{id}}');
    expect(await answerOf(link)).toEqual(entities({ author: { id: 'u1' } }));
    const post = (no: boolean) =>
      ask([user('u1')], '...on User{__typename posts@skip(if:$no){id}}', {
        variables: { no },
        types: '$no:Boolean!',
      });
    expect(await answerOf(post(true))).toEqual(entities({ __typename: 'User' }));
    const call = post(false);
    await settle();
    expect(calls.map(({ body }) => body.query)).toEqual(['query Q($_0_0:ID!){_0:by(author:$_0_0){id}}']);
    calls[0]!.answer({ data: { _0: [] } });
    expect(await answerOf(call)).toEqual(entities({ __typename: 'User', posts: [] }));
  });

  it('stand beside what is looked up', async () => {
    const { ask, calls } = open(sdl, plain);
    const answer = ask([{ __typename: 'Post', id: '1', authorId: 'u1' }], '...on Post{title author{id}}');
    await settle();
    calls[0]!.answer({ data: { _0: { title: 'A' } } });
    expect(await answerOf(answer)).toEqual(entities({ title: 'A', author: { id: 'u1' } }));
  });

  it('are summaries, by the names of the source', async () => {
    const { source, calls } = open(sdl, plain);
    const answer = source(requestOf('{feed{__typename ...on Post{id}...on Note{text}}}'));
    await settle();
    expect(calls[0]!.body.query).toBe('query{feed{__typename ...on PostSummary{id} ...on Note{text}}}');
    calls[0]!.answer({
      data: { feed: [{ __typename: 'PostSummary', id: '1' }, { __typename: 'Note', text: 'N' }, null] },
    });
    expect(await answerOf(answer)).toEqual({
      data: { feed: [{ __typename: 'Post', id: '1' }, { __typename: 'Note', text: 'N' }, null] },
    });
  });

  it('have all that is selected of them where they are requested twice', async () => {
    const { source, ask, calls } = open(sdl, plain);
    const links = source(
      requestOf('query($x:Boolean!){posts{author@skip(if:$x){id} author{__typename}}}', { x: false }),
    );
    await settle();
    calls[0]!.answer({ data: { posts: [{ _d0: 'u1' }] } });
    expect(await answerOf(links)).toEqual({
      data: { posts: [{ author: { id: 'u1', __typename: 'User' } }] },
    });

    const posts = ask([user('u1')], '...on User{posts{title} posts@skip(if:$x){id}}', {
      variables: { x: true },
      types: '$x:Boolean!',
    });
    await settle();
    expect(calls[1]!.body.query).toBe('query Q($_0_0:ID!){_0:by(author:$_0_0){title}}');
    calls[1]!.answer({ data: { _0: [{ title: 'A' }] } });
    expect(await answerOf(posts)).toEqual(entities({ posts: [{ title: 'A' }] }));
  });

  it('are made of summaries, too, where their entity has them', async () => {
    const own = `type Query { feed: [Person] by(author: ID!): Int } type Person { id: ID! }`;
    const { source, calls } = open(
      `type Query { feed: [Person] by(author: ID!): Int } type Person @shape(of: "User") { id: ID! }
       type User { id: ID! count(author: ID! @require(field: "id")): Int @from(field: "by") }`,
      own,
    );
    const answer = source(requestOf('{feed{count}}'));
    await settle();
    expect(calls[0]!.body.query).toBe('query{feed{_d0:id}}');
    calls[0]!.answer({ data: { feed: [{ _d0: '1' }] } });
    await settle();
    calls[1]!.answer({ data: { _0: 3 } });
    expect(await answerOf(answer)).toEqual({ data: { feed: [{ count: 3 }] } });
  });

  it('are there for entities that are not found, or whose lookup fails', async () => {
    const { ask, calls } = open(sdl, plain);
    const post = (id: string) => ({ __typename: 'Post', id, authorId: 'u1' });
    const answer = ask([post('1'), post('2')], '...on Post{title author{id}}');
    await settle();
    calls[0]!.answer({ data: { _0: null, _1: null }, errors: [{ message: 'No.', path: ['_1'] }] });
    const rest = { title: null, author: { id: 'u1' } };
    expect(await answerOf(answer)).toEqual({
      ...entities(rest, rest),
      errors: [{ message: 'No.', path: ['_entities', 1, 'title'] }],
    });
  });

  it('and what needs nothing of it passes as it is', async () => {
    const { source, calls } = open(sdl, plain);
    const answer = source(requestOf('{posts{title}}'));
    await settle();
    calls[0]!.answer({ data: { posts: [] } });
    expect((await answer).body.toString()).toBe('{"data":{"posts":[]}}');
  });
});

it('gives arguments with @require the values of their representations, and one call to each different one', async () => {
  const sdl = `
    type Query { products(ids: [ID!]! @is(field: "[id]")): [Product!]! @lookup }
    type Product { id: ID! delivery(size: Size! @require(field: "dimension.{ w: width }"), zip: Int): Int }
    input Size { w: Long! }
    scalar Long
  `;
  const { ask, calls } = open(sdl);
  const product = (id: string, width: unknown) => ({ __typename: 'Product', id, dimension: { width } });
  const answer = ask(
    [product('1', 5), product('2', '5'), product('3', 7), product('4', null)],
    '...on Product{delivery(zip:1)}',
  );
  await settle();
  expect(calls[0]!.body).toMatchObject({
    variables: {
      _0_0: ['1', '2'],
      _0_1: { w: 5 },
      _1_0: ['3'],
      _1_1: { w: 7 },
    },
  });
  // Of the last one, `w` would be null, for which the API would refuse all.
  expect(calls).toHaveLength(1);
  expect(Object.keys(calls[0]!.body['variables'] as object)).toHaveLength(4);
  calls[0]!.answer({
    data: {
      _0: [
        { _k0: '1', delivery: 1 },
        { _k0: '2', delivery: 2 },
      ],
      _1: [{ _k0: '3', delivery: 3 }],
    },
  });
  expect(await answerOf(answer)).toEqual(entities({ delivery: 1 }, { delivery: 2 }, { delivery: 3 }, null));
});

it('subscribes at the source, and makes events of what it sends', async () => {
  const sdl = `
    type Query { by(author: ID!): [Post] }
    type Subscription { added: Post }
    type Post { id: ID! authorId: ID author: User @derive @is(field: "{ id: authorId }") }
    type User { id: ID! posts(author: ID! @require(field: "id")): [Post] @from(field: "by") }
  `;
  const events = new HeldSource<SubgraphEvent>();
  const { send, calls } = holdCalls();
  const subscribed: SubgraphRequest[] = [];
  const subscribe = subscribeSource(
    { subgraph: 'api', schema: sdl, policyOf: policyReader() },
    (request) => {
      subscribed.push(request);
      return Promise.resolve(events);
    },
    send,
  );
  const request = requestOf('subscription{added{id author{id posts{id}}}}');
  const source = await subscribe({ ...request, operation: { ...request.operation, kind: 'subscription' } });
  expect(subscribed[0]!.operation.document).toBe('subscription{added{id _d0:authorId}}');
  events.give({
    status: 200,
    headers: {},
    body: Buffer.from('{"data":{"added":{"id":1,"_d0":"u1"}}}'),
    position: '7',
  });
  const event = source.next();
  await settle();
  expect(calls[0]!.body).toMatchObject({
    query: expect.stringContaining('by(author:'),
    variables: { _0_0: 'u1' },
  });
  calls[0]!.answer({ data: { _0: [{ id: '1' }] } });
  const { body, position } = (await event)!;
  expect(position).toBe('7');
  expect(JSON.parse(body.toString())).toEqual({
    data: { added: { id: '1', author: { id: 'u1', posts: [{ id: '1' }] } } },
  });
  const gap = { status: 200, headers: {}, body: Buffer.from('{"data":null}'), isGap: true };
  events.give(gap);
  expect(await source.next()).toBe(gap);
  source.close();
  expect(events.isClosed).toBe(true);
});

it('looks up what needs no value that is null', async () => {
  const sdl = `
    type Query { product(id: ID!): Product @lookup }
    type Product { id: ID! name: String fee(weight: Int! @require(field: "weight")): Int }
  `;
  const { ask, calls } = open(sdl);
  const product = (id: string, weight: unknown) => ({ __typename: 'Product', id, weight });
  const answer = ask([product('1', 5), product('2', null)], '...on Product{name fee}');
  await settle();
  expect(calls[0]!.body.query).toMatch(
    '_0:product(id:$_0_0){name fee(weight:$_0_1)} _1:product(id:$_1_0){name}',
  );
  calls[0]!.answer({ data: { _0: { name: 'A', fee: 3 }, _1: { name: 'B' } } });
  expect(await answerOf(answer)).toEqual(entities({ name: 'A', fee: 3 }, { name: 'B', fee: null }));
});
