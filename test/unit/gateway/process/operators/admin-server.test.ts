import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createAdminServer } from '../../../../../gateway/process/operators/admin-server';

const adminServer = () =>
  createAdminServer({
    metrics: () => 'up 1\n',
    readiness: () => [],
    token: undefined,
    invalidation: undefined,
    console: undefined,
  });

it('answers requests that come before its routes are loaded', async () => {
  const admin = adminServer();
  await once(admin.server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(admin.server.address() as AddressInfo).port}`;
  const texts = async () => {
    const answers = ['/metrics', '/health/ready'].map(async (path) => (await fetch(`${url}${path}`)).text());
    return Promise.all(answers);
  };
  const expected = ['up 1\n', '{"status":"ready"}'];
  expect(await texts()).toEqual(expected);
  expect(await texts()).toEqual(expected);
  await admin.close();
  expect(admin.server.listening).toBe(false);
});

it('closes without having loaded its routes', async () => {
  const admin = adminServer();
  await once(admin.server.listen(0, '127.0.0.1'), 'listening');
  await admin.close();
  expect(admin.server.listening).toBe(false);
  await adminServer().close();
});

it('does not wait for a client that has sent half of a request', async () => {
  const admin = adminServer();
  await once(admin.server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((admin.server.address() as AddressInfo).port, '127.0.0.1');
  const [connection] = (await once(admin.server, 'connection')) as [Socket];
  const ended = once(socket.resume(), 'close');
  socket.write('GET /metrics HTTP/1.1\r\nhost: ');
  while (connection.bytesRead === 0) await setImmediate();
  await admin.close();
  await ended;
});
