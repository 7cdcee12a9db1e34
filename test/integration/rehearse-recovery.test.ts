/** `weir rehearse-recovery` against a DynamoDB that is a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { embeddedDynamoDBScript } from '../../cli/own-package';
import { runCli } from '../../cli/program';
import { startRehearsalStore } from '../../cli/recovery/store-process';
import { connectDynamoDB } from '../../kit/store/dynamodb';
import { amountOf, timeFor } from '../support/amounts';
import { commandsIn, examplesOf, fits, runsIn } from '../support/documentation';
import { childrenOf, endAll, eventually, isAlive, startWeir } from '../support/process';
import { startCli } from '../support/run-cli';

const items = amountOf('WEIR_REHEARSED_ITEMS', 50, 10_000);
const time = timeFor(items, 2000);

let dynamodb: ChildProcess;
let endpoint: string;
let root: string;
let place: string;
let args: string[];
beforeAll(async () => {
  if (!existsSync(embeddedDynamoDBScript())) throw new Error('Run `npm run build` first.');
  dynamodb = fork(embeddedDynamoDBScript(), ['--port', '0']);
  [{ endpoint }] = (await once(dynamodb, 'message')) as [{ endpoint: string }];
});
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'weir-rehearsal-'));
  place = join(root, 'weir-rehearsal');
  args = ['rehearse-recovery', '--endpoint', endpoint, '--folder', root, '--items'];
});
afterEach(() => rmSync(root, { recursive: true }));
afterAll(async () => {
  await endAll();
  dynamodb.kill('SIGKILL');
});

async function tables(): Promise<string[]> {
  const { client, stop } = await connectDynamoDB({ kind: 'endpoint', endpoint });
  const { TableNames = [] } = await client.send(new ListTablesCommand());
  await stop();
  return TableNames;
}

/** Runs the command, and calls `onLine` as soon as a line was printed, before anything else happens. */
async function rehearse(
  more: readonly string[],
  { onLine = () => undefined, signal }: { onLine?: (line: string) => void; signal?: AbortSignal } = {},
) {
  const printed = { stdout: '', stderr: '' };
  const exitCode = await runCli([...args, ...more], {
    stdout: {
      write(text) {
        printed.stdout += text;
        onLine(text);
      },
    },
    stderr: { write: (text) => (printed.stderr += text) },
    env: {},
    signal: signal ?? new AbortController().signal,
  });
  return { exitCode, ...printed };
}

it(
  'brings all back that was acknowledged, as docs/recovery.md shows, and leaves nothing',
  async () => {
    const example = examplesOf('docs/recovery.md').find(({ text }) => text.includes('rehearse-recovery'))!;
    const [{ command, output }] = runsIn(example) as [{ command: string; output: string }];
    const [[, , , ...words]] = commandsIn(command) as [string[]];
    const running = startCli([...words, '--items', String(items)], { WEIR_FOLDER: root });
    const { exitCode, stdout, stderr } = await running.result;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(fits(stdout, output) ? output : stdout).toBe(output);
    const rto = Number(/^RTO ([\d.]+) s/m.exec(stdout)![1]);
    // Time is only measured where nothing else runs.
    expect(rto).toBeLessThan(process.env['WEIR_QUIET'] ? 60 : Infinity);
    expect(readdirSync(place)).toEqual([]);
  },
  time,
);

const startStore = () =>
  startRehearsalStore(
    { PATH: process.env['PATH'], DYNAMODB_ENDPOINT: endpoint, LOG_LEVEL: 'fatal' },
    new AbortController().signal,
  );

it('rejects what is asked of the process of its tables after that has ended', async () => {
  const store = await startStore();
  expect(await store.tables()).toEqual([]);
  await store.stop();
  await expect(store.tables()).rejects.toThrow('The process of the tables has ended.');
});

// A DynamoDB that is embedded puts what was on its way when a table was deleted into the next one of that name.
it('makes tables that are empty, also where the table of that name has items already', async () => {
  const store = await startStore();
  await store.create();
  await store.put('weir-rehearsal-items', [{ id: 'left', revision: 1, value: 'x' }]);
  await store.create();
  for await (const items of store.dump('weir-rehearsal-items')) expect(items).toEqual([]);
  await store.delete();
  await store.stop();
});

it('names and removes what one has left that was killed, and tells the first key of a damaged part', async () => {
  const killed = startWeir([...args, '1000000'], {});
  await killed.printed(/^create/m);
  await eventually(() => existsSync(join(place, 'archive.jsonl')));
  const children = childrenOf(killed.pid);
  expect(children).toHaveLength(2);
  killed.signal('SIGKILL');
  await killed.exit;
  await eventually(() => !children.some(({ pid }) => isAlive(pid)));

  const refused = await rehearse(['20']);
  expect(refused).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: `weir: an earlier rehearsal has left weir-rehearsal-consumers, weir-rehearsal-items, weir-rehearsal-copies-1, weir-rehearsal-events in ${endpoint}, and ${place}; --reset deletes it.\n`,
  });

  let part = '';
  let lines = '';
  const flags = ['20', '--reset', '--acknowledge', 'written'];
  const damaged = await rehearse(flags, {
    onLine(line) {
      lines += line;
      if (!line.startsWith('wipe')) return;
      const { parts } = JSON.parse(readFileSync(join(place, 'manifest.json'), 'utf8')) as {
        parts: { name: string; table: string }[];
      };
      part = parts.find(({ table }) => table === 'weir-rehearsal-items')!.name;
      writeFileSync(
        join(place, part),
        readFileSync(join(place, part), 'utf8').replace('revision', 'rexision'),
      );
    },
  });
  expect(lines).toMatch(/^reset .* deleted\.$/m);
  expect(lines).toMatch(
    new RegExp(`^${part} of the snapshot, \\d+ items of weir-rehearsal-items, is damaged: `, 'm'),
  );
  expect(lines).toMatch(
    /^The first key that differs is item-\d{7}: it (is gone|has revision \d+); (revision )?\d+ was acknowledged\.$/m,
  );
  expect(damaged).toMatchObject({
    exitCode: 1,
    stderr: `weir: the rehearsal failed, as snapshot or archive are damaged. What it has made stays in ${endpoint} and ${place}, until --reset.\n`,
  });
  expect(await tables()).toHaveLength(4);

  const stopping = new AbortController();
  const stopped = await rehearse(['1000000', '--reset'], {
    onLine: (line) => line.startsWith('create') && stopping.abort(),
    signal: stopping.signal,
  });
  expect(stopped).toMatchObject({
    exitCode: 1,
    stderr: 'weir: the rehearsal was stopped, and what it had made is deleted.\n',
  });
  expect(await tables()).toEqual([]);
  expect(readdirSync(place)).toEqual([]);
});
