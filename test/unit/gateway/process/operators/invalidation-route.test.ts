import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type AdminServer, createAdminServer } from '../../../../../gateway/process/operators/admin-server';
import { tagsOf, UnknownNames } from '../../../../../gateway/cache/invalidation';
import type { Invalidation } from '../../../../../gateway/options/invalidation';
import { StoreUnavailable } from '../../../../../gateway/cache/stores/store';
import type { Json } from '../../../../support/running-gateway';

const open: AdminServer[] = [];
afterEach(() => Promise.all(open.splice(0).map((admin) => admin.close())));

const token = 'a-token-for-operators';

function adminServer(options: { token?: string; invalidate?: () => Promise<void> } = { token }) {
  const invalidated: (readonly string[])[] = [];
  const errors: unknown[] = [];
  const invalidate = async (invalidation: Invalidation) => {
    await options.invalidate?.();
    invalidated.push(tagsOf(invalidation));
    return undefined;
  };
  const admin = createAdminServer({
    metrics: () => '',
    readiness: () => [],
    token: options.token,
    invalidation: options.token === undefined ? undefined : { token, invalidate, logger: { error: log } },
    console: undefined,
  });
  function log(facts: unknown) {
    errors.push(facts);
  }
  open.push(admin);
  const listening = once(admin.server.listen(0, '127.0.0.1'), 'listening').then(
    () => `http://127.0.0.1:${(admin.server.address() as AddressInfo).port}`,
  );
  const post = async (body: unknown, authorization = `Bearer ${token}`, type = 'application/json') => {
    const response = await fetch(`${await listening}/cache/invalidate`, {
      method: 'POST',
      headers: { 'content-type': type, ...(authorization && { authorization }) },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return {
      statusCode: response.status,
      challenge: response.headers.get('www-authenticate'),
      body: (await response.json()) as Json,
    };
  };
  return { post, invalidated, errors };
}

it('invalidates what is named, and says so', async () => {
  const { post, invalidated } = adminServer();
  const answer = await post({
    tags: ['product-12', 'shelf-*'],
    types: ['Review'],
    entities: [{ type: 'Item', key: { org: { id: 2 }, id: '1' } }],
    subgraphs: ['reviews'],
    operations: ['ProductPage'],
  });
  const tags = [
    'product-12',
    'shelf-*',
    'type:Review',
    'Item:id=1,org.id=2',
    'subgraph:reviews',
    'operation:ProductPage*',
  ];
  expect(answer.statusCode).toBe(200);
  expect(answer.body).toEqual({ invalidated: tags });
  expect(invalidated).toEqual([tags]);
});

it.each([
  ['no credentials', ''],
  ['another token', 'Bearer another-token-for-operators'],
  ['another scheme', `Basic ${token}`],
])('refuses %s, and invalidates nothing', async (_, authorization) => {
  const { post, invalidated } = adminServer();
  const answer = await post({ tags: ['x'] }, authorization);
  expect(answer.statusCode).toBe(401);
  expect(answer.challenge).toBe('Bearer');
  expect(answer.body.errors[0].extensions.code).toBe('UNAUTHENTICATED');
  expect(invalidated).toEqual([]);
});

it('takes its token with the scheme in any case', async () => {
  const { post } = adminServer();
  for (const scheme of ['bearer', 'BEARER', 'Bearer ']) {
    expect((await post({ tags: ['x'] }, `${scheme} ${token}`)).statusCode).toBe(200);
  }
  expect((await post({ tags: ['x'] }, token)).statusCode).toBe(401);
});

it.each([
  ['too large', 413, 'PAYLOAD_TOO_LARGE', 'application/json', JSON.stringify('x'.repeat(1024 * 1024))],
  ['of another type', 415, 'UNSUPPORTED_MEDIA_TYPE', 'text/plain', '{"tags":["x"]}'],
  ['of an unknown type', 415, 'UNSUPPORTED_MEDIA_TYPE', 'application/xml', '<tags/>'],
])('refuses a body that is %s with %i', async (_, status, code, type, body) => {
  const { post, invalidated } = adminServer();
  const answer = await post(body, `Bearer ${token}`, type);
  expect(answer.statusCode).toBe(status);
  expect(answer.body.errors[0].extensions.code).toBe(code);
  expect(invalidated).toEqual([]);
});

it('is not there when no token is configured', async () => {
  const { post } = adminServer({});
  expect((await post({ tags: ['x'] })).statusCode).toBe(404);
});

it.each([
  ['[', 'Body is not valid JSON'],
  [[], 'The body must be a map'],
  [{}, 'The body must name at least one of'],
  [{ tags: [] }, 'must name at least one of'],
  [{ tag: ['x'] }, '`tag` is unknown; did you mean `tags`?'],
  [{ types: 'Product' }, '`types` must be a list of text, but got: "Product".'],
  [{ tags: [''] }, '`tags.0` must not be empty.'],
  [
    { entities: [{ type: 'Product', key: {} }] },
    "`entities.0.key` must have at least one field, such as { upc: '12' }.",
  ],
])('refuses %j, and invalidates nothing', async (body, sentence) => {
  const { post, invalidated } = adminServer();
  const answer = await post(body);
  expect(answer.statusCode).toBe(400);
  expect(answer.body.errors[0].message).toContain(sentence);
  expect(invalidated).toEqual([]);
});

it('answers 400 when the supergraph does not have what is named, and says what that is', async () => {
  const { post } = adminServer({ token, invalidate: () => Promise.reject(new UnknownNames('No type Usr.')) });
  const answer = await post({ types: ['Usr'] });
  expect(answer.statusCode).toBe(400);
  expect(answer.body.errors[0]).toEqual({ message: 'No type Usr.', extensions: { code: 'BAD_REQUEST' } });
});

it('answers 503 when the store cannot confirm it, and logs why', async () => {
  const cause = new Error('refused');
  const invalidate = () => Promise.reject(new StoreUnavailable(cause));
  const { post, errors } = adminServer({ token, invalidate });
  const answer = await post({ tags: ['x'] });
  expect(answer.statusCode).toBe(503);
  expect(answer.body.errors[0].extensions.code).toBe('CACHE_UNAVAILABLE');
  expect(errors).toEqual([{ err: cause }]);
});
