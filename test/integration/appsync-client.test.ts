/** An unmodified AppSync client, in each mode. Over 300 lines: the modes meet one gateway. */
import { createHash } from 'node:crypto';
import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  gql,
  HttpLink,
  InMemoryCache,
  ServerError,
} from '@apollo/client/core';
import { AUTH_TYPE, type AuthOptions, createAuthLink } from 'aws-appsync-auth-link';
import { watchIdentities } from '../support/identities';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

/** `aws-appsync-auth-link` and Apollo Client as they are installed, over a socket, with nothing told to them of Weir. */
let graph: SmallGraph;
let gateway: TestGateway;
let issuer: TokenIssuer;
let pool: TokenIssuer;
const identities = watchIdentities();

const credentials = { accessKeyId: 'AKIDSHOP', secretAccessKey: 'secret-of-the-shop' };
const temporary = { accessKeyId: 'ASIASHOP', secretAccessKey: 'temporary', sessionToken: 'the-session' };

beforeAll(async () => {
  [graph, issuer, pool] = await Promise.all([startSmallGraph(), startTokenIssuer(), startTokenIssuer()]);
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    auth: {
      anonymous: true,
      apiKeys: [
        { client: 'app', sha256: createHash('sha256').update('da2-key').digest('hex') },
        {
          client: 'app',
          sha256: createHash('sha256').update('da2-old').digest('hex'),
          expires: '2024-12-31',
        },
      ],
      iam: { keys: [credentials, { ...temporary, subject: 'u2' }] },
      oidc: [{ issuer: issuer.url, audience: 'shop' }],
      cognito: [{ userPool: 'eu-west-1_Shop', issuer: pool.url, clients: ['app-client'] }],
      lambda: {
        module: ({ authorizationToken }: { authorizationToken: string }) => authorise(authorizationToken),
      },
    },
  });
});

const authorise = (token: string) => ({
  isAuthorized: token === 'custom-token',
  resolverContext: { sub: 'u7' },
});

beforeEach(() => {
  identities.length = 0;
  graph.accounts.requests.length = 0;
});

afterEach(() => {
  jest.useRealTimers();
});

afterAll(async () => {
  await gateway.stop();
  await Promise.all([graph.close(), issuer.close(), pool.close()]);
});

interface ClientOptions {
  /** What becomes of a request on its way. */
  readonly meddle?: (init: RequestInit) => RequestInit;
}

function clientWith(auth: AuthOptions, { meddle = (init) => init }: ClientOptions = {}) {
  const { url } = gateway;
  const sent: RequestInit[] = [];
  const http = new HttpLink({
    uri: url,
    fetch: (to, init) => {
      sent.push(meddle(init!));
      return fetch(to, sent.at(-1));
    },
  });
  const client = new ApolloClient({
    link: ApolloLink.from([createAuthLink({ url, region: 'eu-west-1', auth }), http]),
    cache: new InMemoryCache(),
    defaultOptions: { query: { fetchPolicy: 'no-cache' } },
  });
  return { client, sent };
}

const query = gql`
  query User($id: ID!) {
    user(id: $id) {
      id
      name
    }
  }
`;
const mutation = gql`
  mutation Rename($name: String!) {
    rename(id: "u1", name: $name) {
      id
      name
    }
  }
`;

const modes: Record<string, { auth: () => Promise<AuthOptions>; identity: object }> = {
  NONE: { auth: async () => ({ type: AUTH_TYPE.NONE }), identity: { mode: 'none' } },
  API_KEY: {
    auth: async () => ({ type: AUTH_TYPE.API_KEY, apiKey: 'da2-key' }),
    identity: { mode: 'api-key', client: 'app' },
  },
  OPENID_CONNECT: {
    auth: async () => ({ type: AUTH_TYPE.OPENID_CONNECT, jwtToken: await issuer.token({ scope: 'a b' }) }),
    identity: { mode: 'oidc', subject: 'u1', scopes: ['a', 'b'] },
  },
  AMAZON_COGNITO_USER_POOLS: {
    auth: async () => ({
      type: AUTH_TYPE.AMAZON_COGNITO_USER_POOLS,
      jwtToken: () => pool.token(accessClaims),
    }),
    identity: { mode: 'cognito', subject: 'u1', groups: ['staff'], client: 'app-client' },
  },
  AWS_LAMBDA: {
    auth: async () => ({ type: AUTH_TYPE.AWS_LAMBDA, token: 'custom-token' }),
    identity: { mode: 'lambda', subject: 'u7' },
  },
  AWS_IAM: {
    auth: async () => ({ type: AUTH_TYPE.AWS_IAM, credentials }),
    identity: { mode: 'iam', client: 'AKIDSHOP' },
  },
  'AWS_IAM with a session': {
    auth: async () => ({ type: AUTH_TYPE.AWS_IAM, credentials: () => Promise.resolve(temporary) }),
    identity: { mode: 'iam', client: 'ASIASHOP', subject: 'u2' },
  },
};

const accessClaims = {
  token_use: 'access',
  client_id: 'app-client',
  aud: undefined as unknown as string,
  'cognito:groups': ['staff'],
};

it.each(Object.keys(modes))('runs a query and a mutation in mode %s', async (mode) => {
  const { auth, identity } = modes[mode]!;
  const { client, sent } = clientWith(await auth());
  for (const name of ['Ada', 'Ada again']) {
    const asked = await client.query({ query, variables: { id: 'u1' } });
    expect(asked.data).toMatchObject({ user: { id: 'u1', name: 'Ada' } });
    const changed = await client.mutate({ mutation, variables: { name } });
    expect(changed.data).toMatchObject({ rename: { id: 'u1', name } });
  }
  expect(identities).toMatchObject([identity, identity, identity, identity]);
  // It was the stock client: it added what its link had not signed.
  expect(JSON.parse(sent[0]!.body as string)).toHaveProperty('extensions.clientLibrary');
  expect(new Headers(sent[0]!.headers).get('x-amz-user-agent')).toMatch(/^aws-amplify/);
});

/** What the client tells the application of a refusal. */
async function refusalOf(work: Promise<unknown>): Promise<{ status: number | undefined; reason: string }> {
  const error: unknown = await work.then(
    () => new Error('It was not refused.'),
    (reason: unknown) => reason,
  );
  if (CombinedGraphQLErrors.is(error)) {
    expect(error.errors[0]!.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
    return { status: statuses.at(-1), reason: error.message };
  }
  if (ServerError.is(error)) return { status: error.statusCode, reason: error.bodyText };
  throw error;
}

const statuses: number[] = [];
const originalFetch = globalThis.fetch;
beforeAll(() => {
  globalThis.fetch = async (...given) => {
    const response = await originalFetch(...given);
    statuses.push(response.status);
    return response;
  };
});
afterAll(() => {
  globalThis.fetch = originalFetch;
});

const altered = (init: RequestInit): RequestInit => ({
  ...init,
  body: (init.body as string).replace('"u1"', '"u2"'),
});
const withHeader =
  (name: string, value: string) =>
  (init: RequestInit): RequestInit => ({
    ...init,
    headers: { ...(init.headers as Record<string, string>), [name]: value },
  });

it.each<[string, () => Promise<AuthOptions> | AuthOptions, ClientOptions, RegExp]>([
  ['a wrong API key', () => ({ type: AUTH_TYPE.API_KEY, apiKey: 'da2-no' }), {}, /API key is not known/],
  ['an expired API key', () => ({ type: AUTH_TYPE.API_KEY, apiKey: 'da2-old' }), {}, /API key has expired/],
  [
    'an expired token',
    async () => ({ type: AUTH_TYPE.OPENID_CONNECT, jwtToken: await issuer.token({ exp: inSeconds(-60) }) }),
    {},
    /token has expired/,
  ],
  [
    'an expired token of a user pool',
    async () => ({
      type: AUTH_TYPE.AMAZON_COGNITO_USER_POOLS,
      jwtToken: await pool.token({ ...accessClaims, exp: inSeconds(-60) }),
    }),
    {},
    /token has expired/,
  ],
  [
    'a token with another signature',
    async () => {
      const [[head, body], [, , signature]] = [
        (await issuer.token()).split('.'),
        (await issuer.token({ sub: 'u2' })).split('.'),
      ] as [string[], string[]];
      return { type: AUTH_TYPE.OPENID_CONNECT, jwtToken: [head, body, signature].join('.') };
    },
    {},
    /signature of the token is wrong/,
  ],
  [
    'a token that the authoriser does not know',
    () => ({ type: AUTH_TYPE.AWS_LAMBDA, token: 'another' }),
    {},
    /authoriser does not let/,
  ],
  [
    'another secret',
    () => ({ type: AUTH_TYPE.AWS_IAM, credentials: { ...credentials, secretAccessKey: 'x' } }),
    {},
    /signature is wrong/,
  ],
  [
    'an access key that nobody has',
    () => ({ type: AUTH_TYPE.AWS_IAM, credentials: { ...credentials, accessKeyId: 'AKIDNO' } }),
    {},
    /access key is not known/,
  ],
  [
    'another session',
    () => ({ type: AUTH_TYPE.AWS_IAM, credentials: { ...temporary, sessionToken: 'x' } }),
    {},
    /session token is wrong/,
  ],
  [
    'an altered body',
    () => ({ type: AUTH_TYPE.AWS_IAM, credentials }),
    { meddle: altered },
    /signature is wrong/,
  ],
  [
    'an altered header',
    () => ({ type: AUTH_TYPE.AWS_IAM, credentials }),
    { meddle: withHeader('content-type', 'application/json') },
    /signature is wrong/,
  ],
])('is told of %s', async (_, auth, options, reason) => {
  const { client } = clientWith(await auth(), options);
  const refusal = await refusalOf(client.query({ query, variables: { id: 'u1' } }));
  expect(refusal).toEqual({ status: 401, reason: expect.stringMatching(reason) });
  expect(graph.accounts.requests).toEqual([]);
});

it.each([
  ['slow', -6],
  ['fast', 6],
])('is told when its clock is %s', async (_, minutes) => {
  const { client } = clientWith({ type: AUTH_TYPE.AWS_IAM, credentials });
  // The link reads the clock before anything is sent, the gateway afterwards.
  const now = Date.now();
  const RealDate = Date;
  const skewed = class extends RealDate {
    constructor(time = now + minutes * 60_000) {
      super(time);
    }
  } as DateConstructor;
  const { client: skewedClient, sent } = clientWith(
    { type: AUTH_TYPE.AWS_IAM, credentials },
    {
      meddle: (init) => {
        globalThis.Date = RealDate;
        return init;
      },
    },
  );
  globalThis.Date = skewed;
  const refusal = await refusalOf(skewedClient.query({ query, variables: { id: 'u1' } })).finally(() => {
    globalThis.Date = RealDate;
  });
  expect(sent).toHaveLength(1);
  expect(refusal).toEqual({ status: 401, reason: expect.stringMatching(/is the clock right\?/) });
  await expect(client.query({ query, variables: { id: 'u1' } })).resolves.toHaveProperty('data.user');
});

it('is told when its mutation was recorded and is sent again', async () => {
  const { client, sent } = clientWith({ type: AUTH_TYPE.AWS_IAM, credentials });
  await client.mutate({ mutation, variables: { name: 'Once' } });
  const { client: replaying } = clientWith(
    { type: AUTH_TYPE.AWS_IAM, credentials },
    { meddle: () => sent[0]! },
  );
  for (const time of ['as a known operation', 'once more']) {
    const refusal = await refusalOf(replaying.mutate({ mutation, variables: { name: 'Twice' } }));
    expect({ time, ...refusal }).toEqual({
      time,
      status: 401,
      reason: expect.stringMatching(/already run with this signature/),
    });
  }
  expect(graph.accounts.requests).toHaveLength(1);
});
