/** Objects that have a part of their entity: links and summaries. */
import { parse, validate, buildSchema } from 'graphql';
import { policyReader } from '../../../../../../gateway/cache/policy';
import { openSource } from '../../../../../../gateway/subgraph-calls/sources/open-source';
import { answerOf, type HeldCall, holdCalls } from '../../../../../support/held-send';
import type { Json } from '../../../../../support/running-gateway';
import { entitiesRequestOf, requestOf } from '../../../../../support/subgraph-request';

const plain = `
  type Query {
    me: User
    feed: [Item!]
    posts: [PostSummary!]
    named: [Named!]
    by(author: ID!): [PostSummary!]
    usersByIds(ids: [ID!]!): [User]!
    post(sku: String!, region: Int!): Post
  }
  union Item = PostSummary | Note
  interface Named { title: String }
  type Note implements Named { title: String text: String }
  type PostSummary implements Named { sku: String! region: Int! title: String }
  type Post implements Named { sku: String! region: Int! title: String body: String! authorId: ID fee(sku: String!): Int }
  type User { id: ID! name: String city: String friendId: ID friendIds: [ID!] }
`;
const sdl = `
  type Query {
    me: User
    feed: [Item!]
    posts: [PostSummary!]
    named: [Named!]
    by(author: ID!): [PostSummary!]
    usersByIds(ids: [ID!]! @is(field: "[id]")): [User]! @lookup @internal
    post(sku: String!, region: Int!): Post @lookup
  }
  union Item = PostSummary | Note
  interface Named { title: String }
  type Note implements Named { title: String text: String }
  type PostSummary implements Named @shape(of: "Post") { sku: String! region: Int! title: String }
  type Post implements Named {
    sku: String! region: Int! title: String body: String! authorId: ID
    author: User @derive @is(field: "{ id: authorId }")
    fee(sku: String! @require(field: "sku")): Int
  }
  type User {
    id: ID! name: String city: String friendId: ID friendIds: [ID!]
    friend: User @derive @is(field: "{ id: friendId }")
    friends: [User!] @derive @is(field: "friendIds[{ id: id }]")
    posts(author: ID! @require(field: "id")): [PostSummary!] @from(field: "by")
  }
`;

const schema = buildSchema(plain);

/** The answers of the source to a request, each by its call, and the answer to the request. */
async function ask(
  request: string | { readonly representations: readonly object[]; readonly selection: string },
  answers: readonly ((call: HeldCall) => object)[],
  variables: object = {},
): Promise<{
  readonly answer: Json;
  readonly queries: readonly string[];
  readonly calls: readonly HeldCall[];
}> {
  const { send, calls } = holdCalls();
  const interceptor = openSource({ subgraph: 'api', schema: sdl, policyOf: policyReader() });
  const source = interceptor((each) => {
    expect(validate(schema, parse(each.operation.document))).toEqual([]);
    return send(each);
  });
  const answer = source(
    typeof request === 'string' ? requestOf(request, variables) : entitiesRequestOf(request),
  );
  for (const [i, respond] of answers.entries()) {
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
    calls[i]!.answer(respond(calls[i]!));
  }
  const body = await answerOf(answer);
  expect(calls).toHaveLength(answers.length);
  return { answer: body, queries: calls.map(({ body: { query } }) => query), calls };
}

const users: Json = {
  u1: { id: 'u1', name: 'Ada', city: 'Delft', friendId: 'u2' },
  u2: { id: 'u2', name: 'Bo', city: 'Lille', friendId: 'u1' },
};
/** Answers a list lookup of users with all that they have. */
const usersOf = ({ body }: HeldCall) => ({
  data: {
    _0: body.variables._0_0.flatMap((id: string) =>
      users[id] ? [{ _k0: id, _d0: users[id].friendId, ...users[id] }] : [],
    ),
  },
});

describe('a link', () => {
  it('is looked up for what it does not have itself', async () => {
    const { answer, calls } = await ask('{me{name friend{__typename id name c:city}}}', [
      () => ({ data: { me: { name: 'Ada', _d0: 'u2' } } }),
      ({ body }) => ({ data: { _0: [{ _k0: body.variables._0_0[0], name: 'Bo', c: 'Lille' }] } }),
    ]);
    expect(calls[1]!.body).toMatchObject({
      query: 'query($_0_0:[ID!]!){_0:usersByIds(ids:$_0_0){_k0:id name c:city}}',
      variables: { _0_0: ['u2'] },
    });
    expect(answer).toEqual({
      data: { me: { name: 'Ada', friend: { __typename: 'User', id: 'u2', name: 'Bo', c: 'Lille' } } },
    });
  });

  it('costs no call where it has all that is selected, or is null', async () => {
    expect(await ask('{me{friend{__typename id}}}', [() => ({ data: { me: { _d0: 'u2' } } })])).toMatchObject(
      {
        answer: { data: { me: { friend: { __typename: 'User', id: 'u2' } } } },
      },
    );
    expect(await ask('{me{friend{name}}}', [() => ({ data: { me: { _d0: null } } })])).toMatchObject({
      answer: { data: { me: { friend: null } } },
    });
  });

  it('is followed as deep as is selected, in a circle', async () => {
    const { answer } = await ask('{me{friend{friend{friend{name}}}}}', [
      () => ({ data: { me: { _d0: 'u2' } } }),
      usersOf,
      usersOf,
      usersOf,
    ]);
    expect(answer.data.me.friend.friend.friend.name).toBe('Bo');
  });

  it('in lists is looked up with all others of the request, equal ones once', async () => {
    const representations = ['u2', 'u1', 'u2'].map((friendId, i) => ({
      __typename: 'User',
      id: `${i}`,
      friendId,
    }));
    const { answer, calls } = await ask({ representations, selection: '...on User{friend{id name}}' }, [
      usersOf,
    ]);
    expect(calls[0]!.body.variables).toEqual({ _0_0: ['u2', 'u1'] });
    expect(answer.data._entities.map(({ friend }: Json) => [friend.id, friend.name])).toEqual([
      ['u2', 'Bo'],
      ['u1', 'Ada'],
      ['u2', 'Bo'],
    ]);
  });

  it('keeps what it has where its entity is unknown; the rest is null without an error', async () => {
    const { answer } = await ask('{me{friend{id name friend{name}}}}', [
      () => ({ data: { me: { _d0: 'u9' } } }),
      usersOf,
    ]);
    expect(answer).toEqual({ data: { me: { friend: { id: 'u9', name: null, friend: null } } } });
  });

  it('keeps what it has where its lookup fails, with an error at each field that is lost', async () => {
    const { answer } = await ask('{me{friend{id name}}}', [
      () => ({ data: { me: { _d0: 'u2' } } }),
      () => ({ data: null, errors: [{ message: 'No.' }] }),
    ]);
    expect(answer).toEqual({
      data: { me: { friend: { id: 'u2', name: null } } },
      errors: [{ message: 'No.', path: ['me', 'friend', 'name'] }],
    });
  });

  it('has the errors of the fields of its lookup', async () => {
    const { answer } = await ask('{me{friend{n:name}}}', [
      () => ({ data: { me: { _d0: 'u2' } } }),
      () => ({ data: { _0: [{ _k0: 'u2', n: null }] }, errors: [{ message: 'No.', path: ['_0', 0, 'n'] }] }),
    ]);
    expect(answer).toEqual({
      data: { me: { friend: { n: null } } },
      errors: [{ message: 'No.', path: ['me', 'friend', 'n'] }],
    });
  });

  it('that is requested twice, under conditions, has what holds', async () => {
    const query =
      'query($x:Boolean!){me{friend{name@skip(if:$x)}...@include(if:$x){friend{city}}friend{id}}}';
    for (const x of [true, false]) {
      const { answer, queries } = await ask(query, [() => ({ data: { me: { _d0: 'u2' } } }), usersOf], { x });
      expect(queries[1]).toContain(`{_k0:id ${x ? 'city' : 'name'}}`);
      expect(answer.data.me.friend).toMatchObject(x ? { city: 'Lille' } : { name: 'Bo' });
    }
  });
});

describe('a summary', () => {
  const summary = (n: number) => ({ title: `T${n}`, _d0: 's', _d1: n });

  it('is looked up by its key for what it does not have, 15 in an operation', async () => {
    const { answer, calls } = await ask('{posts{title body}}', [
      () => ({ data: { posts: [summary(1), summary(2), summary(1)] } }),
      () => ({ data: { _0: { body: 'One' }, _1: { body: 'Two' } } }),
    ]);
    expect(calls.map(({ body }) => body)).toMatchObject([
      { query: 'query{posts{title _d0:sku _d1:region}}' },
      { variables: { _0_0: 's', _0_1: 1, _1_0: 's', _1_1: 2 } },
    ]);
    expect(answer.data.posts).toEqual([
      { title: 'T1', body: 'One' },
      { title: 'T2', body: 'Two' },
      { title: 'T1', body: 'One' },
    ]);
  });

  it('is so in unions and interfaces, beside other types', async () => {
    const { answer, queries } = await ask('{feed{__typename ...on Post{body}...on Note{text}}}', [
      () => ({
        data: {
          feed: [
            { _t: 'Note', __typename: 'Note', text: 'N' },
            { _t: 'PostSummary', __typename: 'PostSummary', _d0: 's', _d1: 1 },
          ],
        },
      }),
      () => ({ data: { _0: { body: 'One' } } }),
    ]);
    expect(queries[0]).toBe(
      'query{feed{_t:__typename __typename ...on PostSummary{_d0:sku _d1:region} ...on Note{text}}}',
    );
    expect(answer.data.feed).toEqual([
      { __typename: 'Note', text: 'N' },
      { __typename: 'Post', body: 'One' },
    ]);
    const named = await ask('{named{title ...on Post{body}}}', [
      () => ({ data: { named: [{ _t: 'PostSummary', title: 'T', _d0: 's', _d1: 1 }] } }),
      () => ({ data: { _0: null } }),
    ]);
    expect(named.answer).toEqual({ data: { named: [{ title: 'T', body: null }] } });
  });

  it('is so below calls, and has links and arguments of what it does not have', async () => {
    const { answer, queries } = await ask(
      {
        representations: [{ __typename: 'User', id: 'u1' }],
        selection: '...on User{posts{title fee author{name}}}',
      },
      [() => ({ data: { _0: [summary(1)] } }), () => ({ data: { _0: { _d2: 'u2', fee: 7 } } }), usersOf],
    );
    expect(queries[1]).toContain('_0:post(sku:$_0_0 region:$_0_1){fee(sku:$_0_2) _d2:authorId}');
    expect(answer.data._entities).toMatchObject([
      { posts: [{ title: 'T1', fee: 7, author: { name: 'Bo' } }] },
    ]);
  });

  it('that cannot be looked up for a failure has errors where it is requested', async () => {
    const { answer } = await ask('{posts{title b:body}}', [
      () => ({ data: { posts: [summary(1)] } }),
      () => ({ data: { _0: null }, errors: [{ message: 'No.', path: ['_0', 'b'] }] }),
    ]);
    expect(answer).toEqual({
      data: { posts: [{ title: 'T1', b: null }] },
      errors: [{ message: 'No.', path: ['posts', 0, 'b'] }],
    });
  });
});

it('sends 1,000 operations for a request at most', async () => {
  const { send, calls } = holdCalls();
  const source = openSource({ subgraph: 'api', schema: sdl, policyOf: policyReader() })((request) => {
    const call = send(request);
    const { body, answer } = calls.at(-1)!;
    const aliases = Object.keys(body.variables).filter((name) => name.endsWith('_0'));
    if (calls.length === 1)
      answer({ data: { posts: Array.from({ length: 15_100 }, (_, n) => ({ _d0: 's', _d1: n })) } });
    else answer({ data: Object.fromEntries(aliases.map((name) => [name.slice(0, -2), { body: 'B' }])) });
    return call;
  });
  const { data, errors } = await answerOf(source(requestOf('{posts{body}}')));
  expect(calls).toHaveLength(1_001);
  expect(data.posts.filter(({ body }: Json) => body === 'B')).toHaveLength(15_000);
  expect(errors).toHaveLength(100);
  expect(errors[0]).toMatchObject({
    path: ['posts', 15_000, 'body'],
    extensions: { code: 'MAX_SUBGRAPH_CALLS_LIMIT' },
  });
});
