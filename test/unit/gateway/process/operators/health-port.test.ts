import { once } from 'node:events';
import { connect } from 'node:net';
import { parseOptions } from '../../../../../gateway/options';
import { type HealthPort, openHealthPort } from '../../../../../gateway/process/operators/health-port';

const healthOptions = (health: object) => parseOptions({ health }).health;

let port: HealthPort;
let reasons: string[];

beforeEach(async () => {
  reasons = [];
  port = openHealthPort(healthOptions({ port: 0 }), () => Promise.resolve(reasons));
  await port.listen();
});
afterEach(() => port.close());

const at = async (path: string, method = 'GET') => {
  const response = await fetch(`${port.url}${path}`, { method });
  return [response.status, await response.text()];
};

it('says that the process runs, and whether it takes requests', async () => {
  expect(await at('/health/live')).toEqual([200, '{"status":"live"}']);
  expect(await at('/health/ready?from=probe')).toEqual([200, '{"status":"ready"}']);
  reasons = ['no supergraph'];
  expect(await at('/health/ready')).toEqual([503, '{"status":"not ready","reasons":["no supergraph"]}']);
  expect(await at('/health/ready', 'HEAD')).toEqual([503, '']);
  expect(await at('/health/live')).toEqual([200, '{"status":"live"}']);
});

it.each([
  ['/graphql', 'GET'],
  ['/health', 'GET'],
  ['/health/live', 'POST'],
])('serves nothing at %s for %s', async (path, method) => {
  const [status, body] = await at(path, method);
  expect(status).toBe(404);
  expect(JSON.parse(body as string)).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
});

it('ends, whoever holds a connection', async () => {
  const { port: number } = new URL(port.url!);
  const client = connect(Number(number), '127.0.0.1');
  await once(client, 'connect');
  client.write('GET /health/live HTTP/1.1\r\n');
  const ended = new Promise((close) => client.on('error', () => undefined).on('close', close));
  await port.close();
  await ended;
  expect(port.url).toBeUndefined();
});

it('names the option if the port is taken', async () => {
  const taken = Number(new URL(port.url!).port);
  const other = openHealthPort(healthOptions({ port: taken }), () => []);
  await expect(other.listen()).rejects.toThrow(
    `\`health.port\` ${taken} on 127.0.0.1 is taken by another process: choose another one, or 0 for a free one.`,
  );
});

it('does not listen without a port', async () => {
  const other = openHealthPort(healthOptions({}), () => []);
  await other.listen();
  expect(other.url).toBeUndefined();
  await other.close();
});
