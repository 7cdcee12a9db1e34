/**
 * The examples of docs/extending.md, run as they stand there, and what the page says of hooks, interceptors and plugins. Over
 * 300 lines: as long as the page.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ApolloServerPlugin } from '@apollo/server';
import { transformSync } from '@swc/core';
import { GraphQLError } from 'graphql';
import type { GatewayOptions, Send } from '../../gateway';
import { eventually } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

let people: TestSubgraph;
let issuer: TokenIssuer;
let gateway: TestGateway | undefined;

beforeAll(async () => {
  issuer = await startTokenIssuer();
  people = await startSubgraph({
    name: 'people',
    typeDefs:
      'type Query { me: Person tenant: String } type Mutation { rename: String } type Person { name: String email: String }',
    resolvers: {
      Query: {
        me: () => ({ name: 'Ada', email: 'ada@shop.example' }),
        tenant: (_: unknown, __: unknown, headers: Json) => headers['x-tenant'],
      },
    },
  });
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  people.headers = {};
  people.requests.length = 0;
});
afterAll(async () => {
  await Promise.all([people.close(), issuer.close()]);
});

/** What an example of the page exports, by the heading that it stands under. */
function exampleUnder(heading: string): Json {
  const page = readFileSync(join(__dirname, '../../docs/extending.md'), 'utf8');
  const [, section] = page.split(`### ${heading}\n`);
  const [, source] = section!.split('```ts\n');
  const [code] = source!.split('```');
  const compiled = transformSync(code!, {
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
  });
  const load = createRequire(__filename);
  const exported: Json = {};
  // oxlint-disable-next-line typescript/no-implied-eval -- it is our own page
  new Function('exports', 'require', compiled.code)(exported, (name: string) =>
    name === 'weir'
      ? { startGateway: (given: unknown) => given }
      : name === 'graphql'
        ? { GraphQLError }
        : (load(name) as unknown),
  );
  return exported;
}

/** Starts a gateway by an example: `startGateway` of the page is that of the tests. */
const startBy = (example: Json, options: Json = {}): Promise<TestGateway> => startOwn(example.start(options));

const startOwn = (options: GatewayOptions): Promise<TestGateway> =>
  startTestGateway({
    supergraph: sourceOf(compose([people])),
    auth: { oidc: [{ issuer: issuer.url, audience: 'shop', groupsClaim: 'groups' }] },
    mode: 'production',
    headers: { forward: [] },
    ...options,
  });

async function ask(query: string, claims: Json = {}): Promise<Response> {
  const authorization = `Bearer ${await issuer.token(claims)}`;
  return gateway!.post({ query }, { headers: { authorization } });
}
const bodyOf = async (query: string, claims: Json = {}): Promise<Json> => (await ask(query, claims)).json();

describe('a header from a claim', () => {
  it('reaches subgraphs, and separates what is shared and kept', async () => {
    people.headers = { 'cache-control': 'private, max-age=60' };
    gateway = await startBy(exampleUnder('A header from a claim'));
    const tenants = ['a', 'b', 'a', 'b'];
    const answers = await Promise.all(
      tenants.map((tenant) => bodyOf('{ tenant }', { tenant, sub: 'same user' })),
    );
    expect(answers.map(({ data }) => data.tenant)).toEqual(tenants);
    for (const tenant of tenants)
      expect(await bodyOf('{ tenant }', { tenant, sub: 'same user' })).toEqual({ data: { tenant } });
    expect(people.requests.length).toBe(2);
  });

  it('is demanded where the hook throws without it', async () => {
    gateway = await startBy(exampleUnder('A header from a claim'));
    const response = await ask('{ tenant }');
    expect([response.status, await response.json()]).toEqual([
      403,
      { errors: [{ message: 'Your token names no tenant.', extensions: { code: 'FORBIDDEN' } }] },
    ]);
    expect(people.requests).toEqual([]);
  });

  it('cannot be one that subgraphs know their gateway by, or one with a line break', async () => {
    const said: string[] = [];
    const tries = [
      ['content-length', '1'],
      ['weir-identity', 'root'],
      ['x-a', 'b\r\nx-c: d'],
      ['traceparent', '00-1-2-00'],
    ] as const;
    gateway = await startOwn({
      hooks: {
        onRequest(request) {
          for (const [name, value] of tries) {
            try {
              request.forward(name, value);
            } catch (error) {
              said.push((error as Error).message);
            }
          }
        },
        onOperation(request) {
          expect(() => request.forward('x-late', '1')).toThrow('must be forwarded in `onRequest`');
        },
      },
    });
    expect((await ask('{ tenant }')).status).toBe(200);
    expect(said).toHaveLength(tries.length);
    expect(people.requests.flatMap(({ headers }) => Object.keys(headers))).not.toContain('x-c');
  });
});

describe('a field that not everybody sees', () => {
  const query = '{ me { name email } }';
  const masked = { data: { me: { name: 'Ada', email: null } } };
  const whole = { data: { me: { name: 'Ada', email: 'ada@shop.example' } } };

  it.each([['no cache may keep'], ['the response cache keeps']])(
    'is masked for each of two identities at once, of an answer that %s',
    async (kind) => {
      if (kind.startsWith('the')) people.headers = { 'cache-control': 'public, max-age=60' };
      gateway = await startBy(exampleUnder('Masking a field'));
      for (let i = 0; i < 5; i++) {
        const [staff, user, nobody] = await Promise.all([
          ask(query, { sub: 's', groups: ['support'] }),
          ask(query, { sub: 'u', groups: ['web'] }),
          ask(query, { sub: 'v' }),
        ]);
        expect([await staff.json(), await user.json(), await nobody.json()]).toEqual([whole, masked, masked]);
        for (const each of [staff, user, nobody]) {
          expect(each.headers.get('cache-control')).toBe('no-store');
          expect(each.headers.get('etag')).toBeNull();
        }
      }
      if (kind.startsWith('the')) expect(people.requests).toHaveLength(1);
    },
  );

  it('is masked in a batch, too', async () => {
    gateway = await startBy(exampleUnder('Masking a field'), { limits: { batch: 3 } });
    const authorization = `Bearer ${await issuer.token({ groups: ['web'] })}`;
    for (let i = 0; i < 2; i++) {
      const response = await gateway.post([{ query }, { query: '{ me { name } }' }], {
        headers: { authorization },
      });
      expect(await response.json()).toEqual([masked, { data: { me: { name: 'Ada' } } }]);
    }
  });
});

it('times each call of a subgraph', async () => {
  const example = exampleUnder('The time of each call');
  gateway = await startBy(example);
  await ask('{ me { name } }');
  await ask('{ me { email } }');
  expect(example.times.get('people')).toHaveLength(2);
});

it('has an interceptor see no call that a cache answers, and fails the fields of one that it rejects', async () => {
  people.headers = { 'cache-control': 'public, max-age=60' };
  let calls = 0;
  gateway = await startOwn({
    interceptors: [
      (next) => (request) => {
        calls++;
        return request.operation.document.includes('email')
          ? Promise.reject(new Error('mine'))
          : next(request);
      },
    ],
  });
  for (let i = 0; i < 3; i++)
    expect(await bodyOf('{ me { name } }')).toEqual({ data: { me: { name: 'Ada' } } });
  expect(calls).toBe(1);
  const { data, errors } = await bodyOf('{ me { email } }');
  expect([data, errors[0].extensions.code]).toEqual([{ me: null }, 'SUBREQUEST_HTTP_ERROR']);
  expect(JSON.stringify(errors)).not.toContain('mine');
});

describe('an interceptor that breaks its promise', () => {
  const body = Buffer.from('{"data":{"me":null}}');
  const broken: Record<string, Send> = {
    'resolves with undefined': () => Promise.resolve(undefined as never),
    'resolves with null': () => Promise.resolve(null as never),
    'resolves with an empty object': () => Promise.resolve({} as never),
    'resolves without headers': () => Promise.resolve({ status: 200, body } as never),
    'resolves with headers that are null': () =>
      Promise.resolve({ status: 200, headers: null, body } as never),
    'resolves with a status that is no number': () =>
      Promise.resolve({ status: '200', headers: {}, body } as never),
    'resolves with a body that is text': () =>
      Promise.resolve({ status: 200, headers: {}, body: '{"data":{"me":null}}' } as never),
    'returns undefined': () => undefined as never,
    'returns an answer and no promise': () => ({ status: 200, headers: {} }) as never,
    'throws at once': () => {
      throw new Error('mine');
    },
    'throws undefined at once': () => {
      // oxlint-disable-next-line typescript/only-throw-error -- that is the case
      throw undefined;
    },
    'rejects with an error of its own': () => Promise.reject(new Error('mine')),
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is the case
    'rejects with undefined': () => Promise.reject(),
    'rejects with text': () =>
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is the case
      Promise.reject('mine'),
  };
  const operations = ['{ me { name } }', 'mutation { rename }'];
  const field = { [operations[0]!]: 'me', [operations[1]!]: 'rename' };
  // As calls are made, and as each is made alone.
  const ways: readonly GatewayOptions[] = [
    {},
    { calls: { batch: false, dedupe: false }, retries: { max: 0 } },
  ];

  it.each(Object.keys(broken))('fails the fields of a call where it %s', async (how) => {
    for (const options of ways) {
      gateway = await startOwn({ ...options, interceptors: [() => broken[how]!] });
      for (const operation of operations) {
        const { data, errors } = await bodyOf(operation);
        expect(data).toEqual({ [field[operation]!]: null });
        expect(errors).toEqual([
          expect.objectContaining({
            message: 'Subgraph "people" failed to answer.',
            extensions: { code: 'SUBREQUEST_HTTP_ERROR', service: 'people' },
          }),
        ]);
      }
      const lines = gateway.log.filter(({ subgraph }) => subgraph === 'people');
      expect(lines.map(({ msg }) => msg)).toEqual(Array(2).fill('Subgraph "people" failed to answer.'));
      for (const { err } of lines) expect(err.message ?? err).toMatch(/^mine$|^An interceptor must/);
      // It serves the next one, and ends as ever.
      expect((await ask('{ __typename }')).status).toBe(200);
      await gateway.stop();
      gateway = undefined;
    }
  });

  it('has its call end after the deadline where it never settles, so that others can call the subgraph', async () => {
    gateway = await startOwn({
      ...{ timeouts: { request: 300 }, calls: { concurrency: 1 } },
      interceptors: [
        (next) => (request) =>
          request.operation.document.includes('email') ? new Promise(() => undefined) : next(request),
      ],
    });
    expect((await ask('{ me { email } }')).status).toBe(504);
    await eventually(async () => (await ask('{ me { name } }')).status === 200);
  });

  it('changes nothing any more in a response that it has resolved with', async () => {
    gateway = await startOwn({
      interceptors: [
        () => () => {
          let reads = 0;
          const response = {
            status: 200,
            body,
            get headers() {
              return reads++ === 0 ? {} : null;
            },
          };
          return Promise.resolve(response as never);
        },
      ],
    });
    expect(await bodyOf('{ me { name } }')).toEqual({ data: { me: null } });
  });

  it('gives what is inside its failure to who stands outside', async () => {
    const seen: unknown[] = [];
    gateway = await startOwn({
      interceptors: [
        (next) => (request) =>
          next(request).catch((error: unknown) => {
            seen.push(error);
            throw error;
          }),
        () => () => Promise.reject(new Error('mine')),
      ],
    });
    expect((await bodyOf('{ me { name } }')).data).toEqual({ me: null });
    expect(seen).toEqual([new Error('mine')]);
  });
});

it('has `onOperation` refuse, and tells nobody what else a hook threw', async () => {
  gateway = await startOwn({
    hooks: {
      onOperation(_, { name, type, variables }) {
        if (name === 'Secret')
          throw new GraphQLError(`No ${type} ${JSON.stringify(variables)}.`, {
            extensions: { code: 'MINE' },
          });
        if (name === 'Broken') throw new Error('the password is 1234');
      },
    },
  });
  for (let i = 0; i < 2; i++) {
    const refused = await ask('query Secret { tenant }');
    expect([refused.status, await refused.json()]).toEqual([
      500,
      { errors: [{ message: 'No query {}.', extensions: { code: 'MINE' } }] },
    ]);
    const broken = await ask('query Broken { tenant }');
    expect([broken.status, await broken.text()]).toEqual([500, expect.not.stringContaining('1234')]);
  }
  expect(people.requests).toEqual([]);
  expect(gateway.log.filter(({ msg }) => msg === 'a request failed')).toHaveLength(2);
});

it.each(['public', 'private'])('keeps a %s answer apart by a header that a hook added', async (scope) => {
  people.headers = { 'cache-control': `${scope}, max-age=60`, vary: 'x-tenant' };
  gateway = await startOwn({
    hooks: { onRequest: (request) => request.forward('x-tenant', String(request.identity.claims['tenant'])) },
  });
  for (let i = 0; i < 2; i++)
    for (const tenant of ['a', 'b']) {
      const response = await ask('{ tenant }', { tenant, sub: 'same user' });
      expect(await response.json()).toEqual({ data: { tenant } });
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
});

it('asks `onOperation` also for what is answered from a cache, whoever asked before', async () => {
  people.headers = { 'cache-control': 'public, max-age=60' };
  gateway = await startOwn({
    hooks: {
      onOperation({ identity }) {
        if (identity.subject === 'bad')
          throw new GraphQLError('No.', { extensions: { code: 'FORBIDDEN', http: { status: 403 } } });
      },
    },
  });
  const seen = [];
  for (const sub of ['bad', 'good', 'bad', 'good', 'bad'])
    seen.push((await ask('{ me { name } }', { sub })).status);
  expect(seen).toEqual([403, 200, 403, 200, 403]);
});

it.each<[string, object]>([
  ['a status that is none', { http: { status: 99 } }],
  ['a status without a body', { http: { status: 101 } }],
  ['a status that is no number', { http: { status: 'abc' } }],
  ['headers that are no map', { http: { status: 400, headers: { a: 'b' } } }],
  ['a header with a line break', { http: { status: 400, headers: new Map([['x-a', 'b\r\nx-c: d']]) } }],
  ['extensions that are no JSON', { big: 1n }],
])('survives an error of a hook with %s', async (_, extensions) => {
  const fail = () => {
    throw new GraphQLError('No.', { extensions: { code: 'MINE', ...extensions } });
  };
  for (const hooks of [{ onRequest: fail }, { onOperation: fail }, { onAnswer: fail }]) {
    const own = await startOwn({ hooks, limits: { batch: 2 }, auth: {} });
    for (const body of [{ query: '{ me { name } }' }, [{ query: '{ me { name } }' }]]) {
      const response = await own.post(body);
      expect([response.status, await response.text()]).toEqual([
        500,
        expect.stringContaining('INTERNAL_SERVER_ERROR'),
      ]);
    }
    expect(own.log.some(({ msg }) => msg === 'a request failed')).toBe(true);
    await own.stop();
  }
});

it('answers the other operations of a batch where a hook fails for one', async () => {
  gateway = await startOwn({
    limits: { batch: 3 },
    auth: {},
    hooks: {
      onOperation(_, { name }) {
        if (name === 'Bad') throw new Error('mine');
      },
    },
  });
  const response = await gateway.post([{ query: 'query Bad { tenant }' }, { query: '{ me { name } }' }]);
  const [bad, good] = (await response.json()) as Json;
  expect([response.status, bad.errors[0].extensions.code, good]).toEqual([
    500,
    'INTERNAL_SERVER_ERROR',
    { data: { me: { name: 'Ada' } } },
  ]);
});

it('refuses at the start what is no hook', async () => {
  await expect(startOwn({ hooks: { onRequst: () => undefined } as never })).rejects.toThrow(
    '`hooks.onRequst` is unknown; known here: onRequest, onOperation, onAnswer.',
  );
  await expect(startOwn({ hooks: { onRequest: 5 } as never })).rejects.toThrow(
    'must be a function, but got: 5',
  );
});

it('has plugins of Apollo Server see an operation when it is new, and no answer', async () => {
  const events: string[] = [];
  const plugin: ApolloServerPlugin = {
    requestDidStart: async () => {
      events.push('requestDidStart');
      const note = (event: string) => async () => void events.push(event);
      return {
        didResolveSource: note('didResolveSource'),
        parsingDidStart: note('parsingDidStart'),
        validationDidStart: note('validationDidStart'),
        didResolveOperation: note('didResolveOperation'),
        executionDidStart: note('executionDidStart'),
        didEncounterErrors: note('didEncounterErrors'),
        willSendResponse: async ({ response }) =>
          void events.push(`willSendResponse ${JSON.stringify(response.body)}`),
      };
    },
  };
  gateway = await startOwn({ plugins: [plugin] });
  const isNew = [
    ...[
      'requestDidStart',
      'didResolveSource',
      'parsingDidStart',
      'validationDidStart',
      'didResolveOperation',
    ],
    ...['executionDidStart', 'willSendResponse {"kind":"single","singleResult":{}}'],
  ];
  await ask('{ me { name } }');
  expect(events).toEqual(isNew);
  await ask('{ me { name } }');
  expect(events).toEqual(isNew);
  events.length = 0;
  await ask('{ nope }');
  expect(events).toEqual(expect.arrayContaining(['didEncounterErrors']));
  expect(events).not.toContain('didResolveOperation');
});
