/** Tokens of clients, through the gateway: `unit/gateway/auth` has each way in which a token is wrong. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { askForLeave } from '../support/ask-for-leave';
import { watchIdentities } from '../support/identities';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

let graph: SmallGraph;
let gateway: TestGateway;
let issuer: TokenIssuer;
let pool: TokenIssuer;
const identities = watchIdentities();

beforeAll(async () => {
  [graph, issuer, pool] = await Promise.all([startSmallGraph(), startTokenIssuer(), startTokenIssuer()]);
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    auth: {
      apiKeys: [{ client: 'web', sha256: createHash('sha256').update('da2-key').digest('hex') }],
      oidc: [{ issuer: issuer.url, audience: 'shop', groupsClaim: 'realm.roles' }],
      cognito: [{ userPool: 'eu-west-1_Shop', issuer: pool.url, clients: ['app'], tokenUse: 'access' }],
    },
  });
});

beforeEach(() => {
  identities.length = 0;
  graph.accounts.requests.length = 0;
});

afterAll(async () => {
  await gateway.stop();
  await Promise.all([graph.close(), issuer.close(), pool.close()]);
});

const query = { query: '{ me { name } }' };

async function ask(headers: Record<string, string>, to = gateway) {
  const answer = await to.post(query, { headers });
  const { errors } = (await answer.json()) as { errors?: { message: string }[] };
  return { status: answer.status, reason: errors?.[0]?.message };
}
const goodClaims = () => ({ iss: issuer.url, aud: 'shop', sub: 'u1', exp: inSeconds(60) });
const poolClaims = { aud: undefined as unknown as string, token_use: 'access', client_id: 'app' };

describe('a token', () => {
  it('is looked at before the client gets leave to send its body', async () => {
    const ask = (authorization: string, more = {}) =>
      askForLeave(gateway.url, { authorization, ...more }, JSON.stringify(query));
    const good = await issuer.token({ sub: 'leave' });
    expect(await ask(good)).toEqual([100, 200]);
    expect(await ask(`${good.slice(0, -4)}AAAA`)).toEqual([401]);
  });

  it('that brings its own key is refused', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const authorization = await new SignJWT(goodClaims())
      .setProtectedHeader({ alg: 'RS256', kid: 'own', jwk: await exportJWK(publicKey) })
      .sign(privateKey);
    const reason = expect.stringMatching(/key that its issuer does not have/);
    expect(await ask({ authorization })).toEqual({ status: 401, reason });
    expect(graph.accounts.requests).toEqual([]);
  });

  it('is remembered no longer than it lives', async () => {
    // Clocks may be 30 seconds apart.
    const expiry = inSeconds(-27);
    const authorization = await issuer.token({ exp: expiry });
    expect((await ask({ authorization })).status).toBe(200);
    await delay((expiry + 30) * 1000 - Date.now() + 1);
    expect(await ask({ authorization })).toEqual({ status: 401, reason: 'The token has expired.' });
  });

  it('decides where there is an API key, too; what is wrong with it is not made good by the key', async () => {
    const headers = { 'x-api-key': 'da2-key', authorization: await issuer.token() };
    expect((await ask(headers)).status).toBe(200);
    expect(identities[0]).toMatchObject({ mode: 'oidc' });
    expect((await ask({ ...headers, authorization: 'Bearer u1' })).status).toBe(401);
    expect((await ask({ 'x-api-key': 'da2-key' })).status).toBe(200);
    expect((await ask({ 'x-api-key': 'da2-no', authorization: await pool.token(poolClaims) })).status).toBe(
      200,
    );
  });
});

describe('the keys of an issuer', () => {
  it('that were never there let nobody in, with 503', async () => {
    const down = await startTokenIssuer();
    down.isDown = true;
    const own = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      auth: { oidc: [{ issuer: down.url, audience: 'shop' }] },
    });
    const authorization = await down.token();
    expect((await ask({ authorization }, own)).status).toBe(503);
    expect((await ask({}, own)).status).toBe(401);
    down.isDown = false;
    const realNow = performance.now.bind(performance);
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => realNow() + 1_001);
    expect((await ask({ authorization }, own)).status).toBe(200);
    clock.mockRestore();
    await own.stop();
    await down.close();
  });
});
