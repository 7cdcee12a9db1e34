/** The kit's parts as processes: how they start, what they say, how they end. Over 300 lines: they share what runs them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openEmbeddedDynamoDB } from '../../kit';
import { temporaryFolder } from '../support/subgraph-kit';

const source = (path: string) => join(__dirname, '../..', path);
const library = source('test/support/library-subgraph.ts');
const standIn = source('subgraphs/shipping/index.ts');
const embedded = source('kit/store/embedded-dynamodb.ts');

let folder: ReturnType<typeof temporaryFolder>;
const children = new Set<ChildProcess>();
beforeEach(() => (folder = temporaryFolder()));
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  children.clear();
  folder.remove();
});

/** A process, what it says, and how it ends. */
function run(
  file: string,
  args: string[] = [],
  env: Record<string, string> = {},
  channel: 'ipc' | 'ignore' = 'ipc',
) {
  const child = spawn(process.execPath, ['-r', source('test/support/typescript.cjs'), file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', channel],
    env: { PATH: process.env['PATH'], ...env },
  });
  children.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout!.on('data', (chunk) => (output.stdout += String(chunk)));
  child.stderr!.on('data', (chunk) => (output.stderr += String(chunk)));
  return {
    child,
    output,
    ready: once(child, 'message').then(
      ([message]) => message as { type: string; url: string; endpoint: string },
    ),
    exit: once(child, 'exit').then(([code]) => code as number),
    end: once(child, 'close').then(([code, signal]) => ({ code, signal, ...output })),
  };
}

async function query(url: string, text: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: text }),
  });
  return JSON.parse(await response.text()).data;
}
const title = async (url: string) => (await query(url, '{ book(id: "b1") { title } }')).book.title;
const rename = (url: string) => query(url, 'mutation { rename(id: "b1", title: "New") { title } }');
const start = (...args: string[]) => run(library, ['--port', '0', '--data', folder.path, ...args]);

describe('a subgraph process', () => {
  it('says when it is ready, finishes what is in flight on SIGTERM and exits 0', async () => {
    const loaded = join(folder.path, 'loaded.json');
    const { child, ready, end } = run(library, ['--port', '0', '--data', folder.path], {
      NODE_OPTIONS: `--require ${source('test/support/loaded-packages.cjs')}`,
      WEIR_LOADED_PACKAGES: loaded,
    });
    const { type, url } = await ready;
    expect(type).toBe('ready');
    const answer = query(url, '{ wait(milliseconds: 400) }');
    await new Promise((resolve) => setTimeout(resolve, 150));
    child.kill('SIGTERM');
    expect(await answer).toEqual({ wait: 'done' });
    expect(await end).toMatchObject({ code: 0, stderr: '' });
    const packages = JSON.parse(readFileSync(loaded, 'utf8')) as string[];
    expect(packages).toContain('@aws-sdk/client-dynamodb');
    // Where no collector is named, nothing is loaded that exports spans.
    expect(packages.filter((name) => name.startsWith('@opentelemetry/'))).toEqual([]);
  });

  it('writes JSON logs with the request id and the trace id', async () => {
    const { child, ready, end } = start();
    const { url } = await ready;
    await fetch(`${url}?query={__typename}`, {
      headers: {
        'x-request-id': 'r1',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        'apollo-require-preflight': '1',
      },
    });
    child.kill('SIGTERM');
    const { stdout } = await end;
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'ready', url, subgraph: 'library' }));
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: 'request',
        requestId: 'r1',
        traceId: '0af7651916cd43dd8448eb211c80319c',
        status: 200,
      }),
    );
  });

  it('ends with the process that started it', async () => {
    const { child, ready, exit } = start();
    await ready;
    child.disconnect();
    expect(await exit).toBe(0);
  });

  it('keeps its data over a restart, after SIGKILL, too, and seeds but once', async () => {
    const first = start();
    expect(await title((await first.ready).url)).toBe('Book 1');
    await rename((await first.ready).url);
    first.child.kill('SIGKILL');
    await first.end;

    const second = start();
    expect(await title((await second.ready).url)).toBe('New');
    second.child.kill('SIGTERM');
    expect(await second.end).toMatchObject({ code: 0 });
  });

  it('uses a DynamoDB that is elsewhere', async () => {
    const elsewhere = await openEmbeddedDynamoDB();
    const { child, ready, end } = run(library, ['--port', '0'], { DYNAMODB_ENDPOINT: elsewhere.endpoint });
    expect(await title((await ready).url)).toBe('Book 1');
    child.kill('SIGTERM');
    await end;
    await elsewhere.stop();
  });

  it.each([
    [
      ['--prt', '1'],
      'library: There is no flag --prt; there are --port, --host, --schema, --data, --seed, --events-channel, --events-topic, --events-queue, --events-create.\n',
    ],
    [['--port', 'x'], 'library: --port must be a whole number from 0 to 65535, but got: "x".\n'],
  ])('exits 2 with one sentence when it is started with %j', async (args, stderr) => {
    expect(await run(library, args).end).toMatchObject({ code: 2, stderr, stdout: '' });
  });

  it('exits 2 with one sentence when its DynamoDB cannot be reached', async () => {
    const { code, stderr } = await run(library, ['--port', '0'], {
      DYNAMODB_ENDPOINT: 'http://127.0.0.1:3991',
    }).end;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'library: DynamoDB does not answer at http://127.0.0.1:3991.\n',
    });
  });

  describe('over a DynamoDB that does not work', () => {
    let answer: (response: ServerResponse) => void;
    const server = createServer((_, response) => answer(response));
    let env: { DYNAMODB_ENDPOINT: string };
    beforeAll(async () => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      env = { DYNAMODB_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    it('says why it cannot start', async () => {
      const content = { __type: 'com.amazonaws.dynamodb.v20120810#ValidationException', message: 'Odd.' };
      answer = (response) => response.writeHead(400).end(JSON.stringify(content));
      expect(await run(library, ['--port', '0'], env).end).toMatchObject({
        code: 2,
        stderr: 'library: It cannot start: Odd.\n',
      });
    });

    it('exits 0 when it is told to stop while it starts', async () => {
      const asked = new Promise((resolve) => (answer = resolve));
      const { child, end } = run(library, ['--port', '0'], env);
      await asked;
      child.kill('SIGTERM');
      expect(await end).toMatchObject({ code: 0, stderr: '' });
    });
  });

  it('needs nobody who hears that it is ready, and lives on when a promise is forgotten', async () => {
    const { child, output, end } = run(library, ['--port', '0', '--data', folder.path], {}, 'ignore');
    const said = async (message: string) => {
      while (!output.stdout.includes(`"msg":"${message}"`)) await once(child.stdout!, 'data');
      const lines = output.stdout.split('\n').filter((line) => line.includes(`"msg":"${message}"`));
      return JSON.parse(lines[0]!) as { url: string; err: { message: string } };
    };
    const { url } = await said('ready');
    await query(url, '{ forget }');
    expect((await said('unhandled rejection')).err.message).toBe('forgotten');
    expect(await title(url)).toBe('Book 1');
    child.kill('SIGINT');
    expect(await end).toMatchObject({ code: 0, stderr: '' });
  });

  it('explains itself', async () => {
    const { code, stdout } = await run(library, ['--help']).end;
    expect(code).toBe(0);
    expect(stdout).toContain('--port N');
  });
});

describe('a stand-in for an AppSync API as a process', () => {
  async function ask(url: string, key: string) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'x-api-key': key },
      body: '{"query":"{ carriers { code } }"}',
    });
    return [response.status, ((await response.json()) as { data?: object }).data];
  }
  const carriers = { carriers: [{ code: 'POSTNL' }, { code: 'DPD' }] };

  it('answers whom its options let in, and logs that and whom it refuses', async () => {
    const { child, ready, end } = run(standIn, [
      '--port',
      '0',
      '--data',
      folder.path,
      '--shipping-api-key',
      'da2-own',
    ]);
    const { url } = await ready;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/);
    expect(await ask(url, 'da2-own')).toEqual([200, carriers]);
    expect(await ask(url, 'da2-development')).toEqual([401, undefined]);
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await end;
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toMatchObject([
      { level: 30, msg: 'ready', url, subgraph: 'shipping' },
      { level: 30, msg: 'request', subgraph: 'shipping' },
      { level: 40, msg: 'request refused', reason: 'You are not authorized to make this call.' },
    ]);
  });

  it('takes another schema and host, its default key, and logs no more than it is told to', async () => {
    const schema = folder.write(
      'schema.graphql',
      'type Query { carriers: [Carrier]  _entities: [Int] } type Carrier { code: AWSName } ' +
        'type Order { shipment: Int } ' +
        'type Mutation { announceShipment: Int  withdrawShipment: Int  moveShipment: Int }',
    );
    const args = ['--port', '0', '--data', folder.path, '--schema', schema, '--host', 'localhost'];
    const { child, ready, end } = run(standIn, args, { LOG_LEVEL: 'silent' });
    const { url } = await ready;
    expect(url).toMatch(/^http:\/\/localhost:/);
    expect(await ask(url, 'da2-development')).toEqual([200, carriers]);
    child.kill('SIGTERM');
    expect(await end).toMatchObject({ code: 0, stdout: '' });
  });

  it('explains itself', async () => {
    const { code, stdout } = await run(standIn, ['--help']).end;
    expect(code).toBe(0);
    expect(stdout).toContain('The subgraph "shipping": a stand-in for an API of AWS AppSync.');
  });
});

describe('the embedded DynamoDB as a process', () => {
  it('says where it is and closes its data on SIGTERM', async () => {
    const { child, ready, end } = run(embedded, ['--data', folder.path, '--port', '0']);
    const { endpoint } = await ready;
    expect(await (await fetch(endpoint)).text()).toContain('healthy');
    child.kill('SIGTERM');
    expect(await end).toMatchObject({ code: 0, stderr: '' });
  });

  it('ends with the process that started it', async () => {
    const { child, ready, exit } = run(embedded, ['--data', folder.path]);
    await ready;
    child.disconnect();
    expect(await exit).toBe(0);
  });

  it('names the owner when its folder is served elsewhere and it was to listen at a port', async () => {
    const owner = run(embedded, ['--data', folder.path]);
    const { endpoint } = await owner.ready;
    const second = run(embedded, ['--data', folder.path]);
    expect((await second.ready).endpoint).toBe(endpoint);
    const { code, stderr } = await run(embedded, ['--data', folder.path, '--port', '1']).end;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `embedded-dynamodb: The data folder ${folder.path} is served by another process at ${endpoint}.\n`,
    });
  });
});
