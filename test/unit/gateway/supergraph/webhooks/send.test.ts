import { createHmac } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { webhookKey, webhookSender } from '../../../../../gateway/supergraph/webhooks/send';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const message = { id: 'msg_1', body: '{"name":"Zoë"}' };
const never = new AbortController().signal;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

it('has the key of the test vector of Standard Webhooks', () => {
  const signed = 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}';
  const signature = createHmac('sha256', webhookKey(secret)).update(signed).digest('base64');
  expect(signature).toBe('g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  expect(webhookKey(secret.slice('whsec_'.length))).toEqual(webhookKey(secret));
});

it('signs the id, the time and the bytes of the body by each secret', async () => {
  const old = 'QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB';
  let got: { headers: Record<string, unknown>; body: string } | undefined;
  const url = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      got = { headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      response.writeHead(204).end();
    });
  });
  await webhookSender({ url, secrets: [secret, old] })(message, never);
  const { headers, body } = got!;
  expect(body).toBe(message.body);
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': 'msg_1' });
  const timestamp = headers['webhook-timestamp'];
  expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(60);
  const signatures = [secret, old].map(
    (each) =>
      `v1,${createHmac('sha256', webhookKey(each))
        .update(`msg_1.${String(timestamp)}.${body}`)
        .digest('base64')}`,
  );
  expect(headers['webhook-signature']).toBe(signatures.join(' '));
});

it.each([
  [500, 'HTTP status 500'],
  [404, 'HTTP status 404'],
  [410, 'HTTP status 410'],
])('fails for the status %d', async (status, reason) => {
  const url = await listen((_, response) => void response.writeHead(status).end());
  await expect(webhookSender({ url, secrets: [secret] })(message, never)).rejects.toThrow(reason);
});

it('follows no redirect', async () => {
  let requests = 0;
  const url = await listen((_, response) => {
    requests++;
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  await expect(webhookSender({ url, secrets: [secret] })(message, never)).rejects.toThrow('HTTP status 307');
  expect(requests).toBe(1);
});

it('does not read the body of an answer, however long it is', async () => {
  let written = 0;
  let close!: () => void;
  const closed = new Promise<void>((resolve) => (close = resolve));
  const url = await listen((_, response) => {
    response.on('close', close);
    const write = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536;
    };
    response.on('drain', write);
    write();
  });
  await webhookSender({ url, secrets: [secret] })(message, never);
  await closed;
  expect(written).toBeLessThan(64 * 1024 * 1024);
});

it('waits for an answer only so long', async () => {
  const url = await listen(() => undefined);
  await expect(webhookSender({ url, secrets: [secret], timeout: 50 })(message, never)).rejects.toThrow(
    'no answer within 50 ms',
  );
});

it('says why a receiver cannot be reached, without its URL', async () => {
  const url = await listen(() => undefined);
  const server = servers.pop()!;
  await new Promise((resolve) => server.close(resolve));
  const failure = webhookSender({ url: `${url}?token=hidden`, secrets: [secret] })(message, never);
  await expect(failure).rejects.toThrow(/ECONNREFUSED/);
  await expect(failure).rejects.not.toThrow(/hidden/);
});
