/** `weir events` and `weir workflow`, with subgraphs of the kit. Over 300 lines: the commands share their subgraphs. */
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { announceGraph, runningGraphFile } from '../../cli/gateway/running-graph';
import {
  defineConsumer,
  defineProjection,
  defineSubgraph,
  startSubgraph,
  SubgraphError,
  UnprocessableEvent,
  type DomainEvent,
  type RequestScope,
  type RunningSubgraph,
} from '../../kit';
import { openLinkKeys } from '../../kit/identity/link-keys';
import { signer } from '../../kit/identity/private-link';
import { examplesOf, fits, runsIn } from '../support/documentation';
import { startFakePublisher } from '../support/fake-publisher';
import { eventually } from '../support/process';
import { startCli } from '../support/run-cli';
import { temporaryFolder } from '../support/subgraph-kit';

const key = 'a-key-of-the-private-link-for-tests';
const env = { WEIR_LINK_KEYS: key };
const folder = temporaryFolder();
const before = process.cwd();
const schema = folder.write('schema.graphql', 'type Query { one: Int }');
const boatsSchema = folder.write(
  'boats.graphql',
  'type Query { one: Int } type Mutation { rentBoat(id: String!): String }',
);

const examples = (page: string) =>
  examplesOf(page)
    .filter(({ language, text }) => language === 'console' && /weir (events|workflow) /.test(text))
    .map((example) => runsIn(example));

/** The definition of docs/workflows.md, whose compensations are tried once, as the test would wait for minutes. */
function rentBoat(): string {
  const { text } = examplesOf('docs/workflows.md').find(({ language }) => language === 'json')!;
  const definition = JSON.parse(text) as { States: Record<string, { Retry?: unknown }> };
  for (const state of Object.values(definition.States)) delete state.Retry;
  return folder.write('rent-boat.asl.json', JSON.stringify(definition));
}

let hasNoAddress = true;
const reason = { text: 'The buyer has no address.' };
const handled: string[] = [];
const thankBuyer = defineConsumer({
  name: 'thank-buyer',
  from: { orders: { OrderPlaced: { 1: z.object({ at: z.string() }) } } },
  async handle({ subject }) {
    if (hasNoAddress) throw new UnprocessableEvent(reason.text);
    handled.push(subject);
    await Promise.resolve();
  },
});
const orderHistory = defineProjection({
  name: 'order-history',
  from: { orders: { OrderPlaced: { 1: z.object({ at: z.string() }) } } },
  apply: (_: { at: string } | undefined, { data }) => data,
});
const ordersUrl = { description: 'orders', default: '' };
const letters = defineSubgraph({
  name: 'letters',
  schema,
  resolvers: {},
  consumers: [thankBuyer],
  projections: [orderHistory],
  options: { ordersUrl },
});
/** Its source is not there, so no rebuild comes to an end. */
const stuck = defineSubgraph({
  name: 'stuck',
  schema,
  resolvers: {},
  projections: [{ ...orderHistory, name: 'stuck-history' }],
  options: { ordersUrl },
});
let bankIsDown = true;
const boats = defineSubgraph({
  name: 'boats',
  schema: boatsSchema,
  workflows: [
    {
      definition: rentBoat(),
      tasks: {
        reserveBoat: () => undefined,
        releaseBoat: () => undefined,
        takePayment() {
          throw new SubgraphError('CONFLICT', 'The card has expired.');
        },
        refundPayment() {
          if (bankIsDown) throw new SubgraphError('UNAVAILABLE', 'The bank does not answer.');
        },
      },
    },
  ],
  context: (scope) => scope,
  resolvers: {
    Mutation: {
      async rentBoat(_: unknown, { id }: { id: string }, { workflows }: RequestScope) {
        await workflows.start('rent-boat', id, { boat: 'b1', buyer: 'u1', price: 30 });
        return (await workflows.wait('rent-boat', id, { milliseconds: 10_000 }))?.status;
      },
    },
  },
});

let publisher: Awaited<ReturnType<typeof startFakePublisher>>;
let other: Server;
const running: Record<string, RunningSubgraph> = {};
let urls: Record<string, string>;
beforeAll(async () => {
  process.chdir(folder.path);
  // Loads the modules of the commands, which would hold up the consumers for seconds.
  await run('events', 'failed', '--subgraph', 'none=http://127.0.0.1:9');
  await run('workflow', 'list', '--subgraph', 'none=http://127.0.0.1:9');
  publisher = await startFakePublisher();
  const settings = { port: 0, logLevel: 'silent', link: { keys: [key] } };
  const orders = new URL('graphql', publisher.url).href;
  running['letters'] = await startSubgraph(letters, { ...settings, options: { ordersUrl: orders } });
  const nowhere = { ordersUrl: 'http://127.0.0.1:1/graphql' };
  running['stuck'] = await startSubgraph(stuck, { ...settings, options: nowhere });
  running['boats'] = await startSubgraph(boats, settings);
  // Not one of the kit.
  other = createServer((_, response) => response.writeHead(404).end('Cannot POST'));
  await once(other.listen(0, '127.0.0.1'), 'listening');
  urls = {
    ...Object.fromEntries(Object.entries(running).map(([name, { url }]) => [name, url])),
    other: `http://127.0.0.1:${(other.address() as AddressInfo).port}/graphql`,
  };
  listSubgraphs(urls);
});
afterAll(async () => {
  await Promise.all(Object.values(running).map((each) => each.stop()));
  await publisher.stop();
  other.close();
  process.chdir(before);
  folder.remove();
});

/** Writes supergraph.yaml. */
function listSubgraphs(all: Record<string, string>): void {
  const subgraphs = Object.fromEntries(
    Object.entries(all).map(([name, routing_url]) => [name, { routing_url, schema: { file: schema } }]),
  );
  writeFileSync('supergraph.yaml', JSON.stringify({ subgraphs }));
}

const run = (...args: string[]) => startCli(args, env).result;
// oxlint-disable-next-line typescript/no-explicit-any -- the shape is that of the document
const json = async (...args: string[]): Promise<any> =>
  JSON.parse((await run(...args, '--format', 'json')).stdout);

let count = 0;
function placed(time = '2026-01-01T08:00:00.000Z'): DomainEvent {
  const id = ++count;
  return {
    ...{ specversion: '1.0', id: `e${id}`, source: 'orders', type: 'OrderPlaced', dataversion: 1 },
    ...{ subject: `o${id}`, sequence: 1, time, data: { at: time }, correlationid: 'c1' },
  };
}
const failures = async () => (await json('events', 'failed')).failures as { id: string; text: string }[];
/** How many failures there are. Looked at often, so without a command. */
async function failedNow(): Promise<number> {
  const { consumers } = await post<{ consumers: { failures: object[] }[] }>('letters', 'events/failures', {});
  return consumers.flatMap((each) => each.failures).length;
}
/** Lets so many events fail, where no other has failed. */
async function poison(events: number, others = 0): Promise<string[]> {
  hasNoAddress = true;
  handled.length = 0;
  publisher.push(...Array.from({ length: events }, () => placed()));
  await eventually(async () => (await failedNow()) === events + others);
  return (await failures()).map(({ id }) => id);
}

describe('the examples of the docs', () => {
  it('of failures are what is printed, but for the ids', async () => {
    const [first] = examples('docs/events-operations.md');
    const inOrder = (text: string) => text.match(/\b[0-9a-f]{16}\b/g) ?? [];
    const own = (await poison(2)).map((id) => id.split('/')[1]!);
    const [one, two] = [...new Set(first!.flatMap(({ output = '' }) => inOrder(output)))];
    const real = (text: string) => text.replaceAll(one!, own[0]!).replaceAll(two!, own[1]!);
    for (const { command, output } of first!) {
      if (command.includes('retry')) hasNoAddress = false;
      await expectRun(real(command), real(output!));
    }
    await eventually(() => handled.length === 1);
    expect(await failures()).toEqual([]);
  });

  it('of replays are what is printed', async () => {
    const [, replays] = examples('docs/events-operations.md');
    const table = (generation: number) => running['letters']!.db.table(orderHistory.table(generation));
    hasNoAddress = false;
    publisher.push(placed('2026-01-01T09:00:00.000Z'), placed('2026-01-01T09:00:00.001Z'));
    const [last, later] = [`o${count - 1}`, `o${count}`];
    await eventually(() => table(1).get({ key: later }));
    await expectRun(replays![0]!.command, replays![0]!.output!);
    expect(await table(2).get({ key: last })).not.toBeNull();
    expect(await table(2).get({ key: later })).toBeNull();
    expect(await run('events', 'retry', '--all', '--consumer', 'order-history')).toMatchObject({
      exitCode: 1,
      stderr:
        'weir: The projection "order-history" is held at 2026-01-01T09:00:00.000Z and takes no events: replay it without a time, and it gets all events again, also those that have failed.\n',
    });
    await expectRun(replays![1]!.command, replays![1]!.output!);
    expect(await table(3).get({ key: later })).not.toBeNull();
  });

  it('of workflows are what is printed', async () => {
    const [workflows] = examples('docs/workflows.md');
    expect(await rent('r1')).toBe('FAILED');
    for (const { command, output } of workflows!) {
      if (command.includes('retry')) bankIsDown = false;
      await expectRun(command, output!);
    }
    const shown = () => json('workflow', 'show', 'rent-boat.r1');
    const path = 'workflows';
    const ask = { action: 'show', execution: 'rent-boat.r1' };
    const status = async () =>
      (await post<{ execution: { status: string } }>('boats', path, ask)).execution.status;
    await eventually(async () => (await status()) === 'SUCCEEDED');
    expect((await shown()).history.map((each: { state: string }) => each.state)).toContain('ReleaseBoat');
  });

  async function expectRun(command: string, output: string): Promise<void> {
    const [, ...args] = command.trim().replace('npx --no-install ', '').split(' ');
    const { exitCode, stdout } = await run(...args);
    expect({ command, exitCode }).toEqual({ command, exitCode: 0 });
    if (output.includes('…')) expect([stdout, fits(stdout, output)]).toEqual([stdout, true]);
    else expect(stdout).toBe(output);
  }
});

async function rent(id: string): Promise<string> {
  const query = `mutation { rentBoat(id: "${id}") }`;
  return (await post<{ data: { rentBoat: string } }>('boats', 'graphql', { query })).data.rentBoat;
}

const sign = signer(openLinkKeys({ keys: [key] }), null);
async function post<Answer>(subgraph: string, path: string, content: object): Promise<Answer> {
  const body = JSON.stringify(content);
  const response = await fetch(new URL(path, urls[subgraph]), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...sign(subgraph, body) },
    body,
  });
  return (await response.json()) as Answer;
}

describe('weir events', () => {
  const goesOn = {
    exitCode: 0,
    stdout: '',
    stderr: expect.stringContaining('weir: the rebuild of stuck-history goes on without this command.'),
  };

  it('delivers what has failed when its cause is mended', async () => {
    const [id, ...rest] = await poison(3);
    hasNoAddress = false;
    expect(await run('events', 'retry', id!)).toMatchObject({ exitCode: 0 });
    await eventually(() => handled.length === 1);
    expect(await json('events', 'retry', '--all', '--consumer', 'thank-buyer')).toEqual({
      action: 'retry',
      count: rest.length,
      missing: [],
    });
    await eventually(() => handled.length === 3);
    expect(await run('events', 'failed', '--consumer', 'thank-buyer')).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: 'No event has failed in the consumer thank-buyer of letters.\n',
    });
    expect((await run('events', 'failed')).stdout).toBe(
      'No event has failed in the consumers of letters, stuck.\n',
    );
  });

  it('drops what is there, and names what is not', async () => {
    const [id] = await poison(1);
    const none = 'thank-buyer/0\u001b[2J';
    expect(await run('events', 'drop', id!, none, id!)).toEqual({
      exitCode: 1,
      stdout: '1 event is forgotten.\n',
      stderr: [`thank-buyer/0\\u001b[2J`, id!]
        .map(
          (each) => `weir: there is no failure ${each}: \`weir events failed\` lists those that there are.\n`,
        )
        .join(''),
    });
  });

  it('lists page by page, and says where there are more', async () => {
    const ids = await poison(3);
    const consumer = ['--consumer', 'thank-buyer'];
    const first = await run('events', 'failed', ...consumer, '--limit', '2');
    const [, after] =
      /^More of thank-buyer: `weir events failed --consumer thank-buyer --after (\S+)`$/m.exec(first.stdout)!;
    const second = await json('events', 'failed', ...consumer, '--after', after!);
    const firstIds = first.stdout.match(/^thank-buyer\/\w+/gm)!;
    expect([...firstIds, ...second.failures.map((each: { id: string }) => each.id)]).toEqual(ids);
    expect(second.more).toEqual([]);
    expect(await run('events', 'failed', '--after', after!)).toMatchObject({
      exitCode: 2,
      stderr: 'weir: --after needs --consumer NAME, as it is a place in one failure queue.\n',
    });
    expect(await run('events', 'drop', '--all', ...consumer)).toMatchObject({ exitCode: 0 });
  });

  it('prints nothing that moves a terminal', async () => {
    reason.text = 'a\u001b]0;title\u0007b\u009b2Jc\u202ed\ne\ud800';
    publisher.pushText('no\u001b[31m event');
    // It fails in the consumer and in the projection.
    await poison(2, 2);
    reason.text = 'The buyer has no address.';
    const { stdout } = await run('events', 'failed');

    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\ud800]/);
    expect(stdout).toContain('    a\\u001b]0;title\\u0007b\\u009b2Jc\\u202ed\\u000ae\\ud800\n');
    expect(stdout).toMatch(/letters {2}unreadable {2}/);
    const printed = (await run('events', 'failed', '--format', 'json')).stdout;

    expect(printed).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\ud800]/);
    expect((await failures()).map(({ text }) => text)).toContain('no\u001b[31m event');
    for (const consumer of ['thank-buyer', 'order-history'])
      expect(await run('events', 'drop', '--all', '--consumer', consumer)).toMatchObject({ exitCode: 0 });
  });

  it('rebuilds no projection that is being rebuilt, unless it is told to', async () => {
    await running['stuck']!.projections.rebuild('stuck-history', undefined);
    const replay = ['events', 'replay', '--projection', 'stuck-history'];
    expect(await run(...replay)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'weir: the projection stuck-history is being rebuilt already: wait for it, or give it up with --restart.\n',
    });
    const first = startCli([...replay, '--restart'], env);
    await first.printed(/^stuck-history, generation 3: 0 events$/m);
    const second = startCli([...replay, '--restart'], env);
    expect(await first.result).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('weir: another rebuild of stuck-history was begun'),
    });
    await second.printed(/generation 4: 0 events/);
    expect(await second.stop()).toMatchObject(goesOn);
  });

  it('says that a rebuild goes on where it is ended while it waits for an answer', async () => {
    const building = { generation: 2, to: null, events: 0 };
    const status = { projection: 'stuck-history', live: 1, heldAt: null, events: 0, building };
    const asked = new EventEmitter();
    let answers = 2;
    const slow = createServer((_, response) => {
      if (answers-- > 0) response.end(JSON.stringify({ projections: [status] }));
      else asked.emit('again');
    });
    await once(slow.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/graphql`;
    const at = ['--projection', 'stuck-history', '--subgraph', `slow=${url}`];
    const again = once(asked, 'again');
    const replay = startCli(['events', 'replay', ...at], env);
    await again;
    expect(await replay.stop()).toMatchObject(goesOn);
    slow.close();
    slow.closeAllConnections();
  });
});

it('weir workflow lists what failed, and retries nothing else', async () => {
  bankIsDown = true;
  expect(await rent('r2')).toBe('FAILED');
  bankIsDown = false;
  expect(await json('workflow', 'list', '--status', 'failed')).toMatchObject({
    executions: [{ subgraph: 'boats', workflow: 'rent-boat', id: 'r2', state: 'RefundPayment' }],
  });
  expect((await run('workflow', 'list', '--status', 'running')).stdout).toBe('No workflow of boats runs.\n');
  expect(await run('workflow', 'retry', 'rent-boat.r2', 'rent-boat.r1')).toEqual({
    exitCode: 1,
    stdout: 'rent-boat.r2 goes on: `weir workflow show rent-boat.r2` follows it.\n',
    stderr: 'weir: The execution "rent-boat.r1" has not failed: it is SUCCEEDED.\n',
  });
});

describe('what is wrong', () => {
  const subgraph = (name: string) => ['--subgraph', `${name}=${urls[name]!}`];
  const refused = async (
    args: string[],
    code: number,
    said: string | RegExp,
    keys: Record<string, string> = env,
  ) => {
    const { exitCode, stdout, stderr } = await startCli(args, keys).result;
    expect({ args, exitCode, stdout, stderr }).toEqual({
      ...{ args, exitCode: code, stdout: '' },
      stderr: typeof said === 'string' ? `weir: ${said}\n` : expect.stringMatching(said),
    });
  };

  it('is said of names that there are not', async () => {
    const consumers = 'there are thank-buyer (letters), order-history (letters), stuck-history (stuck).';
    await refused(['events', 'failed', '--consumer', 'x'], 2, `there is no consumer "x"; ${consumers}`);
    await refused(['events', 'retry', 'x/1'], 2, `there is no consumer "x"; ${consumers}`);
    const projections = 'there are order-history (letters), stuck-history (stuck).';
    const replay = ['events', 'replay', '--projection', 'x'];
    await refused(replay, 2, `there is no projection "x"; ${projections}`);
    const names = 'letters, stuck, boats, other';
    await refused(
      ['workflow', 'list', '--subgraph', 'x'],
      2,
      `there is no subgraph "x"; there are ${names}. To ask another one, give its GraphQL endpoint: --subgraph NAME=URL.`,
    );
    const without = 'name another subgraph with --subgraph NAME=URL.';
    await refused(
      ['events', 'failed', ...subgraph('other')],
      2,
      `no event can fail here, as there are no consumers and projections in other: ${without}`,
    );
    await refused([...replay, ...subgraph('boats')], 2, `there are no projections in boats: ${without}`);
    await refused(
      ['workflow', 'list', ...subgraph('letters')],
      2,
      `there are no workflows in letters: ${without}`,
    );
    await refused(
      ['workflow', 'show', 'rent-boat.r9'],
      1,
      'there is no execution rent-boat.r9 in boats: `weir workflow list` lists those that run or have failed.',
    );
  });

  it('is said of keys', async () => {
    const mend =
      'Set WEIR_LINK_KEYS or WEIR_LINK_KEYS_FILE to the keys of its private link, or name the options of its gateway with --options.';
    const at = ['workflow', 'list', ...subgraph('boats')];
    const unsigned = 'This subgraph answers its gateway only, and the request is not signed';
    await refused(at, 2, `boats does not accept the request: ${unsigned}. ${mend}`, {});
    const unknown = 'The request is signed with a key that is not known here';
    const others = { WEIR_LINK_KEYS: 'another-key-of-the-private-link-for-tests' };
    await refused(at, 2, `boats does not accept the request: ${unknown}. ${mend}`, others);
    await refused(['events', 'failed'], 2, /^(weir: (letters|stuck) does not accept .*\n){2}$/, others);
    const options = folder.write('weir.yaml', `privateLinks: { keys: [${key}] }\n`);
    expect(await startCli([...at, '--options', options], {}).result).toMatchObject({ exitCode: 0 });
  });

  it('is said of a subgraph that is not up, and the others are shown', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const gone = `http://127.0.0.1:${(closed.address() as AddressInfo).port}/graphql`;
    await new Promise((done) => closed.close(done));
    listSubgraphs({ ...urls, gone });
    const stderr = `weir: gone does not answer at ${gone} (ECONNREFUSED): start it, or say where it is with --subgraph gone=URL.\n`;
    expect(await run('events', 'failed')).toEqual({
      exitCode: 2,
      stdout: 'No event has failed in the consumers of letters, stuck.\n',
      stderr,
    });
    expect(await run('events', 'failed', '--consumer', 'x')).toMatchObject({ exitCode: 2, stderr });
    listSubgraphs({ gone: 'http://user:secret@127.0.0.1:9/graphql' });
    await refused(
      ['events', 'failed'],
      2,
      'gone has a user name or password in its URL, which are not sent: take them out, and give credentials in the file of --options.',
    );
    listSubgraphs(urls);
  });

  it('is said of the words of the command', async () => {
    const time = 'It must be a time with its zone, such as 2026-11-27T09:00:00Z.';
    for (const [to, said] of [
      ['noon', time],
      ['2026-02-31T00:00:00Z', time],
      ['2026-01-01T00:00:00', time],
      ['2999-01-01T00:00:00+01:00', 'It must not be in the future.'],
    ] as const)
      await refused(
        ['events', 'replay', '--projection', 'order-history', '--to', to],
        2,
        `--to <TIME> does not take "${to}". ${said}`,
      );
    const which =
      'which failures? Name them by their ids, as `weir events failed` prints them, or all of a consumer with --all --consumer NAME.';
    for (const args of [[], ['--all'], ['a/1', '--all'], ['--consumer', 'a'], ['a/1', '--consumer', 'a']])
      await refused(['events', 'drop', ...args], 2, which);
    await refused(
      ['events', 'retry', '\u001b[2J'],
      2,
      '"\\u001b[2J" is no failure: it must be CONSUMER/ID, as `weir events failed` prints it.',
    );
    await refused(
      ['workflow', 'retry', 'rent-boat.r1', '\u009b2J'],
      2,
      '"\\u009b2J" is no execution: it must be WORKFLOW.ID, such as place-order.o1, as `weir workflow list` prints it.',
    );
    await refused(
      ['workflow', 'list', '--subgraph', 'a=b'],
      2,
      '--subgraph must be NAME, or NAME=URL such as orders=http://127.0.0.1:4005/graphql, but got: "a=b".',
    );
  });

  it('is said where nothing says which subgraphs there are', async () => {
    rmSync('supergraph.yaml');
    await refused(
      ['events', 'failed'],
      2,
      'which subgraphs? No `weir dev` runs in this folder, and there is no supergraph.yaml: name one with --subgraph NAME=URL, or a file that lists them with --supergraph-config FILE.',
    );
    listSubgraphs(urls);
  });
});

describe('beside `weir dev`', () => {
  it('need neither flags nor keys, and take those of its file', async () => {
    const graph = announceGraph({ subgraphs: urls, env });
    if ('problem' in graph) throw new Error(graph.problem);
    expect(statSync(runningGraphFile).mode & 0o777).toBe(0o600);
    listSubgraphs({ other: urls['other']! });
    const without = (...args: string[]) => startCli(args, {}).result;
    expect(await without('events', 'failed')).toMatchObject({ exitCode: 0 });
    expect(await without('workflow', 'list', '--subgraph', 'boats')).toMatchObject({ exitCode: 0 });
    const url = ['--subgraph', `boats=${urls['boats']!}`];
    expect(await without('workflow', 'list', ...url)).toMatchObject({ exitCode: 0 });
    const keysFile = { WEIR_LINK_KEYS_FILE: folder.write('other-keys', 'another-key-of-the-private-link') };
    expect(await startCli(['events', 'failed'], keysFile).result).toMatchObject({ exitCode: 0 });
    const config = ['--supergraph-config', 'supergraph.yaml'];
    expect((await without('events', 'failed', ...config)).stderr).toContain('projections in other');
    await graph.stop();
    expect(() => readFileSync(runningGraphFile)).toThrow('ENOENT');
    listSubgraphs(urls);
  });

  it('do not believe the file of one that was killed', async () => {
    announceGraph({ subgraphs: { gone: 'http://127.0.0.1:1/graphql' } });
    const text = readFileSync(runningGraphFile, 'utf8');
    // No process has this id.
    writeFileSync(runningGraphFile, text.replace(String(process.pid), String(2 ** 30)));
    expect(await run('events', 'failed')).toMatchObject({ exitCode: 0 });
    rmSync('.weir', { recursive: true, force: true });
  });
});

it('a folder that cannot be written keeps nobody from running', () => {
  writeFileSync('.weir', '');
  chmodSync('.weir', 0o400);
  expect(announceGraph({ subgraphs: {} })).toHaveProperty('problem');
  rmSync(join(folder.path, '.weir'));
});
