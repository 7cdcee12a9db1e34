/**
 * What a signature is good for, and what not. With other people's signers: test/integration/signed-requests.test.ts. Over
 * 300 lines: a case for each part of a signature.
 */
import { createHash, createHmac } from 'node:crypto';
import type { GraphQLError } from 'graphql';
import type { Proof, AuthRequest } from '../../../../../gateway/auth/authenticator';
import { iam } from '../../../../../gateway/auth/modes/iam';
import { canonicalValue, rawTarget } from '../../../../../gateway/auth/modes/sigv4';
import { UsedSignatures } from '../../../../../gateway/net/used-signatures';
import { parseOptions } from '../../../../../gateway/options';

const shop = { accessKeyId: 'AKIDSHOP', secretAccessKey: 'secret-of-the-shop' };
const temporary = { accessKeyId: 'ASIASHOP', secretAccessKey: 'temporary', sessionToken: 'the-session' };
const now = Date.parse('2026-05-05T12:00:00Z');
beforeEach(() => jest.useFakeTimers({ now }));
afterEach(() => jest.useRealTimers());

const failures: unknown[] = [];
const open = (more: object = {}, used = new UsedSignatures()) =>
  iam(parseOptions({ auth: { iam: { keys: [shop, temporary], ...more } } }).auth.iam!, {
    logger: { error: (facts: unknown) => failures.push(facts) } as never,
    used,
  });

interface ToSign {
  readonly method?: string;
  readonly url?: string;
  /** The second and third line of the canonical request; by default those of AWS's documents for `/graphql`. */
  readonly lines?: readonly [uri: string, query: string];
  readonly headers?: Readonly<Record<string, string>>;
  /** What is signed in place of the headers that are sent. */
  readonly signed?: Readonly<Record<string, string>>;
  readonly names?: readonly string[];
  readonly body?: string;
  readonly signedBody?: string;
  readonly keys?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly time?: string;
  readonly date?: string;
  readonly region?: string;
  readonly service?: string;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** By the book: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html */
function sign(given: ToSign = {}): AuthRequest {
  const { method = 'POST', url = '/graphql', body = '{"query":"{ me }"}', keys = shop } = given;
  const { lines = ['/graphql', ''], time = '20260505T120000Z', region = 'eu-west-1' } = given;
  const { date = time.slice(0, 8), service = 'appsync', signedBody = body } = given;
  const sent: Record<string, string> = {
    ...{ host: 'shop.example', 'x-amz-date': time, 'content-type': 'application/json', accept: 'text/x' },
    ...given.headers,
  };
  const { names = ['accept', 'content-type', 'host', 'x-amz-date'] } = given;
  const signed = { ...sent, ...given.signed };
  const request = [
    ...[method, ...lines],
    ...names.map((name) => `${name}:${signed[name]}`),
    ...['', names.join(';'), sha256(signedBody)],
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const key = [date, region, service, 'aws4_request'].reduce<Buffer>(
    hmac,
    Buffer.from(`AWS4${keys.secretAccessKey}`),
  );
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n')).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { requestId: 'r1', method, url, headers: { authorization, ...sent }, body: Buffer.from(body) };
}

/** What a request proves, or why it proves nothing. */
async function ask(received: AuthRequest, authenticator = open()): Promise<Proof | string> {
  expect(authenticator.recognises(received)).toBe(true);
  try {
    return await authenticator.authenticate(received);
  } catch (error) {
    const { message, extensions } = error as GraphQLError;
    if (extensions['code'] !== 'UNAUTHENTICATED') return `${extensions['code'] as string}: ${message}`;
    const { headers } = extensions['http'] as { headers: Map<string, string> };
    expect(headers.get('www-authenticate')).toBe('AWS4-HMAC-SHA256');
    return message;
  }
}

const wrong =
  'The signature is wrong: it was made with another secret, or for another method, path, host, header or body.';
const isGood = {
  identity: expect.objectContaining({ mode: 'iam', client: 'AKIDSHOP' }),
  withoutExtensions: false,
};

it('is recognised by its algorithm, and needs the body', () => {
  const authenticator = open();
  expect(authenticator).toMatchObject({ needsBody: true, challenge: 'AWS4-HMAC-SHA256' });
  const recognised = [undefined, 'Bearer x', 'x AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA256'].map((authorization) =>
    authenticator.recognises({ ...sign(), headers: authorization === undefined ? {} : { authorization } }),
  );
  expect(recognised).toEqual([false, false, false, true]);
});

it('with a wrong signature is refused, however deep its body is nested', async () => {
  const body = `{"query":"{ me }","variables":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}},"extensions":{}}`;
  expect(await ask(sign({ body, signedBody: '{}' }))).toBe(wrong);
});

describe('a request is let in', () => {
  it('over HTTP/2, where its host is the authority', async () => {
    const { headers, ...received } = sign();
    const { host, ...others } = headers;
    const over = (authority: string | undefined) =>
      ask({ ...received, headers: { ':authority': authority, ...others } });
    expect(await over(host)).toMatchObject(isGood);
    expect(await over('evil.example')).toBe(wrong);
  });

  it.each<[string, ToSign]>([
    ['by the book', {}],
    [
      'by the book, with a query that is sorted and encoded',
      {
        url: "/graphql?b=2&&a=%C3%BC+x&a=2&c='*(&d&a=1&query=%zz",
        lines: ['/graphql', 'a=%C3%BC%20x&a=1&a=2&b=2&c=%27%2A%28&d=&query=%25zz'],
      },
    ],
    [
      'with a path that is encoded once more',
      { url: "/a%20b!'()*/c", lines: ['/a%2520b%21%27%28%29%2A/c', ''] },
    ],
    ['as AppSync’s link writes a URL', { url: '/graphql?b=2&a=1', lines: ['/graphql?b=2&a=1', 'b=2&a=1'] }],
    ['with the accept of AppSync’s link', { signed: { accept: '*/*' } }],
    ['with an accept that is not signed', { names: ['host', 'x-amz-date'] }],
    ['without an accept', { names: ['host', 'x-amz-date'], headers: { accept: undefined as never } }],
    ['with the hash of the body', { headers: { 'x-amz-content-sha256': sha256('{"query":"{ me }"}') } }],
    [
      'with spaces in a header',
      { headers: { 'content-type': ' a   b\t' }, signed: { 'content-type': 'a b' } },
    ],
    ['in a GET', { method: 'GET', body: '' }],
    ['at the far end of what clocks may differ', { time: '20260505T115500Z' }],
    ['at its other end', { time: '20260505T120500Z' }],
    ['for any region', { region: 'us-east-1' }],
  ])('%s', async (_, given) => {
    expect(await ask(sign(given))).toMatchObject(isGood);
  });

  it.each<[string, string, string]>([
    [
      'extensions',
      '{"variables":{},"extensions":{"a":1},"query":"{ me }"}',
      '{"variables":{},"query":"{ me }"}',
    ],
    [
      'extensions, and an order of its own',
      '{"query":"{ me }","extensions":{},"variables":{"a":[1]},"operationName":"Q"}',
      '{"operationName":"Q","variables":{"a":[1]},"query":"{ me }"}',
    ],
    [
      'variables of the link',
      '{"variables":{"@@a":1,"b":2},"query":"{ me }"}',
      '{"variables":{"b":2},"query":"{ me }"}',
    ],
    ['extensions, beside variables that are a list', '{"variables":[1],"extensions":1}', '{"variables":[1]}'],
    ['extensions, beside variables that are null', '{"variables":null,"extensions":1}', '{"variables":null}'],
  ])('as AppSync’s link signs it, without %s, which are then not looked at', async (_, body, signedBody) => {
    expect(await ask(sign({ body, signedBody }))).toMatchObject({ ...isGood, withoutExtensions: true });
    expect(await ask(sign({ body }))).toMatchObject(isGood);
  });

  it('with a temporary key and its session', async () => {
    const headers = { 'x-amz-security-token': 'the-session' };
    expect(await ask(sign({ keys: temporary, headers }))).toMatchObject({
      identity: { client: 'ASIASHOP', claims: { accessKeyId: 'ASIASHOP' } },
    });
    expect(await ask(sign({ headers: { 'x-amz-security-token': '' } }))).toMatchObject(isGood);
  });

  it('in another form than the request before it, and again in that one', async () => {
    const authenticator = open();
    for (const signed of [{}, { accept: '*/*' }, {}, { accept: '*/*' }, { accept: '*/*' }])
      expect(await ask(sign({ signed }), authenticator)).toMatchObject(isGood);
    expect(await ask({ ...sign(), method: 'PUT' }, authenticator)).toBe(wrong);
  });
});

describe('a request is refused', () => {
  const change = (headers: Record<string, string | undefined>, given: ToSign = {}): AuthRequest => {
    const received = sign(given);
    return { ...received, headers: { ...received.headers, ...headers } };
  };
  const withAuthorization = (replace: (text: string) => string, given: ToSign = {}): AuthRequest => {
    const received = sign(given);
    return {
      ...received,
      headers: { ...received.headers, authorization: replace(received.headers.authorization!) },
    };
  };

  it.each<[string, () => AuthRequest, string]>([
    ['of another body', () => ({ ...sign(), body: Buffer.from('{}') }), wrong],
    ['of another method', () => ({ ...sign(), method: 'GET' }), wrong],
    ['of another URL', () => ({ ...sign(), url: '/graphql?a=1' }), wrong],
    ['of another host', () => change({ host: 'evil.example' }), wrong],
    ['with another header', () => change({ 'content-type': 'text/plain' }), wrong],
    ['with another accept', () => change({ accept: 'text/plain' }), wrong],
    ['with another secret', () => sign({ keys: { ...shop, secretAccessKey: 'x' } }), wrong],
    [
      'with a plus where %2B was signed',
      () => ({ ...sign({ url: '/graphql?a=%2B', lines: ['/graphql', 'a=%2B'] }), url: '/graphql?a=+' }),
      wrong,
    ],
    [
      'with more than extensions that is not signed',
      () => sign({ body: '{"a":1,"extensions":{},"query":""}', signedBody: '{"query":""}' }),
      wrong,
    ],
    [
      'with variables that are not signed',
      () => sign({ body: '{"variables":{"a":1,"@@b":1},"query":""}', signedBody: '{"query":""}' }),
      wrong,
    ],
    [
      'with a body that is a list',
      () => sign({ body: '["extensions"]', signedBody: '{"0":"extensions"}' }),
      wrong,
    ],
    [
      'with a body that is text',
      () => sign({ body: '"extensions"', signedBody: JSON.stringify(Object.assign({}, 'extensions')) }),
      wrong,
    ],
    [
      'with a body in another form',
      () => sign({ body: '{ "query": "" }', signedBody: '{"query":""}' }),
      wrong,
    ],
    ['with a body that is no JSON', () => sign({ body: '{"extensions"', signedBody: '{}' }), wrong],
    [
      'with another hash of the body',
      () => sign({ headers: { 'x-amz-content-sha256': sha256('x') } }),
      wrong,
    ],
    [
      'with no hash of the body',
      () => sign({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
      wrong,
    ],
    [
      'with a key that nobody has',
      () => sign({ keys: { ...shop, accessKeyId: 'AKIDOTHER' } }),
      'The access key is not known.',
    ],
    [
      'with a temporary key without its session',
      () => sign({ keys: temporary }),
      'The session token is wrong.',
    ],
    [
      'with a temporary key and another session',
      () => sign({ keys: temporary, headers: { 'x-amz-security-token': 'x' } }),
      'The session token is wrong.',
    ],
    [
      'with a session where there is none',
      () => sign({ headers: { 'x-amz-security-token': 'x' } }),
      'The session token is wrong.',
    ],
    [
      'for another service',
      () => sign({ service: 's3' }),
      'The signature is for the service "s3", not "appsync".',
    ],
    [
      'for another day',
      () => sign({ date: '20260504' }),
      'The date of the signature is not that of x-amz-date.',
    ],
    [
      'without its host',
      () => sign({ names: ['x-amz-date'] }),
      'The signature does not cover the header "host".',
    ],
    [
      'without its time',
      () => sign({ names: ['host'] }),
      'The signature does not cover the header "x-amz-date".',
    ],
    [
      'with a header that was not sent',
      () => withAuthorization((text) => text.replace('SignedHeaders=', 'SignedHeaders=constructor;')),
      'The signature covers the header "constructor", which was not sent.',
    ],
    [
      'that is too old',
      () => sign({ time: '20260505T115459Z' }),
      'The request was signed at 20260505T115459Z, but it is 20260505T120000Z: is the clock right?',
    ],
    [
      'that is of the future',
      () => sign({ time: '20260505T120501Z' }),
      'The request was signed at 20260505T120501Z, but it is 20260505T120000Z: is the clock right?',
    ],
    ...[
      '2026-05-05T12:00:00Z',
      '20260505T120000',
      ' 20260505T120000Z',
      '20260505T120000Z ',
      '20261305T120000Z',
    ].map((time): [string, () => AuthRequest, string] => [
      `of the time "${time}"`,
      () => change({ 'x-amz-date': time }),
      'The header x-amz-date must be a time such as 20270131T120000Z.',
    ]),
    [
      'of no time',
      () => change({ 'x-amz-date': undefined }),
      'The header x-amz-date must be a time such as 20270131T120000Z.',
    ],
    ...(
      [
        ['a signature that is too long', (text) => `${text}0`],
        ['a signature that is too short', (text) => text.slice(0, -1)],
        ['something before it', (text) => text.replace('Credential', 'x Credential')],
        ['no key', (text) => text.replace('AKIDSHOP', '')],
        ['no day', (text) => text.replace('20260505', '2026')],
        ['no region', (text) => text.replace('eu-west-1', '')],
        ['another ending of the scope', (text) => text.replace('aws4_request', 'aws5_request')],
        ['no headers', (text) => text.replace(/SignedHeaders=[^,]*/, 'SignedHeaders=')],
        ['headers in upper case', (text) => text.replace('host', 'Host')],
      ] satisfies [string, (text: string) => string][]
    ).map(([what, replace]): [string, () => AuthRequest, string] => [
      `of a form with ${what}`,
      () => withAuthorization(replace),
      'The signature in the authorization header is malformed.',
    ]),
  ])('%s', async (_, received, reason) => {
    expect(await ask(received())).toBe(reason);
  });

  it('for another region, where it has to be for one', async () => {
    const authenticator = open({ region: 'eu-west-1' });
    expect(await ask(sign(), authenticator)).toMatchObject(isGood);
    expect(await ask(sign({ region: 'us-east-1' }), authenticator)).toBe(
      'The signature is for the region "us-east-1", not "eu-west-1".',
    );
  });

  it('for another host, where hosts are named, whatever host it was sent to', async () => {
    const authenticator = open({ hosts: ['a.example', 'b.example'] });
    for (const host of ['a.example', 'b.example'])
      expect(await ask(sign({ signed: { host } }), authenticator)).toMatchObject(isGood);
    expect(await ask(sign(), authenticator)).toBe(wrong);
  });

  it('without a host, unless one is named', async () => {
    const signed = sign({ signed: { host: 'a.example' } });
    const received = { ...signed, headers: { ...signed.headers } };
    delete received.headers.host;
    expect(await ask(received, open({ hosts: ['a.example'] }))).toContain('"host", which was not sent');
  });
});

describe('a mutation', () => {
  const admit = async (authenticator: ReturnType<typeof open>, given: ToSign = {}) =>
    ((await ask(sign(given), authenticator)) as Proof).admitMutation!();
  const again = 'A mutation was already run with this signature: sign each request anew.';

  it('is run once with a signature, a query as often as it is sent', async () => {
    const authenticator = open();
    await ask(sign(), authenticator);
    await admit(authenticator);
    await expect(admit(authenticator)).rejects.toThrow(again);
    await admit(authenticator, { time: '20260505T120001Z' });
    await expect(admit(authenticator)).rejects.toThrow(again);
  });

  it('is not run where its signature cannot be remembered', async () => {
    const authenticator = open({}, new UsedSignatures(0));
    const error = await admit(authenticator).catch((thrown: unknown) => thrown as GraphQLError);
    const { code, http } = error!.extensions as { code: string; http: { headers: Map<string, string> } };
    expect([code, http.headers.get('retry-after')]).toEqual(['OVERLOADED', '60']);
  });

  it('is not run again as long as its signature is accepted', async () => {
    const authenticator = open();
    const latest = { time: '20260505T120500Z' };
    await admit(authenticator, latest);
    for (const minutes of [5, 5]) {
      jest.setSystemTime(Date.now() + minutes * 60_000);
      await expect(admit(authenticator, latest)).rejects.toThrow(again);
    }
    jest.setSystemTime(Date.now() + 1);
    expect(await ask(sign(latest), authenticator)).toContain('is the clock right?');
  });
});

it('reads a URL as the link writes it', () => {
  expect(['/graphql', '/?a=1', '/graphql?a=1?b'].map(rawTarget)).toEqual([
    { uri: '/graphql', query: '' },
    { uri: '/?a=1', query: 'a=1' },
    { uri: '/graphql?a=1?b', query: 'a=1?b' },
  ]);
});

it('reads a header that was sent more than once', () => {
  expect(canonicalValue({ 'set-cookie': ['a', ' b '] }, 'set-cookie')).toBe('a, b');
});

describe('keys of a module', () => {
  const module = jest.fn((id: string, token?: string): object | undefined | null => {
    if (id === 'AKIDBROKEN') throw new Error('The vault is sealed.');
    if (id === 'AKIDODD') return { secret: 'x' };
    if (id === 'ASIATEMP') return { secretAccessKey: 't', sessionToken: token };
    return id === 'AKIDFOUND'
      ? { secretAccessKey: 'found', subject: 'u3', client: 'app', groups: ['g'], scopes: ['s'] }
      : null;
  });
  const found = { accessKeyId: 'AKIDFOUND', secretAccessKey: 'found' };
  let authenticator: ReturnType<typeof open>;
  /** What the cache of keys goes by. */
  let clock = 1_000;
  const pass = (milliseconds: number) => {
    clock += milliseconds;
    jest.advanceTimersByTime(milliseconds);
  };
  afterEach(() => jest.restoreAllMocks());
  beforeEach(() => {
    jest.useFakeTimers({ now, doNotFake: ['performance'] });
    jest.spyOn(performance, 'now').mockImplementation(() => clock);
    module.mockClear();
    failures.length = 0;
    authenticator = open({ module });
  });

  it('are looked up, and remembered for five minutes', async () => {
    const identity = {
      subject: 'u3',
      client: 'app',
      groups: ['g'],
      scopes: ['s'],
      claims: { accessKeyId: 'AKIDFOUND' },
    };
    for (let times = 0; times < 2; times++)
      expect(await ask(sign({ keys: found }), authenticator)).toMatchObject({ identity });
    expect(module.mock.calls).toEqual([['AKIDFOUND', undefined]]);
    pass(5 * 60_000 - 1_000);
    await ask(sign({ keys: found }), authenticator);
    expect(module).toHaveBeenCalledTimes(1);
    pass(2_000);
    await ask(sign({ keys: found, time: '20260505T120500Z' }), authenticator);
    expect(module).toHaveBeenCalledTimes(2);
  });

  it('are looked up for each session', async () => {
    const keys = { accessKeyId: 'ASIATEMP', secretAccessKey: 't' };
    for (const token of ['one', 'two', 'one'])
      expect(
        await ask(sign({ keys, headers: { 'x-amz-security-token': token } }), authenticator),
      ).toMatchObject({
        identity: { client: 'ASIATEMP', groups: [], scopes: [] },
      });
    expect(module.mock.calls).toEqual([
      ['ASIATEMP', 'one'],
      ['ASIATEMP', 'two'],
    ]);
  });

  it('are not asked for where the configuration has one', async () => {
    expect(await ask(sign(), authenticator)).toMatchObject(isGood);
    expect(module).not.toHaveBeenCalled();
  });

  it('that are not known are looked up once in a while', async () => {
    const keys = { accessKeyId: 'AKIDNONE', secretAccessKey: 'x' };
    for (let times = 0; times < 2; times++)
      expect(await ask(sign({ keys }), authenticator)).toBe('The access key is not known.');
    expect(module).toHaveBeenCalledTimes(1);
    pass(11_000);
    expect(await ask(sign({ keys }), authenticator)).toBe('The access key is not known.');
    expect(module).toHaveBeenCalledTimes(2);
  });

  it.each(['AKIDBROKEN', 'AKIDODD'])('let nobody in when they cannot be read: %s', async (accessKeyId) => {
    const keys = { accessKeyId, secretAccessKey: 'x' };
    const error = await Promise.resolve(authenticator.authenticate(sign({ keys }))).catch(
      (thrown: unknown) => thrown as GraphQLError,
    );
    const { code, http } = (error as GraphQLError).extensions as {
      code: string;
      http: { headers: Map<string, string> };
    };
    expect([code, http.headers.get('retry-after')]).toEqual(['AUTHENTICATION_UNAVAILABLE', '1']);
    expect(failures).toMatchObject([{ accessKeyId }]);
    await ask(sign({ keys }), authenticator);
    expect(module).toHaveBeenCalledTimes(2);
  });
});
