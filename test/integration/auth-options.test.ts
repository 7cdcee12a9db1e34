/**
 * Each option that decides who may come in: what it refuses comes in where the option is another one, so that a gateway
 * that ignores it fails here.
 */
import { createHash } from 'node:crypto';
import * as aws4 from 'aws4';
import type { JWTPayload } from 'jose';
import type { GatewayOptions } from '../../gateway';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

type Auth = NonNullable<GatewayOptions['auth']>;
type Headers = Record<string, string>;

let graph: SmallGraph;
let issuer: TokenIssuer;
let stranger: TokenIssuer;

beforeAll(async () => {
  [graph, issuer, stranger] = await Promise.all([startSmallGraph(), startTokenIssuer(), startTokenIssuer()]);
});

/** The gateway of the case before: many admit in the same way. */
let last: { readonly key: string; readonly gateway: TestGateway } | undefined;

async function gatewayWith(auth: Auth): Promise<TestGateway> {
  const key = JSON.stringify(auth);
  if (last?.key !== key) {
    await last?.gateway.stop();
    last = { key, gateway: await startOwn(auth) };
  }
  return last.gateway;
}

const startOwn = (auth: Auth): Promise<TestGateway> =>
  startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), auth });

afterAll(async () => {
  await last?.gateway.stop();
  await Promise.all([graph.close(), issuer.close(), stranger.close()]);
});

const body = JSON.stringify({ query: '{ me { name } }' });
const key = { accessKeyId: 'AKIDSHOP', secretAccessKey: 'secret' };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const oidc = (more: object): Auth => ({ oidc: [{ issuer: issuer.url, ...more }] });
const cognito = (more: object): Auth => ({
  cognito: [{ userPool: 'eu-west-1_Shop', issuer: issuer.url, clients: ['app'], ...more }],
});
const iam = (more: object): Auth => ({ iam: { keys: [key], ...more } });

const token = (claims: JWTPayload) => async (): Promise<Headers> => ({
  authorization: await issuer.token(claims),
});
const pooled = (claims: JWTPayload) =>
  token({ aud: undefined as unknown as string, token_use: 'access', client_id: 'app', ...claims });

/** Signed for the region eu-west-1 and the service appsync. */
const signed =
  (secondsAgo = 0) =>
  async ({ url }: TestGateway): Promise<Headers> => {
    const time = new Date(Date.now() - secondsAgo * 1000).toISOString().replace(/[:-]|\.\d{3}/g, '');
    const headers = { 'content-type': 'application/json', 'X-Amz-Date': time };
    const request = { method: 'POST', host: new URL(url).host, path: '/graphql', headers, body };
    const sign = aws4.sign({ ...request, service: 'appsync', region: 'eu-west-1' }, key);
    const all = Object.entries(sign.headers as Headers);
    return Object.fromEntries(
      all.filter(([name]) => !['host', 'content-length'].includes(name.toLowerCase())),
    );
  };

const apiKey = async (): Promise<Headers> => ({ 'x-api-key': 'k' });
const keyWith = (more: object): Auth => ({ apiKeys: [{ client: 'web', sha256: sha256('k'), ...more }] });

test.each<[string, () => Auth, () => Auth, (gateway: TestGateway) => Promise<Headers>, RegExp]>([
  [
    'oidc[].clients, by `azp`',
    () => oidc({ audience: 'shop', clients: ['web'] }),
    () => oidc({ audience: 'shop' }),
    token({ azp: 'other', client_id: 'web' }),
    /another client/,
  ],
  [
    'oidc[].clients, by `client_id`',
    () => oidc({ audience: 'shop', clients: 'web' }),
    () => oidc({ audience: 'shop', clients: ['web', 'other'] }),
    token({ client_id: 'other' }),
    /another client/,
  ],
  [
    'oidc[].clients, by `cid`',
    () => oidc({ clients: ['web'] }),
    () => oidc({ clients: ['other'] }),
    token({ cid: 'other' }),
    /another client/,
  ],
  [
    'oidc[].clients, of a token that names none',
    () => oidc({ audience: 'shop', clients: ['web'] }),
    () => oidc({ audience: 'shop' }),
    token({}),
    /another client/,
  ],
  [
    'oidc[].audience beside clients',
    () => oidc({ audience: 'shop', clients: ['web'] }),
    () => oidc({ clients: ['web'] }),
    token({ azp: 'web', aud: 'other' }),
    /another audience/,
  ],
  [
    'oidc[].issuer',
    () => ({ oidc: [{ issuer: stranger.url, audience: 'shop' }] }),
    () => oidc({ audience: 'shop' }),
    token({}),
    /not trusted/,
  ],
  [
    'oidc[].algorithms',
    () => oidc({ audience: 'shop', algorithms: ['ES256'] }),
    () => oidc({ audience: 'shop', algorithms: ['ES256', 'RS256'] }),
    token({}),
    /not allowed/,
  ],
  [
    'oidc[].clockSkew',
    () => oidc({ audience: 'shop', clockSkew: '1s' }),
    () => oidc({ audience: 'shop', clockSkew: '10m' }),
    token({ exp: inSeconds(-10) }),
    /expired/,
  ],
  [
    'oidc[].jwks, a set',
    () => oidc({ audience: 'shop', jwks: { keys: [stranger.publicKey()] } }),
    () => oidc({ audience: 'shop', jwks: { keys: [issuer.publicKey()] } }),
    token({}),
    /key that its issuer does not have|signature of the token is wrong/,
  ],
  [
    'oidc[].jwks, a URL',
    () => oidc({ audience: 'shop', jwks: `${stranger.url}/keys` }),
    () => oidc({ audience: 'shop', jwks: `${issuer.url}/keys` }),
    token({}),
    /key that its issuer does not have|signature of the token is wrong/,
  ],
  [
    'cognito[].clients, of an access token',
    () => cognito({ clients: ['web'] }),
    () => cognito({}),
    pooled({}),
    /another client/,
  ],
  [
    'cognito[].clients, of an ID token',
    () => cognito({ clients: ['web'] }),
    () => cognito({}),
    pooled({ token_use: 'id', aud: 'app', client_id: 'web' }),
    /another client/,
  ],
  ['cognito[].tokenUse', () => cognito({ tokenUse: 'id' }), () => cognito({}), pooled({}), /another use/],
  [
    'cognito[].clockSkew',
    () => cognito({ clockSkew: '1s' }),
    () => cognito({ clockSkew: '10m' }),
    pooled({ exp: inSeconds(-10) }),
    /expired/,
  ],
  [
    'cognito[].jwks',
    () => cognito({ jwks: { keys: [stranger.publicKey()] } }),
    () => cognito({ jwks: { keys: [issuer.publicKey()] } }),
    pooled({}),
    /key that its issuer does not have|signature of the token is wrong/,
  ],
  ['iam.region', () => iam({ region: 'us-east-1' }), () => iam({}), signed(), /for the region/],
  ['iam.service', () => iam({ service: 'execute-api' }), () => iam({}), signed(), /for the service/],
  ['iam.hosts', () => iam({ hosts: ['api.shop.example'] }), () => iam({}), signed(), /signature is wrong/],
  ['iam.clockSkew', () => iam({ clockSkew: '10s' }), () => iam({}), signed(60), /is the clock right/],
  [
    'iam.keys[].sessionToken',
    () => iam({ keys: [{ ...key, sessionToken: 'session' }] }),
    () => iam({}),
    signed(),
    /session token is wrong/,
  ],
  [
    'iam.keys[].secretAccessKey',
    () => iam({ keys: [{ ...key, secretAccessKey: 'other' }] }),
    () => iam({}),
    signed(),
    /signature is wrong/,
  ],
  [
    'apiKeys[].expires',
    () => keyWith({ expires: '2020-01-01' }),
    () => keyWith({ expires: '2999-01-01' }),
    apiKey,
    /expired/,
  ],
  ['apiKeys[].sha256', () => keyWith({ sha256: sha256('other') }), () => keyWith({}), apiKey, /not known/],
  [
    'anonymous',
    () => ({ ...keyWith({}), anonymous: false }),
    () => ({ ...keyWith({}), anonymous: true }),
    async () => ({}),
    /no credentials/,
  ],
])('%s decides who may come in', async (_option, refusing, admitting, credentials, reason) => {
  const statusOf = async (gateway: TestGateway): Promise<[status: number, text: string]> => {
    const answer = await gateway.post(body, { headers: await credentials(gateway) });
    return [answer.status, await answer.text()];
  };
  graph.accounts.requests.length = 0;
  const refuses = await startOwn(refusing());
  expect(await statusOf(refuses)).toEqual([401, expect.stringMatching(reason)]);
  await refuses.stop();
  expect(graph.accounts.requests).toEqual([]);
  expect(await statusOf(await gatewayWith(admitting()))).toEqual([200, '{"data":{"me":{"name":"Ada"}}}']);
});

test.each([
  ['0s', 401],
  ['5m', 200],
])('lambda.ttl decides how long somebody may come in: after %s the answer is %d', async (ttl, status) => {
  const decide = jest.fn(() => ({ isAuthorized: true }));
  const gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    auth: { lambda: { module: decide, ttl } },
  });
  try {
    const headers = { authorization: 'opaque' };
    expect((await gateway.post(body, { headers })).status).toBe(200);
    decide.mockReturnValue({ isAuthorized: false });
    expect((await gateway.post(body, { headers })).status).toBe(status);
  } finally {
    await gateway.stop();
  }
});
