/**
 * The listener that subgraphs call back, as anybody may call it who reaches it. Over 300 lines: each wrong request has a case.
 */
import { createHmac } from 'node:crypto';
import { type ClientRequest, request } from 'node:http';
import { UsedSignatures } from '../../../../../gateway/net/used-signatures';
import { toKey } from '../../../../../gateway/subgraph-calls/signers/link-keys';
import { verifyCallback } from '../../../../../gateway/subgraph-calls/signers/signed-callback';
import {
  Callbacks,
  type CallbacksOptions,
  type RegisteredCallback,
} from '../../../../../gateway/subgraph-calls/subscriptions/callbacks';
import { EventQueue } from '../../../../../gateway/subgraph-calls/subscriptions/event-queue';
import { eventually } from '../../../../support/process';
import { serveBytes } from '../../../../support/subgraph-servers';
import { signCallback, signRequest } from '../../../../../kit/identity/private-link';

const listeners: Callbacks[] = [];
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((callbacks) => callbacks.close()));
});

const here = { host: '127.0.0.1', port: 0, path: '/callbacks', publicUrl: 'http://127.0.0.1:{port}' };
const textOf = async (queue: EventQueue) => (await queue.next())?.body.toString();

const key = toKey('k'.repeat(40));
const headers = { 'content-type': 'application/json' };

/** Takes callbacks of one subscription, which anybody may send. */
async function take({ isSigned = false, heartbeat = 0, requestTimeout = 30_000 } = {}) {
  const callbacks = new Callbacks({ ...here, requestTimeout });
  listeners.push(callbacks);
  await callbacks.listen();
  const used = new UsedSignatures();
  const verify = isSigned ? verifyCallback({ subgraph: 'orders', keys: () => [key], used }) : undefined;
  const nothing = (): void => undefined;
  const queue = new EventQueue({ subgraph: 'orders', bounds: {}, onClose: nothing, onDropped: nothing });
  const failures: string[] = [];
  const registered = callbacks.register({
    ...{ queue, verify, maxResponseSize: 10_000, heartbeat, end: nothing },
    fail: (failure) => failures.push(failure),
  });
  const { callbackUrl: url, subscriptionId: id, verifier } = registered;
  const right = { kind: 'subscription', action: 'next', id, verifier, payload: { data: { count: 1 } } };
  const post = async (body: unknown, more: Record<string, string> = {}, to = url): Promise<number> => {
    const sent = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(to, { method: 'POST', headers: { ...headers, ...more }, body: sent });
    expect(response.headers.get('subscription-protocol')).toBe('callback/1.0');
    return response.status;
  };
  return { queue, registered, failures, right, url, post };
}
type Taken = Awaited<ReturnType<typeof take>>;

/** The status of the answer to a body that is not whole. */
const postPieces = (
  url: string,
  sent: string,
  more: Record<string, string> = {},
): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const posted = request(url, { method: 'POST', headers: { ...headers, ...more } }, (response) => {
      resolve(response.statusCode);
      posted.destroy();
    });
    posted.on('error', reject);
    for (let at = 0; at < sent.length; at += 1_000) posted.write(sent.slice(at, at + 1_000));
  });

/** As the kit for subgraphs signs. */
const sign = (body: object, subgraph = 'orders') =>
  signCallback({ key: { id: key.id, secret: 'k'.repeat(40) }, subgraph, body: JSON.stringify(body) });
const isEmpty = async (queue: EventQueue): Promise<boolean> => {
  queue.complete();
  return (await queue.next()) === undefined;
};

it('are taken with the right verifier', async () => {
  const { queue, right, post } = await take();
  expect(await post({ ...right, action: 'check' })).toBe(204);
  expect(await post(right)).toBe(204);
  expect(await textOf(queue)).toBe('{"data":{"count":1}}');
});

it.each([
  ['a wrong verifier', 401, { verifier: 'x'.repeat(32) }],
  ['a verifier of another length', 401, { verifier: 'x' }],
  ['no verifier', 401, { verifier: undefined }],
  ['a verifier that is no text', 401, { verifier: { length: 32 } }],
  ['the id of another subscription', 400, { id: 'other' }],
  ['another kind', 400, { kind: 'query' }],
  ['an unknown action', 400, { action: 'destroy' }],
  ['no payload', 400, { payload: undefined }],
])('with %s are refused', async (_, status, more) => {
  const { queue, right, post } = await take();
  expect(await post({ ...right, ...more })).toBe(status);
  expect(await isEmpty(queue)).toBe(true);
});

it.each(['', '[]', '{', '"text"', '{"kind":"subscription"', '\u0000'])(
  'of the body %j are refused',
  async (body) => {
    const { queue, post } = await take();
    expect(await post(body)).toBe(400);
    expect(await isEmpty(queue)).toBe(true);
  },
);

it('for an unknown or an ended subscription get 404', async () => {
  const { registered, right, url, post } = await take();
  expect(await post(right, {}, url.replace(/[^/]+$/, 'unknown'))).toBe(404);
  expect(await post(right, {}, new URL('/', url).href)).toBe(404);
  registered.remove();
  expect(await post(right)).toBe(404);
});

const large = 'x'.repeat(20_000);

it('over the size of a response end the subscription', async () => {
  const { failures, right, post } = await take();
  expect(await post({ ...right, payload: { data: large } })).toBe(413);
  expect(failures).toEqual(['too-large']);
});

it('over the size of a response end the subscription also where no length is given', async () => {
  const { failures, right, url } = await take();
  // The last piece never comes.
  const sent = JSON.stringify({ ...right, payload: { data: large } }).slice(0, 12_000);
  expect(await postPieces(url, sent)).toBe(413);
  expect(failures).toEqual(['too-large']);
});

it.each([
  ['without a verifier', () => ({ payload: { data: large } })],
  ['with a wrong verifier', ({ right }: Taken) => ({ ...right, verifier: 'x', payload: { data: large } })],
  ['with the id of another one', ({ right }: Taken) => ({ ...right, id: 'x', payload: { data: large } })],
  [
    'whose verifier comes after the limit',
    ({ right }: Taken) => ({
      payload: { data: large },
      kind: right.kind,
      id: right.id,
      verifier: right.verifier,
    }),
  ],
])('over the size of a response change no subscription %s', async (_, bodyOf) => {
  const taken = await take();
  const { queue, failures, right, url, post } = taken;
  const body = JSON.stringify(bodyOf(taken));
  expect(await post(body)).toBe(413);
  expect(await postPieces(url, body.slice(0, 15_000))).toBe(413);
  expect(await postPieces(url, body.slice(0, 17_000), { 'content-length': '99999999' })).toBe(413);
  expect(failures).toEqual([]);
  expect(await post(right)).toBe(204);
  expect(await textOf(queue)).toBe('{"data":{"count":1}}');
});

it('over the size of a response end the subscription with the right signature alone', async () => {
  const { failures, post } = await take({ isSigned: true });
  const body = { payload: { data: large } };
  expect(await post(body)).toBe(401);
  expect(failures).toEqual([]);
  expect(await post(body, sign(body))).toBe(413);
  expect(failures).toEqual(['too-large']);
});

it.each([
  ['stops', () => undefined],
  [
    'drips',
    (posted: ClientRequest) => {
      const dripping = setInterval(() => posted.write(' '), 50);
      posted.on('close', () => clearInterval(dripping));
    },
  ],
])('whose body %s are cut after the longest time of a request, and change nothing', async (_, then) => {
  const { queue, failures, right, url, post } = await take({ requestTimeout: 200 });
  const posted = request(url, { method: 'POST', headers: { ...headers, 'content-length': '99999999' } });
  posted.write(JSON.stringify(right).slice(0, -5));
  then(posted);
  await new Promise((resolve) => {
    posted.on('response', resolve);
    posted.on('error', resolve);
  });
  posted.destroy();
  expect(failures).toEqual([]);
  expect(await post(right)).toBe(204);
  expect(await textOf(queue)).toBe('{"data":{"count":1}}');
});

it.each([
  ['another content type', { 'content-type': 'text/plain' }],
  ['an unknown encoding', { 'content-encoding': 'br' }],
])('of %s still want the verifier', async (_, more) => {
  const { queue, right, post } = await take();
  expect(await post({ ...right, verifier: 'x' }, more)).toBe(401);
  expect(await isEmpty(queue)).toBe(true);
});

it('that look for life with a wrong verifier are no sign of it', async () => {
  const { failures, right, post } = await take({ heartbeat: 100 });
  const sent: Promise<number>[] = [];
  const sending = setInterval(() => sent.push(post({ ...right, action: 'check', verifier: 'x' })), 40);
  await eventually(() => failures.includes('silent'));
  clearInterval(sending);
  await Promise.all(sent);
});

it('are taken only by POST', async () => {
  const { url } = await take();
  expect((await fetch(url)).status).toBe(405);
});

it('that are signed are taken once', async () => {
  const { queue, right, post } = await take({ isSigned: true });
  const signed = sign(right);
  expect(await post(right, signed)).toBe(204);
  expect(await post(right, signed)).toBe(401);
  expect(await textOf(queue)).toBe('{"data":{"count":1}}');
  expect(await isEmpty(queue)).toBe(true);
});

it.each([
  ['that are not signed', () => ({})],
  ['of another subgraph', (body: object) => sign(body, 'reviews')],
  ['with another body', (body: object) => sign({ ...body, action: 'complete' })],
  [
    'that the gateway signed itself',
    (body: object) =>
      signRequest({
        ...{ key: { id: key.id, secret: 'k'.repeat(40) }, subgraph: 'orders', caller: null },
        body: JSON.stringify(body),
      }),
  ],
  ['with a changed signature', (body: object) => ({ ...sign(body), signature: `weir=:${'A'.repeat(43)}=:` })],
  ['with half a signature', (body: object) => ({ ...sign(body), signature: 'weir=' })],
  [
    'of an unknown key',
    (body: object) =>
      signCallback({
        key: { id: 'unknown', secret: 'k'.repeat(40) },
        subgraph: 'orders',
        body: JSON.stringify(body),
      }),
  ],
])('%s are refused where private links are on', async (_, signed) => {
  const { queue, right, post } = await take({ isSigned: true });
  expect(await post(right, signed(right))).toBe(401);
  expect(await isEmpty(queue)).toBe(true);
});

it('that say that the subgraph is stopping break a subscription, and others end it', async () => {
  const { queue, failures, right, post } = await take();
  const errors = (code: string) => [{ message: 'm', extensions: { code } }];
  expect(await post({ ...right, action: 'complete', errors: errors('UNAVAILABLE') })).toBe(204);
  expect(failures).toEqual(['interrupted']);
  expect(await post({ ...right, action: 'complete', errors: errors('GONE') })).toBe(204);
  expect(await textOf(queue)).toBe('{"errors":[{"message":"m","extensions":{"code":"GONE"}}]}');
  expect(await queue.next()).toBeUndefined();
});

it('take the first free port of several', async () => {
  const first = new Callbacks(here);
  listeners.push(first);
  await first.listen();
  const { callbackUrl } = first.register({} as never);
  const port = Number(new URL(callbackUrl).port);
  const alone = new Callbacks({ ...here, port });
  await expect(alone.listen()).rejects.toThrow('EADDRINUSE');
  const next = new Callbacks({ ...here, port, ports: 64 });
  listeners.push(next);
  await next.listen();
  expect(Number(new URL(next.register({} as never).callbackUrl).port)).toBeGreaterThan(port);
});

describe('of another process of the gateway', () => {
  const ofOne = { ...here, key: 'a secret of both' };
  async function listening(options: CallbacksOptions) {
    const callbacks = new Callbacks(options);
    listeners.push(callbacks);
    await callbacks.listen();
    const nothing = (): void => undefined;
    const queue = new EventQueue({ subgraph: 'orders', bounds: {}, onClose: nothing, onDropped: nothing });
    const failures: string[] = [];
    const called = { queue, verify: undefined, maxResponseSize: 10_000, heartbeat: 0, end: nothing };
    const registered = callbacks.register({ ...called, fail: (failure) => failures.push(failure) });
    return { callbacks, queue, registered, failures };
  }
  const send = async (to: RegisteredCallback, by: RegisteredCallback, data: unknown) => {
    const { subscriptionId: id, verifier } = to;
    const url = by.callbackUrl.replace(by.subscriptionId, id);
    const body = JSON.stringify({ kind: 'subscription', action: 'next', id, verifier, payload: { data } });
    return (await fetch(url, { method: 'POST', headers, body })).status;
  };

  it('are passed on to it, which answers', async () => {
    const [one, other] = [await listening(ofOne), await listening(ofOne)];
    expect(await send(other.registered, one.registered, { count: 1 })).toBe(204);
    expect(await textOf(other.queue)).toBe('{"data":{"count":1}}');
    expect(await send({ ...other.registered, verifier: 'wrong' }, one.registered, 1)).toBe(401);
    expect(await send(other.registered, one.registered, 'x'.repeat(20_000))).toBe(413);
    expect(other.failures).toEqual(['too-large']);
    other.registered.remove();
    expect(await send(other.registered, one.registered, 1)).toBe(404);
  });

  it('come to another one where all come to one port, whose process has ended', async () => {
    const one = await listening(ofOne);
    const { origin: publicUrl, port } = new URL(one.registered.callbackUrl);
    const other = await listening({ ...ofOne, port: Number(port), ports: 64, publicUrl });
    expect(await send(other.registered, one.registered, { count: 1 })).toBe(204);
    await one.callbacks.close();
    const again = (): Promise<number> => send(other.registered, one.registered, { count: 2 }).catch(() => 0);
    await eventually(async () => (await again()) === 204);
    expect(await textOf(other.queue)).toBe('{"data":{"count":1}}');
    expect(await textOf(other.queue)).toBe('{"data":{"count":2}}');
    expect(await send(one.registered, one.registered, 1)).toBe(404);
  });

  it('get 404 when it is gone', async () => {
    const [one, other] = [await listening(ofOne), await listening(ofOne)];
    await other.callbacks.close();
    expect(await send(other.registered, one.registered, 1)).toBe(404);
  });

  it('get 503 when it breaks off, so that the subgraph tries again', async () => {
    const dying = await serveBytes((socket) => socket.destroy());
    const { registered } = await listening(ofOne);
    const signed = `${new URL(dying.url).port}.id`;
    const subscriptionId = `${signed}.${createHmac('sha256', ofOne.key).update(signed).digest('base64url')}`;
    expect(await send({ ...registered, subscriptionId }, registered, 1)).toBe(503);
    await dying.stop();
  });

  it.each([
    ['with another secret', { ...here, key: 'of another gateway' }],
    ['without a secret', here],
  ])('get 404 of one %s, which connects to nobody', async (_, options) => {
    const [one, other] = [await listening(options), await listening(ofOne)];
    expect(await send(other.registered, one.registered, 1)).toBe(404);
    expect(await isEmpty(other.queue)).toBe(true);
  });

  it('are not passed on to a port that somebody else names', async () => {
    const [one, other] = [await listening(ofOne), await listening(ofOne)];
    const [, rest] = /^\d+(\..*)$/.exec(one.registered.subscriptionId)!;
    const { port } = new URL(other.registered.callbackUrl);
    expect(await send({ ...other.registered, subscriptionId: port + rest! }, one.registered, 1)).toBe(404);
  });
});

it('listen at the next subscription, once the port that was taken is free', async () => {
  const first = new Callbacks(here);
  await first.listen();
  const port = Number(new URL(first.register({} as never).callbackUrl).port);
  const second = new Callbacks({ ...here, port });
  listeners.push(second);
  const failed = [second.listen(), second.listen()];
  for (const listening of failed) await expect(listening).rejects.toThrow('EADDRINUSE');
  await first.close();
  await Promise.all([second.listen(), second.listen()]);
  expect(new URL(second.register({} as never).callbackUrl).port).toBe(String(port));
});

it('leave no timer behind when the last subscription has ended', async () => {
  const callbacks = new Callbacks(here);
  listeners.push(callbacks);
  await callbacks.listen();
  jest.useFakeTimers();
  try {
    for (let again = 0; again < 2; again++) {
      const [one, two] = [callbacks.register({} as never), callbacks.register({} as never)];
      one.remove();
      expect(jest.getTimerCount()).toBe(1);
      two.remove();
      expect(jest.getTimerCount()).toBe(0);
    }
  } finally {
    jest.useRealTimers();
  }
});
