import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import aws4 from 'aws4';
import { sigV4 } from '../../../../../gateway/net/sigv4';
import {
  type Caller,
  type HttpRequest,
  mayBeResent,
  type SubgraphOperation,
} from '../../../../../gateway/subgraph-calls/contract/transport';
import { toKey } from '../../../../../gateway/subgraph-calls/signers/link-keys';
import { signPrivateLink } from '../../../../../gateway/subgraph-calls/signers/private-link';
import { createHttpTransport, type HttpSubgraph } from '../../../../../gateway/subgraph-calls/wire/http';
import { callerOf } from '../../../../support/caller';

const operation: SubgraphOperation = {
  ...{ subgraph: 'pets', kind: 'query', document: '{a}', name: undefined },
  bodyPrefix: Buffer.from('{"query":"{a}","variables":'),
};

interface Received extends Pick<IncomingMessage, 'method' | 'url' | 'headers'> {
  readonly body: string;
}

const transport = createHttpTransport({ strict: true, http2: false });
const received: Received[] = [];
let answer: (request: Received, response: ServerResponse) => void;
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { method, url: path, headers } = request;
      received.push({ method, url: path, headers, body: Buffer.concat(pieces).toString() });
      answer(received.at(-1)!, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
beforeEach(() => {
  received.length = 0;
  answer = (_, response) => response.end('{}');
});
afterAll(async () => {
  await transport.close();
  await new Promise((resolve) => server.close(resolve));
});

const send = (
  http: Partial<HttpRequest>,
  subgraph: Partial<HttpSubgraph> = {},
  caller: Caller = callerOf(),
) =>
  transport.to({ name: 'pets', url, ...subgraph })({
    operation,
    variables: Buffer.alloc(0),
    caller,
    http: { method: 'GET', path: '/pets', route: '/pets', headers: {}, ...http },
  });

describe('a REST request', () => {
  it('has its method, path and query, and no content type without a body', async () => {
    answer = (_, response) => response.writeHead(201, { etag: '"a"' }).end('[1]');
    const response = await send({ path: '/pets/1?a=%2F' });
    expect(response).toMatchObject({ status: 201, headers: { etag: '"a"' } });
    expect(response.body.toString()).toBe('[1]');
    expect(received).toMatchObject([
      { method: 'GET', url: '/v1/pets/1?a=%2F', body: '', headers: { accept: 'application/json' } },
    ]);
    expect(Object.keys(received[0]!.headers)).not.toContain('content-type');
    expect(Object.keys(received[0]!.headers)).not.toContain('content-length');
  });

  it('keeps the query of the URL of its subgraph', async () => {
    await send({ path: '/pets?a=1?' }, { url: `${url}/?version=2` });
    await send({ path: '/pets' }, { url: `${url}?version=2` });
    expect(received.map((each) => each.url)).toEqual(['/v1/pets?version=2&a=1?', '/v1/pets?version=2']);
  });

  it('sends a body with its type', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await send({ method: 'PATCH', headers, body: Buffer.from('a=1') });
    expect(received).toMatchObject([
      { method: 'PATCH', body: 'a=1', headers: { ...headers, 'content-length': '3' } },
    ]);
  });

  it('has the headers of the subgraph and of the caller, which its own replace or not', async () => {
    await send(
      { headers: { 'x-key': 'of the request', 'x-trace': 'own', 'x-signed': 'of the request' } },
      {
        headers: { 'X-Key': 'configured', accept: 'application/vnd.pets+json' },
        signer: { headers: ['x-signed'], sign: () => ['x-signed', 'by the signer'] },
      },
      callerOf({
        headers: { 'x-key': 'of the caller', 'x-trace': 'of the caller', 'accept-language': 'de' },
        tracing: { traceparent: '00-1' },
      }),
    );
    expect(received[0]!.headers).toMatchObject({
      'x-key': 'configured',
      accept: 'application/vnd.pets+json',
      'x-trace': 'own',
      'x-signed': 'by the signer',
      'accept-language': 'de',
      traceparent: '00-1',
      'x-request-timeout': expect.stringMatching(/^\d+$/) as string,
    });
  });

  it('never goes to another host', async () => {
    await send({ path: '//evil.example/pets' });
    await send({ path: '//evil.example/pets' }, { url: new URL(url).origin });
    const { host } = new URL(url);
    expect(received).toMatchObject([
      { url: '/v1//evil.example/pets', headers: { host } },
      { url: '//evil.example/pets', headers: { host } },
    ]);
  });

  it.each([
    ['no path', 'pets'],
    ['a user', '@evil.example/'],
    ['dot segments', '/pets/../admin'],
    ['escaped dot segments', '/pets/%2e%2E/admin'],
    ['a dot', '/pets/./1'],
    ['a backslash', '/pets\\..\\admin'],
    ['a line break', '/pets HTTP/1.1\r\nx: y'],
    ['a fragment', '/pets#a'],
    ['a tab', '/pets\t'],
    ['a character that is not encoded', '/pets/ä'],
  ])('is not sent with %s', async (_, path) => {
    await expect(send({ path })).rejects.toMatchObject({ failure: 'unsendable' });
    expect(received).toEqual([]);
  });

  it.each([
    ['x-a', 'a\r\nx-b: c'],
    ['x-a', 'a\0'],
    ['x a', 'b'],
    ['host', 'evil.example'],
    ['transfer-encoding', 'chunked'],
    ['connection', 'x-a'],
  ])('is not sent with the header %j: %j', async (name, value) => {
    await expect(send({ headers: { [name]: value } })).rejects.toMatchObject({ failure: 'unsendable' });
    expect(received).toEqual([]);
  });

  it('is answered with a redirect, which is not followed', async () => {
    answer = (_, response) => response.writeHead(302, { location: url.replace('/v1', '/other') }).end();
    expect(await send({})).toMatchObject({ status: 302 });
    expect(received).toHaveLength(1);
  });

  it.each([204, 304])('is answered without a body, with the status %i', async (status) => {
    answer = (_, response) => response.writeHead(status).end();
    const response = await send({});
    expect(response).toMatchObject({ status });
    expect(response.body).toHaveLength(0);
  });

  it('has its response decompressed, within its limit', async () => {
    answer = (_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('a'.repeat(2_000)));
    expect((await send({})).body).toHaveLength(2_000);
    await expect(send({}, { maxResponseSize: 1_000 })).rejects.toMatchObject({ failure: 'too-large' });
  });

  it('times out', async () => {
    answer = (_, response) => response.write('[');
    await expect(send({}, { timeout: 100 })).rejects.toMatchObject({ failure: 'timeout' });
  });

  it.each([
    ['a GET of a query', 'query', 'GET', true],
    ['a POST of a query', 'query', 'POST', false],
    ['a GET of a mutation', 'mutation', 'GET', false],
  ] as const)('may be sent again or not: %s', (_, kind, method, expected) => {
    const http = { method, path: '/', route: '/', headers: {} };
    expect(mayBeResent({ operation: { ...operation, kind }, http })).toBe(expected);
  });
});

describe('a signed REST request', () => {
  it('is signed by Signature Version 4 as AWS checks it, with a query', async () => {
    const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
    const signer = sigV4({ service: 'execute-api', region: 'eu-west-1', credentials: () => keys });
    const type = 'application/x-www-form-urlencoded';
    await send({ path: '/pets/a%20b?ids=1&ids=2&name=a%2Bb%C3%BC' }, { signer });
    await send(
      { method: 'PUT', path: '/pets/1', body: Buffer.from('a=1'), headers: { 'content-type': type } },
      { signer },
    );
    for (const { method, url: path, headers, body } of received) {
      const expected = aws4.sign(
        {
          ...{
            method: method!,
            path: path!,
            host: headers.host!,
            service: 'execute-api',
            region: 'eu-west-1',
            body,
          },
          headers: {
            'X-Amz-Date': headers['x-amz-date'],
            'X-Amz-Content-Sha256': headers['x-amz-content-sha256'],
            ...(body !== '' && { 'Content-Type': type }),
          },
          extraHeadersToIgnore: { 'content-length': true },
        } as Parameters<typeof aws4.sign>[0],
        keys,
      );
      expect(headers['authorization']).toBe(expected.headers!['Authorization']);
    }
  });

  it('has a signature of a private link that covers its path and query', async () => {
    const signer = signPrivateLink({ subgraph: 'pets', key: () => toKey('k'.repeat(40)), now: () => 0 });
    await send({ path: '/pets/1' }, { signer: signer });
    const { headers } = received[0]!;
    const input = (headers['signature-input'] as string).slice('weir='.length);
    expect(input).toMatch(/^\("@method" "@path" "@query" "content-digest"\);/);
    const base = `"@method": GET\n"@path": /v1/pets/1\n"@query": ?\n"content-digest": ${headers['content-digest'] as string}\n"@signature-params": ${input}`;
    expect(headers['signature']).toBe(`weir=:${toKey('k'.repeat(40)).hmac(base)}:`);
  });
});
