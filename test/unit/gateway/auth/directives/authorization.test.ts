import { buildSchema, getOperationAST, parse } from 'graphql';
import { Authorization, Policies } from '../../../../../gateway/auth/directives';
import { anonymous, createIdentity } from '../../../../../gateway/auth/identity';
import { fetchesOf } from '../../../../../gateway/execution';
import { buildQueryPlanner } from '../../../../support/own-planner';
import { compose } from '../../../../support/compose';
import { plannerOf } from '../../../../support/planning';

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
  import: ["@key", "@shareable", "@external", "@requires", "@interfaceObject", "@inaccessible", "@authenticated", "@requiresScopes", "@policy"])`;

const signedIn = createIdentity({ mode: 'oidc', subject: 'u1' });

function authorizationOf(
  subgraphs: Record<string, string>,
  { refused = 'null', met = [] }: { refused?: 'null' | 'reject'; met?: string[] } = {},
) {
  const { supergraph, plan } = buildQueryPlanner({
    supergraphSdl: compose(
      Object.fromEntries(Object.entries(subgraphs).map(([name, sdl]) => [name, link + sdl])),
    ),
  });
  const asked: string[][] = [];
  const authorization = new Authorization({
    facts: supergraph.protections,
    schema: buildSchema(supergraph.apiSchemaSdl.join('')),
    options: { refused, introspection: 'visible' },
    policies: new Policies({
      evaluate: async (policies) => {
        asked.push([...policies]);
        return Object.fromEntries(met.map((policy) => [policy, true]));
      },
      ttl: 60_000,
      logger: quiet as never,
    }),
    logger: quiet as never,
  });
  const accessTo = (operation: string) => {
    const document = parse(operation);
    return authorization.accessTo(document, getOperationAST(document)!);
  };
  return {
    asked,
    accessTo,
    /** The document without what is refused, and whether the planner was asked. */
    visible: async (operation: string, identity = anonymous) => {
      const refused = await accessTo(operation).decide(identity);
      let isPlanned = false;
      const document = await authorization.visiblePart(
        { document: operation, documentHash: '', operationName: undefined, refused },
        plannerOf((...asked) => {
          isPlanned = true;
          return plan(...asked);
        }),
      );
      return { document: document.replace(/\s+/g, ' ').trim(), isPlanned };
    },
    /** What is planned of an operation: each fetch as `subgraph: operation`. */
    fetches: async (operation: string, identity = anonymous) => {
      const refused = await accessTo(operation).decide(identity);
      const planned = await plannerOf(plan).run(operation, '', (planning) =>
        authorization.plan(
          { document: operation, documentHash: '', operationName: undefined, refused },
          planning,
        ),
      );
      if (planned.kind === 'rejected') return planned;
      return fetchesOf(planned.plan).map(({ node }) => `${node.serviceName}: ${node.operation}`);
    },
  };
}

const quiet = { warn: () => undefined, error: () => undefined };
const users = {
  a: `type Query { me: User @authenticated  user: User }
      type Mutation { rename: User @requiresScopes(scopes: [["write"]])  ping: Int }
      type User @key(fields: "id") { id: ID!  name: String  email: String @requiresScopes(scopes: [["read:email"]]) }`,
  b: `type User @key(fields: "id") { id: ID!  notes: [Note] @policy(policies: [["staff"], ["owner", "adult"]]) }
      type Note { text: String }`,
};

describe('what somebody may see', () => {
  it('is everything where nothing is asked for, at no cost', () => {
    const { accessTo } = authorizationOf(users);
    expect(accessTo('{ user { name } }').peek(anonymous)).toEqual([]);
  });

  it('depends on being somebody', () => {
    const access = authorizationOf(users).accessTo('{ me { name } }');
    expect(access.peek(anonymous)).toEqual(['authenticated']);
    expect(access.peek(createIdentity({ mode: 'api-key', client: 'app' }))).toEqual(['authenticated']);
    for (const mode of ['oidc', 'cognito', 'iam', 'lambda'] as const)
      expect(access.peek(createIdentity({ mode, subject: 'u1' }))).toEqual([]);
  });

  it('depends on scopes, also those of an API key', () => {
    const access = authorizationOf(users).accessTo('{ user { email } }');
    expect(access.peek(signedIn)).toEqual(['scopes [["read:email"]]']);
    expect(access.peek(createIdentity({ mode: 'oidc', scopes: ['read:email'] }))).toEqual([]);
    expect(access.peek(createIdentity({ mode: 'api-key', scopes: ['read:email'] }))).toEqual([]);
  });

  it.each([
    [[], false],
    [['owner'], false],
    [['staff'], true],
    [['owner', 'adult'], true],
  ])('depends on policies: with %j it is seen: %s', async (met, isSeen) => {
    const { accessTo, asked } = authorizationOf(users, { met });
    const access = accessTo('{ user { notes { text } } }');
    expect(access.peek(signedIn)).toBeUndefined();
    expect((await access.decide(signedIn)).length === 0).toBe(isSeen);
    expect(access.peek(signedIn)).toBeDefined();
    expect(asked).toEqual([['staff', 'owner', 'adult']]);
  });

  it('depends on what a Lambda authoriser denies, in either way of naming it', () => {
    const { accessTo } = authorizationOf(users);
    const denied = (...deniedFields: string[]) =>
      createIdentity({ mode: 'lambda', subject: 'u', deniedFields });
    expect(accessTo('{ user { name } }').peek(denied('User.name', 'User.other'))).toEqual(['User.name']);
    expect(
      accessTo('{ user { name } }').peek(
        denied('arn:aws:appsync:eu-west-1:111122223333:apis/abc/types/User/fields/name'),
      ),
    ).toEqual(['User.name']);
    expect(accessTo('{ user { id } }').peek(denied('User.name'))).toEqual([]);
  });

  it('is nothing for whom it is not clear what an authoriser denies', async () => {
    const access = authorizationOf(users).accessTo('{ user { name } }');
    for (const field of ['user.name', 'User.Name', 'query.user', 'User.*']) {
      const identity = createIdentity({ mode: 'lambda', subject: 'u', deniedFields: ['User.email', field] });
      expect(access.peek(identity)).toBeUndefined();
      expect(access.isOpenTo(identity)).toBe(false);
      await expect(access.decide(identity)).rejects.toMatchObject({
        extensions: { code: 'AUTHENTICATION_UNAVAILABLE' },
      });
    }
  });

  it('depends on all of the schema where that is asked for', () => {
    const access = authorizationOf(users).accessTo('{ __type(name: "User") { name } }');
    expect(access.peek(createIdentity({ mode: 'oidc', scopes: ['write'] }))).toBeUndefined();
  });
});

describe('the visible part of an operation', () => {
  it('is the operation as it was sent where nothing is refused, without a plan', async () => {
    const { visible } = authorizationOf(users);
    expect(await visible('{user{name}}')).toEqual({ document: '{user{name}}', isPlanned: false });
  });

  it('is what is left where something is refused', async () => {
    const { visible } = authorizationOf(users);
    const operation = '{ user { name email } me { name } }';
    expect(await visible(operation)).toEqual({ document: '{ user { name } }', isPlanned: true });
    expect(await visible(operation, signedIn)).toEqual({
      ...{ document: '{ user { name } me { name } }', isPlanned: true },
    });
  });

  it('is nothing but the type where all of it is rejected for that', async () => {
    const { visible } = authorizationOf(users, { refused: 'reject' });
    expect((await visible('{ user { name email } }')).document).toBe('{ __typename }');
    expect((await visible('{ user { name } }')).document).toBe('{ user { name } }');
  });
});

describe('what is refused is not asked for:', () => {
  it('a field, and the subgraph that alone has it', async () => {
    const { fetches } = authorizationOf(users);
    expect(await fetches('{ user { name email notes { text } } me { id } }')).toEqual(['a: {user{name}}']);
  });

  it('a mutation, while others are run', async () => {
    const { fetches } = authorizationOf(users);
    expect(await fetches('mutation { rename { name } ping }')).toEqual(['a: mutation{ping}']);
    expect(await fetches('mutation { rename { name } }')).toEqual([]);
  });

  it('whatever fragments and aliases it hides in', async () => {
    const { fetches } = authorizationOf(users);
    expect(
      await fetches(
        'query Q($v: Boolean!) { x: user { ...A @include(if: $v) ... @skip(if: $v) { y: email } } } fragment A on User { ...B id } fragment B on User { id: email }',
      ),
    ).toEqual([
      'a: query Q__a__0($v: Boolean!){x:user{__typename __typename@include(if:$v) id@include(if:$v) __typename@skip(if:$v)}}',
    ]);
  });

  it('a field of those implementations of an interface that hide it', async () => {
    const { fetches } = authorizationOf({
      a: `type Query { found: [Found] }
          union Found = Film | Book
          interface Media { title: String  related: Media }
          type Film implements Media { title: String @authenticated  related: Media }
          type Book implements Media { title: String  related: Media }`,
    });
    expect(
      await fetches('{ found { ... on Media { title } ... on Film { title } ... on Book { title } } }'),
    ).toEqual(['a: {found{__typename ...on Film{__typename} ...on Book{__typename title}}}']);
  });

  it('anything of members of a union that may not be seen', async () => {
    const { fetches } = authorizationOf({
      a: `type Query { found: [Found]  secrets: [Secret] }
          union Found = Film | Book
          union Secret = Film
          type Film @authenticated { title: String }
          type Book { title: String }`,
    });
    expect(await fetches('{ found { ... on Film { title } } secrets { __typename } }')).toEqual([
      'a: {found{__typename}}',
    ]);
  });

  it('a field that requires what is denied', async () => {
    const { fetches } = authorizationOf({
      a: `type Query { user: User } type User @key(fields: "id") { id: ID!  weight: Int  name: String }`,
      b: `type User @key(fields: "id") { id: ID!  weight: Int @external  price: Int @requires(fields: "weight") }`,
    });
    const denied = createIdentity({ mode: 'lambda', deniedFields: ['User.weight'] });
    expect(await fetches('{ user { name price } }', denied)).toEqual(['a: {user{name}}']);
  });

  describe('a key, and what is only to be had by it', () => {
    const keyed = {
      a: `type Query { user: User } type User @key(fields: "email") { email: String! @authenticated  name: String }`,
      b: `type User @key(fields: "email") @key(fields: "id") { email: String! @authenticated  id: ID!  age: Int }`,
      c: `type User @key(fields: "id") { id: ID!  size: Int }`,
    };

    it('is refused', async () => {
      const { fetches } = authorizationOf(keyed);
      expect(await fetches('{ user { name age } }')).toEqual(['a: {user{name}}']);
      expect(await fetches('{ user { name age } }', signedIn)).toHaveLength(2);
    });

    it('is refused over several subgraphs', async () => {
      const { fetches } = authorizationOf(keyed);
      expect(await fetches('{ user { name size } }')).toEqual(['a: {user{name}}']);
      expect(await fetches('{ user { name size } }', signedIn)).toHaveLength(3);
    });

    it('is refused where clients do not know it', async () => {
      const { fetches } = authorizationOf({
        a: `type Query { user: User } type User @key(fields: "key") { key: Secret! @inaccessible  name: String } scalar Secret @authenticated`,
        b: `type User @key(fields: "key") { key: Secret! @inaccessible  age: Int } scalar Secret`,
      });
      expect(await fetches('{ user { name age } }')).toEqual(['a: {user{name}}']);
    });
  });
});

it('rejects an operation where that is wanted, and names what was refused', async () => {
  const { fetches } = authorizationOf(users, { refused: 'reject' });
  expect(await fetches('{ user { name email } me { id } }')).toEqual({
    kind: 'rejected',
    fields: ['Query.me', 'User.email'],
  });
  expect(await fetches('{ user { name } }')).toEqual(['a: {user{name}}']);
});

it('refuses to expand interfaces within interfaces without bounds', async () => {
  const types = Array.from({ length: 12 }, (_, i) => `type T${i} implements I { a: I  b: Int }`);
  const { fetches } = authorizationOf({
    a: `type Query { u: U } interface I { a: I  b: Int } union U = X | T0
        ${types.join(' ')} type X implements I { a: I  b: Int }`,
  });
  const denied = createIdentity({ mode: 'lambda', deniedFields: ['T0.b', 'T1.a'] });
  let operation = '{ b }';
  for (let i = 0; i < 6; i++) operation = `{ a ${operation} }`;
  await expect(fetches(`{ u { ... on T2 ${operation} } }`, denied)).rejects.toMatchObject({
    extensions: { code: 'QUERY_TOO_COMPLEX' },
  });
});
