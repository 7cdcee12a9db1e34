/** Tokens of clients. Over 300 lines: a case for each way in which a token is wrong. */
import { createHash, createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT } from 'jose';
import { askForLeave } from '../support/ask-for-leave';
import { watchIdentities } from '../support/identities';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { inSeconds, startTokenIssuer, type TokenIssuer } from '../support/token-issuer';

let graph: SmallGraph;
let gateway: TestGateway;
let issuer: TokenIssuer;
let pool: TokenIssuer;
const identities = watchIdentities();
const authorise = jest.fn<unknown, [{ authorizationToken: string }]>();

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
  authorise.mockReset();
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

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const goodClaims = () => ({ iss: issuer.url, aud: 'shop', sub: 'u1', exp: inSeconds(60) });
const poolClaims = { aud: undefined as unknown as string, token_use: 'access', client_id: 'app' };

describe('a token', () => {
  it.each(['', 'Bearer ', 'bearer '])('is believed with the scheme "%s"', async (scheme) => {
    const token = await issuer.token({ scope: 'a b', realm: { roles: ['staff'] }, azp: 'web' });
    for (let times = 0; times < 2; times++) {
      expect(await ask({ authorization: scheme + token })).toEqual({ status: 200, reason: undefined });
    }
    expect(identities[0]).toMatchObject({ mode: 'oidc', subject: 'u1', client: 'web', issuer: issuer.url });
    expect(identities[0]).toMatchObject({ groups: ['staff'], scopes: ['a', 'b'] });
    expect(identities[1]).toBe(identities[0]);
  });

  it('is looked at before the client gets leave to send its body', async () => {
    const ask = (authorization: string, more = {}) =>
      askForLeave(gateway.url, { authorization, ...more }, JSON.stringify(query));
    const good = await issuer.token({ sub: 'leave' });
    expect(await ask(good)).toEqual([100, 200]);
    expect(await ask(`${good.slice(0, -4)}AAAA`)).toEqual([401]);
  });

  it.each<[string, () => Promise<string> | string, RegExp]>([
    ['without a signature', () => `${base64url({ alg: 'none' })}.${base64url(goodClaims())}.`, /not allowed/],
    [
      'without a signature, in another spelling',
      () => `${base64url({ alg: 'nOnE' })}.${base64url(goodClaims())}.`,
      /not allowed/,
    ],
    [
      'whose signature has the public key for its secret',
      async () => {
        const key = (await importJWK(issuer.publicKey(), 'RS256')) as Parameters<typeof exportSPKI>[0];
        const head = `${base64url({ alg: 'HS256', kid: issuer.publicKey()['kid'] })}.${base64url(goodClaims())}`;
        return `${head}.${createHmac('sha256', await exportSPKI(key))
          .update(head)
          .digest('base64url')}`;
      },
      /not allowed/,
    ],
    [
      'that brings its own key',
      async () => {
        const { privateKey, publicKey } = await generateKeyPair('RS256');
        return new SignJWT(goodClaims())
          .setProtectedHeader({ alg: 'RS256', kid: 'own', jwk: await exportJWK(publicKey) })
          .sign(privateKey);
      },
      /key that its issuer does not have/,
    ],
    ['that has expired', () => issuer.token({ exp: inSeconds(-60) }), /expired/],
    ['that never expires', () => issuer.token({ exp: undefined as unknown as number }), /no claim "exp"/],
    ['that is not valid yet', () => issuer.token({ nbf: inSeconds(90) }), /not valid yet/],
    ['for another audience', () => issuer.token({ aud: 'other' }), /another audience/],
    ['of another issuer', () => issuer.token({ iss: 'https://evil.example' }), /not trusted/],
    [
      'of one issuer that is signed by another',
      () => pool.token({ iss: issuer.url }),
      /key that its issuer does not have/,
    ],
    ['that is cut off', async () => (await issuer.token()).slice(0, -9), /wrong|malformed/],
    ['that is no token', () => 'Bearer nonsense', /of no kind/],
    [
      'of a pool for another client',
      () => pool.token({ ...poolClaims, client_id: 'other' }),
      /another client/,
    ],
    ['of a pool for another use', () => pool.token({ token_use: 'id', aud: 'app' }), /another use/],
    ['of a pool without a use', () => pool.token({ ...poolClaims, token_use: undefined }), /another use/],
  ])('%s is refused', async (_, make, reason) => {
    const authorization = await make();
    expect(await ask({ authorization })).toEqual({ status: 401, reason: expect.stringMatching(reason) });
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
  it('are asked for once, whatever keys tokens name, and found again when they change', async () => {
    const rotating = await startTokenIssuer();
    const own = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      auth: { oidc: [{ issuer: rotating.url, audience: 'shop' }] },
    });
    expect((await ask({ authorization: await rotating.token() }, own)).status).toBe(200);
    const first = rotating.requests.filter((path) => path === '/keys').length;
    expect(first).toBe(1);

    const strangers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => rotating.token({ n }, { kid: `random-${n}` })),
    );
    const answers = await Promise.all(strangers.map((authorization) => ask({ authorization }, own)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(rotating.requests.filter((path) => path === '/keys')).toHaveLength(first);

    const old = await rotating.token({ sub: 'u2' });
    await rotating.rotate();
    const renewed = await rotating.token();
    const realNow = performance.now.bind(performance);
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => realNow() + 31_000);
    expect((await ask({ authorization: renewed }, own)).status).toBe(200);
    expect((await ask({ authorization: old }, own)).reason).toMatch(/does not have/);

    // While the issuer is down, what is known goes on.
    rotating.isDown = true;
    clock.mockImplementation(() => realNow() + 3_600_000);
    expect((await ask({ authorization: await rotating.token({ sub: 'u3' }) }, own)).status).toBe(200);
    clock.mockRestore();
    await own.stop();
    await rotating.close();
  });

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

describe('an authoriser of the Lambda kind', () => {
  let own: TestGateway;

  beforeAll(async () => {
    own = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      auth: { lambda: { module: authorise, timeout: '200ms' } },
    });
  });
  afterAll(() => own.stop());

  it('gets what AppSync sends, and is asked again after the time it says', async () => {
    authorise.mockReturnValue({
      isAuthorized: true,
      resolverContext: { sub: 'u5', groups: 'a b' },
      deniedFields: ['User.name'],
      ttlOverride: 10,
    });
    const body = {
      query: 'query A($id: ID!) { user(id: $id) { id } }',
      operationName: 'A',
      variables: { id: 'u1' },
    };
    for (let times = 0; times < 2; times++) {
      expect((await own.post(body, { headers: { authorization: 'opaque-1' } })).status).toBe(200);
    }
    expect(authorise).toHaveBeenCalledTimes(1);
    expect(authorise).toHaveBeenCalledWith({
      authorizationToken: 'opaque-1',
      requestContext: {
        apiId: 'weir',
        accountId: '000000000000',
        requestId: expect.any(String),
        queryString: body.query,
        operationName: 'A',
        variables: { id: 'u1' },
      },
      requestHeaders: expect.objectContaining({ authorization: 'opaque-1' }),
    });
    expect(identities[0]).toMatchObject({ mode: 'lambda', subject: 'u5', groups: ['a', 'b'] });
    expect(identities[0]!.deniedFields).toEqual(['User.name']);
    expect((await ask({ authorization: 'opaque-2' }, own)).status).toBe(200);
    expect(authorise).toHaveBeenCalledTimes(2);
  });

  it('is asked for every request where it says so', async () => {
    authorise.mockReturnValue({ isAuthorized: true, ttlOverride: 0 });
    for (let times = 0; times < 3; times++) await ask({ authorization: 'opaque-3' }, own);
    expect(authorise).toHaveBeenCalledTimes(3);
  });

  it('that says no is believed for as long as one that says yes', async () => {
    authorise.mockReturnValue({ isAuthorized: false });
    for (let times = 0; times < 2; times++)
      expect((await ask({ authorization: 'opaque-4' }, own)).status).toBe(401);
    expect(authorise).toHaveBeenCalledTimes(1);
  });

  it.each<[string, () => unknown]>([
    ['throws', () => Promise.reject(new Error('secret cause'))],
    ['never answers', () => new Promise(() => undefined)],
    ['answers nothing', () => undefined],
    ['answers with text', () => 'true'],
    ['says neither yes nor no', () => ({ resolverContext: {} })],
    ['says yes in text', () => ({ isAuthorized: 'true' })],
    ['names denied fields in another form', () => ({ isAuthorized: true, deniedFields: 'User.name' })],
    ...[
      ...[
        'deniedfields',
        'DeniedFields',
        'denied_fields',
        'denied-fields',
        ' deniedFields',
        'deniedFields\n',
      ],
      ...['denyFields', 'deny_fields', 'DENY', 'fieldsDenied', 'fieldDenylist', 'forbiddenFields', 'blocked'],
      ...['ttl_override', 'IsAuthorized', '_resolverContext'],
    ].map((member): [string, () => unknown] => [
      `answers with ${JSON.stringify(member)}`,
      () => ({ isAuthorized: true, [member]: ['User.name'] }),
    ]),
    ...[
      ...['Query.*', '*', 'User', 'User.', '.name', 'User.name.first', '', 'User.na-me', 'User.name\n'],
      ...[' User.name', 'User.name ', 'User .name', 'User.name,User.email', 'types/User/fields/name'],
      ...['arn:aws:appsync:eu-west-1:1:apis/a/types/User/fields/*', 'arn:aws:appsync:eu-west-1:1:apis/a'],
      ...['arn:aws:appsync:eu-west-1:1:apis/a/types/User/fields/name/', 'arn:User.name'],
    ].map((field): [string, () => unknown] => [
      `denies ${JSON.stringify(field)}`,
      () => ({ isAuthorized: true, deniedFields: ['User.email', field] }),
    ]),
  ])('that %s lets nobody in', async (name, answer) => {
    authorise.mockImplementation(answer);
    const { status, reason } = await ask({ authorization: `opaque ${name}` }, own);
    expect({ status, reason }).toEqual({
      status: 503,
      reason: 'Your credentials cannot be checked at the moment.',
    });
    authorise.mockReset().mockReturnValue({ isAuthorized: true });
    expect((await ask({ authorization: `opaque ${name}` }, own)).status).toBe(200);
  });

  it('may say in its own words why it lets somebody not in', async () => {
    authorise.mockReset().mockReturnValue({ isAuthorized: false, denyReason: 'expired' });
    expect((await ask({ authorization: 'opaque reason' }, own)).status).toBe(401);
  });

  it('that denies in other words is named in the log', async () => {
    authorise.mockReset().mockReturnValue({ isAuthorized: true, denyFields: ['User.name'] });
    await ask({ authorization: 'opaque words' }, own);
    expect(own.log).toContainEqual(
      expect.objectContaining({
        level: 'error',
        err: expect.objectContaining({
          message: 'The answer has "denyFields", but what is read is `deniedFields`.',
        }),
      }),
    );
  });

  it.each([
    'user.name',
    'User.Name',
    'USER.NAME',
    'query.user',
    'arn:aws:appsync:a:1:apis/a/types/user/fields/name',
  ])('that denies a field in another case, %s, lets nobody in', async (field) => {
    authorise.mockReset().mockReturnValue({ isAuthorized: true, deniedFields: [field] });
    const authorization = `opaque case ${field}`;
    for (let times = 0; times < 2; times++) {
      const { status, reason } = await ask({ authorization }, own);
      expect({ status, reason }).toEqual({
        status: 503,
        reason: 'Your credentials cannot be checked at the moment.',
      });
    }
    expect(own.log).toContainEqual(
      expect.objectContaining({ field, msg: expect.stringContaining('in case') }),
    );
  });

  it('may deny what the supergraph does not have, and answer more than is read: the log says it once', async () => {
    authorise.mockReset().mockReturnValue({
      isAuthorized: true,
      deniedFields: ['Film.title', 'User.nick'],
      principalId: 'u5',
    });
    for (const token of ['opaque-a', 'opaque-b'])
      expect((await ask({ authorization: token }, own)).status).toBe(200);
    const told = (facts: Json) =>
      own.log.filter((line) => Object.entries(facts).every(([name, value]) => line[name] === value));
    expect(told({ field: 'Film.title' })).toHaveLength(1);
    expect(told({ field: 'User.nick' })).toHaveLength(1);
    expect(told({ member: 'principalId' })).toHaveLength(1);
  });
});
