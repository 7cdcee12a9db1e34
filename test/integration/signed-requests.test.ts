/** Requests that are signed with SigV4. Over 300 lines: a case for each part of a request that may be changed. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import * as aws4 from 'aws4';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

/** Requests that other signers than AppSync's have signed, by the book, and what somebody may change of them. */
let graph: SmallGraph;
let gateway: TestGateway;

const credentials = { accessKeyId: 'AKIDSHOP', secretAccessKey: 'secret-of-the-shop' };
const temporary = { accessKeyId: 'ASIASHOP', secretAccessKey: 'temporary', sessionToken: 'the-session' };
const looked = { accessKeyId: 'AKIDLOOKED', secretAccessKey: 'found' };
const lookUp = jest.fn((id: string) => {
  if (id === 'AKIDBROKEN') throw new Error('The vault is sealed.');
  return id === looked.accessKeyId ? { ...looked, subject: 'u3' } : undefined;
});

beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    auth: { iam: { keys: [credentials, temporary], module: lookUp } },
  });
});

beforeEach(() => (graph.accounts.requests.length = 0));

afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

interface Signed {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

interface ToSign {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly date?: Date;
  readonly keys?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  readonly service?: string;
}

const query = '{ me { name } }';
const mutation = 'mutation { rename(id: "u1", name: "Ada") { name } }';
const bodyOf = (text: string, more = {}) => JSON.stringify({ query: text, ...more });

async function smithy(given: ToSign = {}): Promise<Signed> {
  const { method = 'POST', path = '/graphql', body = bodyOf(query), keys = credentials } = given;
  const signer = new SignatureV4({
    credentials: keys,
    region: 'eu-west-1',
    service: given.service ?? 'appsync',
    sha256: Sha256,
  });
  const { host, hostname, port } = new URL(gateway.url);
  const { pathname, searchParams } = new URL(path, gateway.url);
  const parameters: Record<string, string[]> = {};
  for (const [name, value] of searchParams) (parameters[name] ??= []).push(value);
  const signed = await signer.sign(
    {
      method,
      protocol: 'http:',
      hostname,
      port: Number(port),
      path: pathname,
      query: parameters,
      headers: { host, 'content-type': 'application/json', ...given.headers },
      ...(method === 'GET' ? {} : { body }),
    },
    given.date && { signingDate: given.date },
  );
  return { method, path, headers: signed.headers, body: method === 'GET' ? '' : body };
}

async function byAws4(given: ToSign = {}): Promise<Signed> {
  const { method = 'POST', path = '/graphql', body = bodyOf(query), keys = credentials } = given;
  const { headers } = aws4.sign(
    {
      method,
      host: new URL(gateway.url).host,
      path,
      service: 'appsync',
      region: 'eu-west-1',
      headers: { 'Content-Type': 'application/json', ...given.headers },
      ...(method === 'GET' ? {} : { body }),
    },
    keys,
  );
  return { method, path, headers: headers as Record<string, string>, body: method === 'GET' ? '' : body };
}

/** `fetch` would not send another `Host`. */
function send({ method, path, headers, body }: Signed): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((resolve, reject) => {
    const length = method === 'GET' ? {} : { 'content-length': Buffer.byteLength(body) };
    const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-length');
    const given = { ...Object.fromEntries(others), ...length };
    const request = httpRequest({ hostname, port, method, path, headers: given }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.on('end', () => resolve({ status: response.statusCode!, body: text }));
    });
    request.on('error', reject);
    request.end(body === '' ? undefined : body);
  });
}

describe.each([
  ['@smithy/signature-v4', smithy],
  ['aws4', byAws4],
])('%s', (name, sign) => {
  it('is understood: a query, a mutation, extensions, a session, a key that was looked up', async () => {
    for (const given of [
      { body: bodyOf(query) },
      { body: bodyOf(mutation) },
      { body: bodyOf(query, { extensions: { clientLibrary: { name: 'x' } } }) },
      { body: bodyOf('{ me { name } } # ünïcödé') },
      { keys: temporary },
      { keys: looked },
    ]) {
      expect({ given, ...(await send(await sign(given))) }).toMatchObject({
        given,
        status: 200,
        body: expect.stringContaining('"name":"Ada"'),
      });
    }
  });

  it('is understood with a query string, and in a GET', async () => {
    const path = "/graphql?b=2&a=%C3%BC%20x&a=1&c='*(";
    expect((await send(await sign({ path }))).status).toBe(200);
    const get = `/graphql?query=${encodeURIComponent(query)}`;
    const headers = { 'apollo-require-preflight': '1' };
    expect(await send(await sign({ method: 'GET', path: get, headers }))).toMatchObject({ status: 200 });
  });

  it('is not that of a query string with a space where a plus was signed', async () => {
    const get = (text: string) => `/graphql?query=${encodeURIComponent(text)}`;
    const headers = { 'apollo-require-preflight': '1' };
    const asking = await sign({ method: 'GET', path: get('{ user(id: "u+1") { name } }'), headers });
    expect((await send(asking)).status).toBe(200);
    expect((await send({ ...asking, path: asking.path.replace('%2B', '+') })).status).toBe(401);

    const spaces = await sign({ method: 'GET', path: get(query), headers });
    expect((await send({ ...spaces, path: spaces.path.replaceAll('%20', '+') })).status).toBe(200);
  });

  it('runs a query again, but a mutation once', async () => {
    const asking = await sign({ body: bodyOf(query) });
    expect([(await send(asking)).status, (await send(asking)).status]).toEqual([200, 200]);
    const changing = await sign({ body: bodyOf(mutation, { variables: { [name]: 1 } }) });
    expect((await send(changing)).status).toBe(200);
    const again = await send(changing);
    expect(again).toMatchObject({ status: 401, body: expect.stringContaining('already run') });
  });
});

describe.each([
  ['in production, where the mutation is known', 'production'],
  ['in development, where it goes through Apollo Server', 'development'],
] as const)('%s', (_name, mode) => {
  it.each([
    ['*/*', 'application/graphql-response+json'],
    ['application/graphql-response+json,application/json;q=0.9', 'application/graphql-response+json'],
    ['application/json', 'application/json'],
  ])('a mutation again is refused in the media type of other refusals, for %s', async (accept, type) => {
    const own = await startTestGateway({
      mode,
      supergraph: sourceOf(graph.supergraphSdl),
      auth: { iam: { keys: [credentials] } },
    });
    try {
      const { headers } = await smithy({ body: bodyOf(mutation), headers: { host: new URL(own.url).host } });
      const ask = (more = {}) => own.post(bodyOf(mutation), { headers: { ...headers, accept, ...more } });
      expect((await ask()).status).toBe(200);
      for (const refused of [await ask(), await ask({ 'x-amz-date': 'never' })]) {
        expect([refused.status, refused.headers.get('content-type')]).toEqual([
          401,
          `${type}; charset=utf-8`,
        ]);
        expect(await refused.text()).toContain('"UNAUTHENTICATED"');
      }
    } finally {
      await own.stop();
    }
  });
});

it('understands clients that share a key and sign in different forms, in any order', async () => {
  const asks: Record<string, () => Promise<Signed>> = {
    'by the book': () => smithy(),
    'by the book, with a query that has to be sorted': () => smithy({ path: '/graphql?b=2&a=1' }),
    'as AppSync’s link: another accept, and without extensions': async () => {
      const body = JSON.stringify({ variables: {}, query });
      const { headers, ...signed } = await smithy({ headers: { accept: '*/*' }, body });
      const sent = JSON.stringify({ variables: {}, extensions: { clientLibrary: {} }, query });
      return { ...signed, headers: { ...headers, accept: 'application/json' }, body: sent };
    },
  };
  for (const [first, askFirst] of Object.entries(asks)) {
    for (const [second, askSecond] of Object.entries(asks)) {
      const statuses = [(await send(await askFirst())).status, (await send(await askSecond())).status];
      expect({ first, second, statuses }).toEqual({ first, second, statuses: [200, 200] });
      const forged = await askSecond();
      expect((await send({ ...forged, body: forged.body.replace('name', 'id') })).status).toBe(401);
    }
  }
});

it('says 503, and lets nobody in, while a key cannot be looked up', async () => {
  const answer = await send(await smithy({ keys: { accessKeyId: 'AKIDBROKEN', secretAccessKey: 'x' } }));
  expect(answer.status).toBe(503);
  expect(answer.body).not.toContain('vault');
  expect(JSON.stringify(gateway.log)).toContain('The vault is sealed.');
});

it('answers over HTTP/2, where the host is the authority', async () => {
  const files = join(__dirname, '../support/tls');
  const secure = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    tls: { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') },
    auth: { iam: { keys: [credentials] } },
  });
  const { host, origin } = new URL(secure.url);
  const session = connect(origin, { ca: readFileSync(join(files, 'cert.pem')) });
  const statusOf = async ({ headers, body }: Signed, authority: string): Promise<unknown> => {
    const others = { ...headers };
    delete others['host'];
    const stream = session.request({
      ...{ ':method': 'POST', ':path': '/graphql', ':authority': authority },
      ...others,
    });
    stream.resume().end(body);
    const [answer] = (await once(stream, 'response')) as [Json];
    return answer[':status'];
  };
  try {
    expect(await statusOf(await smithy({ headers: { host } }), host)).toBe(200);
    expect(await statusOf(await smithy({ headers: { host } }), 'evil.example')).toBe(401);
  } finally {
    session.close();
    await secure.stop();
  }
});
