import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { hasChromium, inChromium, launchChromium, serveApplication, type Site } from '../support/chromium';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
let graph: SmallGraph;
let gateway: TestGateway;
let issuer: TokenIssuer;
let site: Site;
let browser: BrowserContext;
let page: Page;

const credentials = { accessKeyId: 'AKIDSHOP', secretAccessKey: 'secret-of-the-shop' };
const poolClaims = { aud: undefined as unknown as string, token_use: 'access', client_id: 'app' };

/** An application as it is shipped: the client and its link in one bundle, on a page of another origin. */
const application = `
  import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client/core';
  import { createAuthLink } from 'aws-appsync-auth-link';
  const RealDate = Date;
  const tricks = {
    altered: (uri, init) => fetch(uri, { ...init, body: init.body.replace('Ada', 'Eve') }),
    replayed: async (uri, init) => (await fetch(uri, init)).ok && fetch(uri, init),
    // The link has read the clock when this is called.
    'skewed clock': (uri, init) => ((globalThis.Date = RealDate), fetch(uri, init)),
  };
  globalThis.ask = async (url, auth, text, variables, trick) => {
    const http = new HttpLink({ uri: url, ...(trick && { fetch: tricks[trick] }) });
    const link = ApolloLink.from([createAuthLink({ url, region: 'eu-west-1', auth }), http]);
    if (trick === 'skewed clock') {
      globalThis.Date = class extends RealDate {
        constructor(time = RealDate.now() - 360_000) {
          super(time);
        }
      };
    }
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const document = gql(text);
    try {
      const { data } = text.startsWith('mutation')
        ? await client.mutate({ mutation: document, variables })
        : await client.query({ query: document, variables });
      return JSON.stringify(data);
    } catch (error) {
      return error.name + ': ' + error.message;
    }
  };
`;

beforeAll(async () => {
  if (!hasChromium) return;
  [graph, issuer] = await Promise.all([startSmallGraph(), startTokenIssuer()]);
  site = await serveApplication(application);
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    cors: { origins: [site.origin] },
    auth: {
      anonymous: true,
      apiKeys: [{ client: 'app', sha256: createHash('sha256').update('da2-key').digest('hex') }],
      iam: { keys: [credentials] },
      oidc: [{ issuer: issuer.url, audience: 'shop' }],
      cognito: [{ userPool: 'eu-west-1_Shop', issuer: `${issuer.url}/pool`, clients: 'app' }],
      lambda: {
        module: ({ authorizationToken }: { authorizationToken: string }) => ({
          isAuthorized: authorizationToken === 'custom',
        }),
      },
    },
  });
  browser = await launchChromium(folder);
  page = await browser.newPage();
  page.on('response', (response) => {
    if (response.url() === gateway.url && response.request().method() === 'POST')
      statuses.push(response.status());
  });
  await page.goto(site.origin);
});

afterAll(async () => {
  if (!hasChromium) return;
  await browser.close();
  await gateway.stop();
  await Promise.all([graph.close(), issuer.close(), site.close()]);
  rmSync(folder, { recursive: true, force: true });
});

/** What the client says; with a trick, a request is altered, sent twice, or signed by a slow clock. */
const ask = (auth: object, text: string, variables: object = {}, trick?: string): Promise<string> =>
  page.evaluate(
    (args) => (globalThis as unknown as { ask: (...args: unknown[]) => Promise<string> }).ask(...args),
    [gateway.url, auth, text, variables, trick],
  );

/** The status of each answer of the gateway that the page gets, preflights aside. */
const statuses: number[] = [];

const good: Record<string, () => Promise<object>> = {
  NONE: async () => ({}),
  API_KEY: async () => ({ apiKey: 'da2-key' }),
  OPENID_CONNECT: async () => ({ jwtToken: await issuer.token() }),
  AMAZON_COGNITO_USER_POOLS: async () => ({
    jwtToken: await issuer.token({ ...poolClaims, iss: `${issuer.url}/pool` }),
  }),
  AWS_LAMBDA: async () => ({ token: 'custom' }),
  AWS_IAM: async () => ({ credentials }),
};
const bad: Record<string, [() => Promise<object>, RegExp]> = {
  API_KEY: [async () => ({ apiKey: 'da2-no' }), /API key is not known/],
  OPENID_CONNECT: [async () => ({ jwtToken: await issuer.token({ exp: inSeconds(-60) }) }), /expired/],
  AMAZON_COGNITO_USER_POOLS: [
    async () => ({
      jwtToken: await issuer.token({ iss: `${issuer.url}/pool`, client_id: 'other', token_use: 'access' }),
    }),
    /another client/,
  ],
  AWS_LAMBDA: [async () => ({ token: 'no' }), /authoriser does not let/],
  AWS_IAM: [async () => ({ credentials: { ...credentials, secretAccessKey: 'x' } }), /signature is wrong/],
};

describe(`AppSync's client ${inChromium}`, () => {
  const test = hasChromium ? it : it.skip;
  test.each(Object.keys(good))('runs a query and a mutation in mode %s', async (type) => {
    const auth = { type, ...(await good[type]!()) };
    const data = await ask(auth, 'query ($id: ID!) { user(id: $id) { name } }', { id: 'u1' });
    expect(data).toContain('"name":"Ada"');
    const changed = await ask(auth, 'mutation ($name: String!) { rename(id: "u1", name: $name) { name } }', {
      name: 'Grace',
    });
    expect(changed).toContain('"name":"Grace"');
  });

  test.each(Object.keys(bad))('tells the application why it is refused in mode %s', async (type) => {
    const [auth, reason] = bad[type]!;
    statuses.length = 0;
    const told = await ask({ type, ...(await auth()) }, '{ me { name } }');
    expect(told).toMatch(/^CombinedGraphQLErrors: /);
    expect(told).toMatch(reason);
    expect(statuses).toEqual([401]);
  });

  test.each([
    ['an altered body', 'altered', [401], /signature is wrong/],
    ['a mutation that is sent again', 'replayed', [200, 401], /already run with this signature/],
    ['a clock that is wrong', 'skewed clock', [401], /is the clock right\?/],
  ] as const)('tells the application of %s', async (_, trick, expected, reason) => {
    statuses.length = 0;
    graph.accounts.requests.length = 0;
    const auth = { type: 'AWS_IAM', credentials };
    const rename = 'mutation ($name: String!) { rename(id: "u1", name: $name) { name } }';
    const told = await ask(auth, rename, { name: `Ada ${trick}` }, trick);
    expect(told).toMatch(/^CombinedGraphQLErrors: /);
    expect(told).toMatch(reason);
    expect(statuses).toEqual(expected);
    expect(graph.accounts.requests).toHaveLength(expected.length - 1);
  });
});
