/** gateway/console/ as an attacker meets it: over real sockets, with every header chosen freely. Over 300 lines: each route. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import type { About } from '../../../../gateway/console/api';
import { consoleRoutes } from '../../../../gateway/console/routes';
import type { ConsoleSource, GatewayFilter, RequestFilter } from '../../../../gateway/console/source';
import type { Json } from '../../../support/running-gateway';

const token = 'a-token-for-operators';
const folder = mkdtempSync(join(tmpdir(), 'weir-console-'));
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Console</title>');
writeFileSync(join(folder, 'console.js'), 'export {};');

const open: FastifyInstance[] = [];
const filters: (RequestFilter & GatewayFilter)[] = [];
let isBroken = false;
const noStreams = { clients: 0, fields: [], others: 0 };
const source: ConsoleSource = {
  requests: (filter) => {
    if (isBroken) throw new Error('secret reason');
    filters.push(filter);
    return Promise.resolve([]);
  },
  request: () => Promise.resolve(undefined),
  report: () => Promise.reject(new Error('secret reason')),
  refusals: () => Promise.resolve({ since: null, groups: [] }),
  live: () => Promise.reject(new Error('secret reason')),
  operations: (filter) => {
    filters.push(filter);
    return Promise.reject(new Error('secret reason'));
  },
  errors: () => Promise.reject(new Error('secret reason')),
  graph: () => Promise.reject(new Error('secret reason')),
  schema: () => Promise.reject(new Error('secret reason')),
  gateways: () => Promise.resolve(undefined),
  ...{ caches: () => Promise.reject(new Error('secret reason')), streams: () => Promise.resolve(noStreams) },
  versions: () => Promise.reject(new Error('secret reason')),
  difference: () => Promise.resolve(undefined),
  options: () => Promise.resolve({ options: [] }),
  shadow: () => Promise.resolve(undefined),
};
const about: About = {
  version: '1.2.3',
  mode: 'development',
  endpoint: 'http://127.0.0.1:4000/graphql',
  canWrite: false,
  graphiql: 'http://127.0.0.1:4000/graphiql',
  recorded: { sampling: 1, values: false },
  gateways: { workers: 1, shared: false },
  shadow: false,
};
const logged: unknown[] = [];

async function serve(given: string | undefined): Promise<number> {
  const app = fastify({ forceCloseConnections: true });
  void app.register((routes, _, done) => {
    consoleRoutes(routes, {
      ...{ source: () => source, token: given, folder, about: () => about },
      logger: { error: (facts) => logged.push(facts) },
    });
    done();
  });
  open.push(app);
  return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
}

let unlocked: number;
let locked: number;
beforeAll(async () => {
  unlocked = await serve(undefined);
  locked = await serve(token);
});
afterAll(async () => {
  await Promise.all(open.map((app) => app.close()));
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
  readonly json: Json;
}

/** Unlike `fetch` it sends any header, and any path as it is. */
function send(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        const json = () => JSON.parse(text);
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          text,
          get json() {
            return json();
          },
        });
      });
    });
    sent.on('error', reject).end();
  });
}

describe('without a token', () => {
  it.each([
    ['localhost', 'localhost:9464'],
    ['localhost without a port', 'LOCALHOST'],
    ['an address of the loopback network', '127.5.6.7:80'],
    ['the loopback address of IPv6', '[::1]:9464'],
  ])('answers when it is opened by %s', async (_, host) => {
    const answer = await send(unlocked, '/console/api/about', { host });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(about);
  });

  it.each([
    ['a name that was resolved to this machine', { host: 'evil.example' }],
    ['such a name with the port', { host: 'evil.example:9464' }],
    ['a name that begins like this machine', { host: 'localhost.evil.example' }],
    ['a name that begins like an address', { host: '127.0.0.1.evil.example' }],
    ['a name with this machine in front', { host: 'localhost@evil.example' }],
    ['the name with a dot at its end', { host: 'localhost.' }],
    ['an address on the network', { host: '192.168.1.2:9464' }],
    ['a page of another origin', { host: 'localhost', origin: 'http://evil.example' }],
    ['a page at another port of this machine', { host: 'localhost:9464', origin: 'http://localhost:3000' }],
    ['a page without an origin', { host: 'localhost', origin: 'null' }],
    ['another site', { host: 'localhost', 'sec-fetch-site': 'cross-site' }],
    ['the same site at another origin', { host: 'localhost', 'sec-fetch-site': 'same-site' }],
    ['a proxy', { host: 'localhost', 'x-forwarded-for': '203.0.113.9' }],
    ['a standard proxy', { host: 'localhost', forwarded: 'for=203.0.113.9' }],
  ])('refuses %s', async (_, headers) => {
    for (const path of ['/console/api/about', '/console/api/requests', '/console/api/requests/1']) {
      const answer = await send(unlocked, path, headers);
      expect(answer.status).toBe(403);
      expect(answer.json.errors[0].extensions.code).toBe('FORBIDDEN');
      expect(answer.text).not.toContain('1.2.3');
    }
  });

  it('answers its own page', async () => {
    const headers = {
      host: 'localhost:9464',
      origin: 'http://localhost:9464',
      'sec-fetch-site': 'same-origin',
    };
    expect((await send(unlocked, '/console/api/about', headers)).status).toBe(200);
  });

  it('takes the first of two hosts, and refuses a request without one', async () => {
    const raw = (head: string): Promise<string> =>
      new Promise((resolve) => {
        let text = '';
        const socket = connect(unlocked, '127.0.0.1', () => socket.write(`${head}\r\n\r\n`));
        socket.on('data', (part) => (text += part.toString())).on('close', () => resolve(text));
      });
    const close = 'Connection: close';
    const two = await raw(
      `GET /console/api/about HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n${close}`,
    );
    expect(two).not.toContain('1.2.3');
    const none = await raw(`GET /console/api/about HTTP/1.0\r\n${close}`);
    expect(none).toMatch(/^HTTP\/1\.1 403/);
  });
});

describe('with a token', () => {
  const bearer = { authorization: `Bearer ${token}` };

  it.each([
    ['no token', {}],
    ['another token', { authorization: 'Bearer another-token-for-operators' }],
    ['the beginning of the token', { authorization: `Bearer ${token.slice(0, -1)}` }],
    ['more than the token', { authorization: `Bearer ${token}x` }],
    ['the token in another scheme', { authorization: `Basic ${token}` }],
  ])('refuses %s, also from this machine', async (_, headers) => {
    const answer = await send(locked, '/console/api/about', { host: 'localhost', ...headers });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.text).not.toContain('1.2.3');
  });

  it('takes no token in the address', async () => {
    expect((await send(locked, `/console/api/about?token=${token}`)).status).toBe(401);
  });

  it('answers by any name and from any page that has it', async () => {
    const answer = await send(locked, '/console/api/about', { ...bearer, host: 'gateway.example' });
    expect(answer.status).toBe(200);
  });

  it('shows the page without it, as it has no data', async () => {
    expect((await send(locked, '/console')).text).toContain('<title>Console</title>');
  });
});

it('lets no page frame it, run scripts of others, or read it from another origin', async () => {
  for (const [path, port] of [
    ['/console', unlocked],
    ['/console/', locked],
    ['/console/console.js', locked],
    ['/console/api/about', unlocked],
    ['/console/api/about', locked],
    ['/console/nothing', unlocked],
  ] as const) {
    const { headers } = await send(port, path, { origin: 'http://evil.example' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain('frame-src http://127.0.0.1:4000;');
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

it('answers no preflight', async () => {
  const headers = {
    origin: 'http://evil.example',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization',
  };
  for (const port of [unlocked, locked]) {
    const answer = await send(port, '/console/api/about', headers, 'OPTIONS');
    expect(answer.status).toBe(405);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('refuses %s, and says what is allowed', async (method) => {
  const answer = await send(unlocked, '/console/api/invalidate', { host: 'localhost' }, method);
  expect(answer.status).toBe(405);
  expect(answer.headers['allow']).toBe('GET, HEAD');
  expect(answer.json.errors[0].message).toContain('`admin.token` is not set');
});

it('answers HEAD as GET without a body, and only to operators', async () => {
  const allowed = await send(unlocked, '/console/api/about', { host: 'localhost' }, 'HEAD');
  expect([allowed.status, allowed.text]).toEqual([200, '']);
  expect((await send(unlocked, '/console/api/about', { host: 'evil.example' }, 'HEAD')).status).toBe(403);
  expect((await send(locked, '/console/api/about', {}, 'HEAD')).status).toBe(401);
  expect((await send(locked, '/console', {}, 'HEAD')).status).toBe(200);
});

it.each([
  '/console/../../package.json',
  '/console/..%2f..%2fpackage.json',
  '/console/%2e%2e/%2e%2e/package.json',
  '/console/console.js/../../../package.json',
  '/console/index.html',
  '/console//etc/passwd',
])('has no file at %s', async (path) => {
  const answer = await send(unlocked, path);
  expect([400, 404]).toContain(answer.status);
  expect(answer.text).not.toContain('dependencies');
});

it('does not send the page again to a browser that has it', async () => {
  const first = await send(unlocked, '/console');
  const again = await send(unlocked, '/console', { 'if-none-match': String(first.headers['etag']) });
  expect([again.status, again.text]).toEqual([304, '']);
});

it('says how the page is built where it is missing', async () => {
  const answer = await send(unlocked, '/console/console.css');
  expect(answer.status).toBe(404);
  expect(answer.json.errors[0].message).toContain('`npm run build`');
});

it('reads what is asked for from the query, and lets no cache keep the answer', async () => {
  const query =
    'gateway=shop-1&search=a%20b&operation=Page&client=web&failed=1&slowerThan=2.5&before=1764000000000.25';
  const answer = await send(unlocked, `/console/api/requests?${query}`);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(filters.at(-1)).toEqual({
    ...{ gateway: 'shop-1', search: 'a b', operation: 'Page', client: 'web' },
    ...{ failed: true, slowerThan: 2.5, before: 1764000000000.25 },
  });
});

it.each([
  ['slowerThan=soon', '`slowerThan` must be a number of milliseconds, but got: "soon".'],
  ['failed=yes', '`failed` must be 0 or 1, but got: "yes".'],
  ['client=a&client=b', '`client` must be given once.'],
  [`search=${'x'.repeat(201)}`, 'must not be longer than 200'],
  ['clients=a', '`clients` is unknown; did you mean `client`?'],
  ['__proto__=a', 'is unknown'],
])('refuses the query %s', async (query, says) => {
  const answer = await send(unlocked, `/console/api/requests?${query}`);
  expect(answer.status).toBe(400);
  expect(answer.json.errors[0].message).toContain(says);
});

it('says that a request is not there, and nothing of what failed', async () => {
  expect((await send(unlocked, '/console/api/requests/unknown')).status).toBe(404);
  isBroken = true;
  const answer = await send(unlocked, '/console/api/requests');
  isBroken = false;
  expect(answer.status).toBe(500);
  expect(answer.text).not.toContain('secret reason');
  expect(logged).toHaveLength(1);
});
