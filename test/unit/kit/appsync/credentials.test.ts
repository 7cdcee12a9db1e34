/** How the stand-in for AppSync finds out who may call, against a signer and tokens of our own. */
import { sign as signAws } from 'aws4';
import { createHash, createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import {
  checkCredentials,
  type AppSyncCredentials,
  type AppSyncMode,
  type ReceivedRequest,
} from '../../../../kit/appsync/credentials';

const now = Date.parse('2026-05-05T12:00:00Z');
beforeEach(() => jest.useFakeTimers({ now }));
afterEach(() => jest.useRealTimers());

const received = (headers: Record<string, string> = {}, body = '{}', path = '/graphql'): ReceivedRequest => ({
  headers,
  path,
  body: Buffer.from(body),
});
const denied = ['UnauthorizedException', 'You are not authorized to make this call.'];
const none = ['UnauthorizedException', 'Valid authorization header not provided.'];

const byKey: AppSyncMode = { type: 'API_KEY', keys: new Set(['da2-key']) };
const byLambda: AppSyncMode = { type: 'AWS_LAMBDA', isAuthorized: (token) => token === 'let me in' };

describe('a mode', () => {
  it.each<[string, AppSyncMode[], Record<string, string>, unknown]>([
    ['an API key that is known', [byKey], { 'x-api-key': 'da2-key' }, undefined],
    ['an API key that is not known', [byKey], { 'x-api-key': 'da2-other' }, denied],
    ['an API key where none is taken', [byLambda], { 'x-api-key': 'da2-key' }, none],
    ['nothing', [byKey, byLambda], {}, none],
    ['a token that the function takes', [byLambda], { authorization: 'let me in' }, undefined],
    ['a token that the function does not take', [byLambda], { authorization: 'let me out' }, denied],
    ['a token where keys are taken', [byKey], { authorization: 'let me in' }, none],
    ['the key of the first of two modes', [byKey, byLambda], { 'x-api-key': 'da2-key' }, undefined],
    ['the token of the second', [byKey, byLambda], { authorization: 'let me in' }, undefined],
  ])('answers to %s', (_, modes, headers, refusal) => {
    expect(checkCredentials(modes, received(headers))).toEqual(refusal);
  });

  it('is not chosen between two credentials', () => {
    const headers = { 'x-api-key': 'da2-key', authorization: 'let me in' };
    expect(checkCredentials([byKey, byLambda], received(headers))).toEqual([
      'BadRequestException',
      'Both x-api-key and authorization were sent.',
    ]);
  });
});

const secret = { secretAccessKey: 'secret' };
const iam: AppSyncMode & { type: 'AWS_IAM' } = {
  type: 'AWS_IAM',
  region: 'eu-west-1',
  known: new Map<string, AppSyncCredentials>([
    ['AKID', secret],
    ['ASIA', { ...secret, sessionToken: 'session', expires: now + 1 }],
    ['OLD', { ...secret, expires: now }],
  ]),
};

/** A request as the package aws4 signs it. */
function signed({
  key = 'AKID',
  secretAccessKey = 'secret',
  sessionToken,
  headers = {},
  body = '{"query":"{ a }"}',
  path = '/graphql',
  region = 'eu-west-1',
  service = 'appsync',
  time = '20260505T120000Z',
}: {
  key?: string;
  secretAccessKey?: string;
  sessionToken?: string;
  headers?: Record<string, string>;
  body?: string;
  path?: string;
  region?: string;
  service?: string;
  time?: string;
} = {}): ReceivedRequest {
  const request = signAws(
    {
      service,
      region,
      path,
      body,
      method: 'POST',
      host: 'api.test',
      headers: { 'X-Amz-Date': time, 'Content-Type': 'application/json', ...headers },
    },
    { accessKeyId: key, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
  );
  const lower = Object.entries(request.headers ?? {}).map(([name, value]) => [
    name.toLowerCase(),
    String(value),
  ]);
  return received(Object.fromEntries(lower), body, path);
}
const changed = (to: ReceivedRequest, headers: Record<string, string | undefined>): ReceivedRequest => ({
  ...to,
  headers: { ...to.headers, ...headers },
});

const invalid = ['InvalidSignatureException', 'The request signature we calculated does not match.'];
const expired = ['InvalidSignatureException', 'Signature expired.'];
const unrecognized = [
  'UnrecognizedClientException',
  'The security token included in the request is invalid.',
];

describe('a signature', () => {
  it.each<[string, ReceivedRequest]>([
    ['of a key', signed()],
    ['of a temporary key', signed({ key: 'ASIA', sessionToken: 'session' })],
    ['with a query', signed({ path: '/graphql?a=1&b=2' })],
    ['with a header that has spaces', signed({ headers: { 'X-Note': '  a   b ' } })],
    ['four minutes old', signed({ time: '20260505T115601Z' })],
    ['four minutes ahead', signed({ time: '20260505T120459Z' })],
    [
      'with the digest of its body',
      signed({
        headers: { 'X-Amz-Content-Sha256': createHash('sha256').update('{"query":"{ a }"}').digest('hex') },
      }),
    ],
  ])('is good %s', (_, request) => {
    expect(checkCredentials([iam], request)).toBeUndefined();
  });

  it.each<[string, ReceivedRequest, unknown]>([
    ['of a key that is not known', signed({ key: 'AKIE' }), unrecognized],
    ['of a temporary key without its session', signed({ key: 'ASIA' }), unrecognized],
    ['of a temporary key with another session', signed({ key: 'ASIA', sessionToken: 's' }), unrecognized],
    ['of a lasting key with a session', signed({ sessionToken: 'session' }), unrecognized],
    [
      'of a key that has just expired',
      signed({ key: 'OLD' }),
      ['ExpiredTokenException', 'The security token included in the request is expired.'],
    ],
    ['with another secret', signed({ secretAccessKey: 'other' }), invalid],
    ['for another region', signed({ region: 'eu-west-2' }), invalid],
    ['for another service', signed({ service: 'lambda' }), invalid],
    ['of another day', changed(signed(), { 'x-amz-date': '20260504T120000Z' }), invalid],
    ['of another time', changed(signed(), { 'x-amz-date': '20260505T120001Z' }), invalid],
    ['five minutes old', signed({ time: '20260505T115500Z' }), expired],
    ['five minutes ahead', signed({ time: '20260505T120500Z' }), expired],
    ['with another body', { ...signed(), body: Buffer.from('{}') }, invalid],
    ['with another path', { ...signed(), path: '/graphql?a=1' }, invalid],
    ['with another header', changed(signed(), { 'content-type': 'text/plain' }), invalid],
    ['with another digest', changed(signed(), { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }), invalid],
    [
      'that is cut off',
      changed(signed(), { authorization: String(signed().headers.authorization).slice(0, -1) }),
      ['IncompleteSignatureException', 'Authorization header requires all its parts.'],
    ],
  ])('is refused %s', (_, request, refusal) => {
    expect(checkCredentials([iam], request)).toEqual(refusal);
  });

  it('is refused with more behind it', () => {
    const authorization = `${String(signed().headers.authorization)}0`;
    expect(checkCredentials([iam], changed(signed(), { authorization }))).toEqual([
      'IncompleteSignatureException',
      'Authorization header requires all its parts.',
    ]);
  });

  it.each([
    [['host', 'x-amz-date'], undefined],
    [['x-amz-date'], invalid],
    [['host'], invalid],
  ])('has to be of the host and the time: of %j', (names, refusal) => {
    const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');
    const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
    const all: Record<string, string> = { host: 'api.test', 'x-amz-date': '20260505T120000Z' };
    const lines = names.map((name) => `${name}:${all[name]}`);
    const request = ['POST', '/graphql', '', ...lines, '', names.join(';'), sha256('{}')].join('\n');
    const scope = ['20260505', 'eu-west-1', 'appsync', 'aws4_request'];
    const text = ['AWS4-HMAC-SHA256', all['x-amz-date'], scope.join('/'), sha256(request)].join('\n');
    const signature = hmac(scope.reduce<string | Buffer>(hmac, 'AWS4secret'), text).toString('hex');
    const authorization = `AWS4-HMAC-SHA256 Credential=AKID/${scope.join('/')}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
    expect(checkCredentials([iam], received({ ...all, authorization }))).toEqual(refusal);
  });
});

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const issuer = 'https://issuer.test/';
function token(claims: object = {}): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode({ alg: 'RS256' })}.${encode({ iss: issuer, exp: now / 1000 + 1, ...claims })}`;
  return `${text}.${signBytes('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
}

describe.each(['OPENID_CONNECT', 'AMAZON_COGNITO_USER_POOLS'] as const)('a token of %s', (type) => {
  const mode: AppSyncMode = { type, issuer, publicKey };
  const check = (authorization: string) => checkCredentials([mode], received({ authorization }));

  it('is good while it lasts', () => {
    expect(check(token())).toBeUndefined();
    expect(check(token({ exp: now / 1000 }))).toEqual(['UnauthorizedException', 'Token has expired.']);
  });

  it('is refused by another issuer, and when it was changed', () => {
    const refusal = ['UnauthorizedException', 'Token is invalid.'];
    expect(check(token({ iss: 'https://other.test/' }))).toEqual(refusal);
    const [header, , signature] = token().split('.');
    const forged = Buffer.from(JSON.stringify({ iss: issuer, exp: now / 1000 + 9 })).toString('base64url');
    expect(check(`${header}.${forged}.${signature}`)).toEqual(refusal);
  });
});
