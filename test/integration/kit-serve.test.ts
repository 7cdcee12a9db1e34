/** What a subgraph of the kit says over HTTP. Over 300 lines: one subgraph serves for all of it. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import {
  SubgraphError,
  defineSubgraph,
  defineTable,
  entityLoader,
  relationLoader,
  requireIdentity,
  startSubgraph,
  type ConnectionArgs,
  type Database,
  type Identity,
  type Resolvers,
  type RunningSubgraph,
} from '../../kit';
import { temporaryFolder } from '../support/subgraph-kit';

interface Book {
  id: string;
  shelf: string;
  title: string;
}
const booksTable = defineTable<Book>()({
  name: 'books',
  partitionKey: 'id',
  indexes: { byShelf: { partitionKey: 'shelf', sortKey: 'id' } },
  seed: () => Array.from({ length: 30 }, (_, i) => ({ id: `b${i}`, shelf: `s${i % 2}`, title: `Book ${i}` })),
});

const folder = temporaryFolder();
const schema = folder.write(
  'schema.graphql',
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
enum CacheControlScope { PUBLIC PRIVATE }
type Mutation { takes(milliseconds: Int!): String }
type Query {
  book(id: ID!): Book
  note: Note
  fails(how: String!): String
  waits(milliseconds: Int!): String
  seen: Seen
}
type Book @key(fields: "id") @cacheControl(maxAge: 60) { id: ID! title: String }
type Shelf @key(fields: "id") @cacheControl(maxAge: 30) { id: ID! books(first: Int, after: String): [Book] }
type Note @key(fields: "id") @cacheControl(maxAge: 60, scope: PRIVATE) { id: ID! text: String }
type Plain @key(fields: "id") { id: ID! }
type Seen { identity: String option: String headers: String }
`,
);

const createLoaders = (db: Database) => {
  const books = db.table(booksTable);
  return { book: entityLoader(books), booksOfShelf: relationLoader(books, { index: 'byShelf' }) };
};
interface Context {
  loaders: ReturnType<typeof createLoaders>;
  identity: Identity | null;
  option: string;
  headers: Readonly<Record<string, string>>;
  signal: AbortSignal;
}
const aborted: string[] = [];
const carriedThrough: string[] = [];

const resolvers: Resolvers<Context> = {
  Query: {
    book: (_: unknown, args: { id: string }, { loaders }) => loaders.book.load(args),
    note: () => ({ id: 'n1', text: 'mine' }),
    fails: (_: unknown, { how }: { how: string }, { identity }) => {
      if (how === 'typed') throw new SubgraphError('OUT_OF_STOCK', 'Only 2 are left.', { left: 2 });
      if (how === 'identity') requireIdentity(identity);
      throw new Error('SELECT * FROM secrets at /srv/app.ts');
    },
    waits: (_: unknown, { milliseconds }: { milliseconds: number }, { signal }) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve('done'), milliseconds);
        signal.addEventListener('abort', () => {
          aborted.push('waits');
          clearTimeout(timer);
          resolve('aborted');
        });
      }),
    seen: (_: unknown, __: unknown, { identity, option, headers }) => ({
      identity: identity?.id,
      option,
      headers: JSON.stringify(headers),
    }),
  },
  Mutation: {
    takes: async (_: unknown, { milliseconds }: { milliseconds: number }, { signal }) => {
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      carriedThrough.push(signal.aborted ? 'aborted' : 'done');
    },
  },
  Book: {
    __resolveReference: (reference: { id: string }, { loaders }: Context) => loaders.book.load(reference),
  },
  Shelf: {
    __resolveReference: (reference: { id: string }) => reference,
    books: async ({ id }: { id: string }, args: ConnectionArgs, { loaders }) =>
      (await loaders.booksOfShelf.load(id, args)).edges.map((edge) => edge.node),
  },
  Note: { __resolveReference: ({ id }: { id: string }) => ({ id, text: 'mine' }) },
};

const library = defineSubgraph({
  name: 'library',
  schema,
  resolvers,
  tables: [booksTable],
  options: { greetingText: { description: 'A text.', default: 'hello' } },
  context: ({ db, identity, options, propagation, signal }): Context => ({
    loaders: createLoaders(db),
    identity,
    option: options.greetingText,
    headers: propagation,
    signal,
  }),
});

const settings = { port: 0, logLevel: 'silent' };
let running: RunningSubgraph;
beforeAll(async () => (running = await startSubgraph(library, settings)));
afterAll(async () => {
  await running.stop();
  folder.remove();
});

async function send(query: string, variables: object = {}, headers: Record<string, string> = {}) {
  const response = await fetch(running.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, data, errors };
}
const entities = (representations: object[], selection: string) =>
  send(`query($r: [_Any!]!) { _entities(representations: $r) { ${selection} } }`, { r: representations });

describe('a subgraph', () => {
  it.each(['__proto__', 'constructor'])('takes variables with the name %s as any other', async (name) => {
    const query = `query($${name}: ID!) { book(id: $${name}) { title } }`;
    const variables = (value: string) => JSON.parse(`{"${name}": ${value}}`) as object;
    expect((await send(query, variables('"b3"'))).data).toEqual({ book: { title: 'Book 3' } });
    expect((await send(query)).errors[0].extensions.code).toBe('BAD_USER_INPUT');
    // One that the operation does not know.
    const unknown = variables('{ "prototype": { "polluted": "yes" } }');
    expect((await send('{ book(id: "b3") { title } }', unknown)).data).toEqual({ book: { title: 'Book 3' } });
    expect({}).not.toHaveProperty('polluted');
  });

  it('answers queries and entity references from its table', async () => {
    expect((await send('{ book(id: "b3") { title } }')).data).toEqual({ book: { title: 'Book 3' } });
    const { data } = await entities(
      [
        { __typename: 'Book', id: 'b1' },
        { __typename: 'Shelf', id: 's1' },
        { __typename: 'Book', id: 'none' },
      ],
      '... on Book { title } ... on Shelf { books(first: 2) { id } }',
    );
    expect(data._entities).toEqual([{ title: 'Book 1' }, { books: [{ id: 'b1' }, { id: 'b11' }] }, null]);
  });

  it('tells its schema', async () => {
    expect((await send('{ _service { sdl } __schema { queryType { name } } }')).data._service.sdl).toContain(
      '@key',
    );
  });

  it.each([
    ['what is cacheable', '{ book(id: "b1") { title } }', 'max-age=60, public'],
    ['what is personal', '{ note { text } }', 'max-age=60, private'],
    ['what has no hint', '{ seen { option } }', 'no-store'],
  ])('says in Cache-Control how long %s lives', async (_, query, expected) => {
    expect((await send(query)).headers.get('cache-control')).toBe(expected);
  });

  it.each([
    ['cacheable types', [{ __typename: 'Book', id: 'b1' }], 'max-age=60, public'],
    [
      'the strictest of several types',
      [
        { __typename: 'Book', id: 'b1' },
        { __typename: 'Shelf', id: 's0' },
      ],
      'max-age=30, public',
    ],
    [
      'a personal type',
      [
        { __typename: 'Book', id: 'b1' },
        { __typename: 'Note', id: 'n1' },
      ],
      'max-age=60, private',
    ],
    [
      'a type without a hint',
      [
        { __typename: 'Book', id: 'b1' },
        { __typename: 'Plain', id: 'x' },
      ],
      'no-store',
    ],
  ])('says in Cache-Control how long entities live: %s', async (_, representations, expected) => {
    const { headers, errors } = await entities(representations, '__typename ... on Book { title }');
    expect(errors).toBeUndefined();
    expect(headers.get('cache-control')).toBe(expected);
  });

  it('gives its context the caller, its options and the headers to pass on', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { data, headers } = await send(
      '{ seen { identity option headers } }',
      {},
      {
        authorization: 'Bearer u1',
        'x-request-id': 'request:1',
        traceparent,
        tracestate: 'a=b',
      },
    );
    expect(data.seen).toMatchObject({ identity: 'u1', option: 'hello' });
    const passedOn = JSON.parse(data.seen.headers);
    expect(passedOn).toMatchObject({ 'x-request-id': 'request:1', traceparent, tracestate: 'a=b' });
    expect(headers.get('x-request-id')).toBe('request:1');
  });
});

it('refuses to work out more than it can, before it reads anything', async () => {
  const shelves = Array.from({ length: 100 }, (_, i) => ({ __typename: 'Shelf', id: `s${i}` }));
  const { status, errors, data } = await entities(shelves, '... on Shelf { books(first: 2000) { title } }');
  expect([status, data, errors[0].extensions]).toEqual([400, undefined, { code: 'TOO_LARGE' }]);
});

describe('an error', () => {
  it('passes with its facts when it was thrown on purpose', async () => {
    const { status, errors } = await send('{ fails(how: "typed") }');
    expect(status).toBe(200);
    expect(errors).toEqual([
      {
        message: 'Only 2 are left.',
        path: ['fails'],
        locations: expect.anything(),
        extensions: { code: 'OUT_OF_STOCK', left: 2 },
      },
    ]);
    expect((await send('{ fails(how: "identity") }')).errors?.[0].extensions).toEqual({
      code: 'UNAUTHENTICATED',
    });
  });

  it.each([
    ['malformed JSON', { body: '{' }, 400, 'BAD_REQUEST'],
    ['a large body', { body: JSON.stringify({ query: 'x'.repeat(5_000_000) }) }, 413, 'PAYLOAD_TOO_LARGE'],
    [
      'another content type',
      { body: 'x', headers: { 'content-type': 'text/csv' } },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['another method', { method: 'DELETE', body: undefined, headers: {} }, 405, 'METHOD_NOT_ALLOWED'],
    ['an unknown field', { body: '{"query":"{ nope }"}' }, 400, 'GRAPHQL_VALIDATION_FAILED'],
  ])('is JSON with a code for %s', async (_, init, status, code) => {
    const response = await fetch(running.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...init,
    } as RequestInit);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] });
  });

  it('answers a simple cross-site request without running it', async () => {
    const response = await fetch(`${running.url}?query={__typename}`);
    expect(response.status).toBe(400);
  });
});

describe('authenticate', () => {
  it('refuses a request by throwing', async () => {
    const strict = {
      ...library,
      authenticate: () => {
        throw new SubgraphError('UNAUTHENTICATED', 'The token has expired.');
      },
    };
    const { app, stop } = await startSubgraph(strict, settings);
    const payload = { query: '{ __typename }' };
    const response = await app.inject({ method: 'POST', url: '/graphql', payload });
    expect(response.statusCode).toBe(401);
    expect(response.json()).toEqual({
      errors: [{ message: 'The token has expired.', extensions: { code: 'UNAUTHENTICATED' } }],
    });
    await stop();
  });
});

describe('the start', () => {
  const start = (more: object, own: object = {}) =>
    startSubgraph({ ...library, ...own }, { ...settings, ...more });

  it('takes the values of its options from the settings', async () => {
    const own = await start({ options: { greetingText: 'hi', other: 'x' } });
    const payload = { query: '{ seen { option } }' };
    const response = await own.app.inject({ method: 'POST', url: '/graphql', payload });
    expect(response.json()).toEqual({ data: { seen: { option: 'hi' } } });
    await own.stop();
  });

  it('needs no tables, and no DynamoDB then', async () => {
    const data = join(folder.path, 'no-data');
    const own = await start({ database: { kind: 'embedded', folder: data } }, { tables: undefined });
    expect((await own.app.inject('/health/ready')).statusCode).toBe(200);
    expect(existsSync(data)).toBe(false);
    await expect(own.db.table(booksTable).get({ id: 'b1' })).rejects.toThrow(
      'This subgraph states no `tables`, so that it has no database.',
    );
    await own.stop();
  });

  const hasIPv6 = Object.values(networkInterfaces()).some((all) =>
    all?.some(({ address }) => address === '::1'),
  );
  (hasIPv6 ? it : it.skip)('says where it is at an address of IPv6, too', async () => {
    const own = await start({ host: '::1' });
    expect(own.url).toMatch(/^http:\/\/\[::1\]:\d+\/graphql$/);
    expect((await fetch(new URL('/health/ready', own.url))).status).toBe(200);
    await own.stop();
  });

  it('fails in one sentence when its tables are of another kind, and leaves nothing open', async () => {
    const data = { database: { kind: 'embedded', folder: join(folder.path, 'data') } };
    await (await start(data)).stop();
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    await new Promise((closed) => probe.close(closed));
    const tables = [defineTable<Book>()({ name: 'books', partitionKey: 'title' })];
    await expect(start({ ...data, port }, { tables })).rejects.toThrow(
      'The table "books" has the keys id, but the code wants title: ',
    );
    await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow();
    // The folder is nobody's again.
    await (await start(data)).stop();
  });
});

describe('the end', () => {
  it('waits for no connection that is opened and not used', async () => {
    const own = await startSubgraph(library, settings);
    const socket = connect(Number(new URL(own.url).port), '127.0.0.1');
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await own.stop();
    await closed;
  });

  it('aborts what nobody waits for', async () => {
    aborted.length = 0;
    const controller = new AbortController();
    const answer = fetch(running.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ waits(milliseconds: 5000) }' }),
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 100);
    await expect(answer).rejects.toThrow();
    while (aborted.length === 0) await new Promise(setImmediate);
    expect(aborted).toEqual(['waits']);
  });

  it('carries a mutation through that nobody waits for', async () => {
    const controller = new AbortController();
    const answer = fetch(running.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'mutation { takes(milliseconds: 300) }' }),
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 100);
    await expect(answer).rejects.toThrow();
    while (carriedThrough.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(carriedThrough).toEqual(['done']);
  });

  it('fails readiness, answers what is in flight and closes', async () => {
    const own = await startSubgraph(library, settings);
    const origin = new URL(own.url).origin;
    expect(await (await fetch(`${origin}/health/ready`)).json()).toEqual({ status: 'ready' });
    expect((await fetch(`${origin}/health/live`)).status).toBe(200);

    const answer = fetch(own.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ waits(milliseconds: 300) }' }),
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const stopped = own.stop();
    expect((await own.app.inject('/health/ready')).json()).toEqual({
      status: 'not ready',
      reasons: ['draining'],
    });
    expect(await (await answer).json()).toEqual({ data: { waits: 'done' } });
    await stopped;
    await expect(fetch(own.url)).rejects.toThrow();
  });

  it('is one sentence when it cannot start', async () => {
    const port = Number(new URL(running.url).port);
    await expect(startSubgraph(library, { ...settings, port })).rejects.toThrow(
      `Port ${port} is in use; choose another one with --port.`,
    );
    const broken = folder.write('broken.graphql', 'type Query {\n  a: \n}');
    await expect(startSubgraph(library, { ...settings, schema: broken })).rejects.toThrow(
      `The schema ${broken}:3:1 is not valid: Syntax Error: Expected Name, found "}".`,
    );
    await expect(startSubgraph(library, { ...settings, schema: 'none.graphql' })).rejects.toThrow(
      'cannot be read',
    );
  });
});
