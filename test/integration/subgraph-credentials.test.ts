/** What a gateway proves to subgraphs that want credentials of their own kind. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TLSSocket } from 'node:tls';
import type { GatewayOptions } from '../../gateway';
import { composeSupergraph } from '../../schema';
import { checkSignature } from '../../kit/appsync/credentials';
import { startTestGateway } from '../support/running-gateway';
import { certificate, serveHttp1, serveHttps } from '../support/subgraph-servers';
import { temporaryFolder } from '../support/subgraph-kit';

type PeerSocket = Pick<TLSSocket, 'getPeerCertificate'>;
type Settings = NonNullable<GatewayOptions['subgraphs']>[string];
const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Asks a subgraph through a gateway, with a token of the client's. */
async function ask(url: string, settings: Settings) {
  const { supergraphSdl } = composeSupergraph({
    subgraphs: [{ name: 'a', routingUrl: url, sdl: 'type Query { x: Int }', file: 'a.graphql' }],
  });
  const supergraph = { start: async () => supergraphSdl, stop: async () => undefined };
  const gateway = await startTestGateway({ supergraph, subgraphs: { a: settings } });
  try {
    const answer = await gateway.post(
      { query: '{ x }' },
      { headers: { authorization: 'Bearer of-the-client' } },
    );
    return await answer.json();
  } finally {
    await gateway.stop();
  }
}

/** What a subgraph sees of such a call. */
async function seenWith(settings: Settings, path = '/graphql') {
  const seen: { headers: IncomingHttpHeaders; path: string; body: Buffer }[] = [];
  const server = await serveHttp1((request, response, body) => {
    seen.push({ headers: request.headers, path: request.url!, body });
    response.end('{"data":{"x":1}}');
  });
  try {
    expect(await ask(server.url.replace('/graphql', path), settings)).toEqual({ data: { x: 1 } });
    return seen[0]!;
  } finally {
    await server.stop();
  }
}

describe('a subgraph that wants credentials', () => {
  it('gets an API key in the header of its choice', async () => {
    const { headers } = await seenWith({ auth: { type: 'API_KEY', key: 'k-1', header: 'X-Key' } });
    expect(headers['x-key']).toBe('k-1');
  });

  it('gets a token, and not that of the client', async () => {
    const { headers } = await seenWith({ auth: { type: 'BEARER', token: 'ours' } });
    expect(headers.authorization).toBe('Bearer ours');
  });

  it('gets a token that was fetched for it', async () => {
    const asked: string[] = [];
    const issuer = await serveHttp1((_request, response, body) => {
      asked.push(body.toString());
      response.end('{"access_token":"fetched","expires_in":3600}');
    });
    const auth = {
      type: 'CLIENT_CREDENTIALS',
      tokenUrl: issuer.url,
      clientId: 'weir',
      clientSecret: 's',
      audience: 'https://a.test',
    } as const;
    const { headers } = await seenWith({ auth });
    await issuer.stop();
    expect(headers.authorization).toBe('Bearer fetched');
    expect(asked).toEqual(['grant_type=client_credentials&audience=https%3A%2F%2Fa.test']);
  });

  it('of AWS gets a signature of version 4', async () => {
    const before = { ...process.env };
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'AKIA1',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'session',
    });
    const auth = { type: 'AWS_IAM', service: 'execute-api', region: 'eu-west-1' } as const;
    const seen = await seenWith({ auth }, '/stage/graphql?v=2').finally(() => (process.env = before));
    const known = new Map([['AKIA1', { secretAccessKey: 'secret', sessionToken: 'session' }]]);
    const check = (body: Buffer) => checkSignature({ ...auth, known }, { ...seen, body });
    expect(check(seen.body)).toBeUndefined();
    expect(check(Buffer.from('{}'))).toBeDefined();
  });
});

describe('mutual TLS', () => {
  const cert = folder.write('cert.pem', certificate);
  const key = folder.write('key.pem', readFileSync(join(__dirname, '../support/tls/key.pem'), 'utf8'));
  const listener: RequestListener = (request, response) => {
    const { subject } = (request.socket as unknown as PeerSocket).getPeerCertificate();
    response.end(JSON.stringify({ data: { x: subject.CN === 'localhost' ? 1 : 2 } }));
  };
  const server = createHttpsServer(
    {
      cert: certificate,
      key: readFileSync(key),
      ca: certificate,
      requestCert: true,
      rejectUnauthorized: true,
    },
    listener,
  );
  let url: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('shows a subgraph the certificate of the gateway', async () => {
    expect(await ask(url, { tls: { cert, key, ca: cert } })).toEqual({ data: { x: 1 } });
  });

  it('has no answer from a subgraph that wants to see one and does not', async () => {
    expect(await ask(url, { tls: { ca: cert } })).toMatchObject({ data: { x: null } });
  });

  it('does not believe a subgraph whose certificate nobody it trusts has signed', async () => {
    const other = await serveHttps((_request, response) => response.end('{"data":{"x":1}}'));
    const answer = await ask(other.url, {});
    await other.stop();
    expect(answer).toMatchObject({ data: { x: null } });
  });

  it('says of a file that is no certificate what is wrong, before it starts', async () => {
    writeFileSync(join(folder.path, 'none.pem'), 'none');
    await expect(ask(url, { tls: { ca: join(folder.path, 'gone.pem') } })).rejects.toThrow(/gone\.pem/);
  });
});
