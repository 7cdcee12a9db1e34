/** A saga whose processes are killed, or stopped for a while, at every point: every execution ends right. */
import { join } from 'node:path';
import { pino } from 'pino';
import { openDatabase, openEmbeddedDynamoDB } from '../../kit';
import { connectDynamoDB } from '../../kit/store/dynamodb';
import { prepareTable } from '../../kit/serve/prepare';
import { executionsTable } from '../../kit/workflows/executions-table';
import { amountOf, timeFor } from '../support/amounts';
import { bundle } from '../support/bundled';
import { openEmbedded } from '../support/embedded-workflows';
import { endAll, eventually, startProcess } from '../support/process';
import { temporaryFolder } from '../support/subgraph-kit';
import { faultsOf, tripsTable, tripTasks, type Failures } from '../support/trips';
import { bookTrip } from '../support/workflows';

/** Over all random executions, each of which is killed twice. */
const seeds = amountOf('WEIR_KILLS', 0, 20);
/** Of the writes, each of which is the first one that a killed process does not send. */
const step = amountOf('WEIR_KILL_STEP', 3, 1);

const folder = temporaryFolder();
const script = join(folder.path, 'killed-workflow.js');
let dynamodb: Awaited<ReturnType<typeof openEmbeddedDynamoDB>>;
let connection: Awaited<ReturnType<typeof connectDynamoDB>>;
let db: ReturnType<typeof openDatabase>;
beforeAll(async () => {
  bundle(script, {
    entryPoints: [join(__dirname, '../support/killed-workflow.ts')],
    // Loaded by other engines only.
    external: ['@aws-sdk/client-sfn', '@aws-sdk/client-sqs'],
  });
  dynamodb = await openEmbeddedDynamoDB();
  connection = await connectDynamoDB({ kind: 'endpoint', endpoint: dynamodb.endpoint, credentials: false });
  const { client } = connection;
  db = openDatabase({ client });
  for (const table of [executionsTable('test'), tripsTable])
    await prepareTable(table, { db, client, seed: false });
});
afterAll(async () => {
  await endAll();
  await connection.stop();
  await dynamodb.stop();
  folder.remove();
});

interface Run {
  readonly id: string;
  readonly failures: Failures;
}
const start = ({ id, failures }: Run, point?: number, signal = 'SIGKILL', ahead = 0) =>
  startProcess(
    [
      ...['-r', join(__dirname, '../support/shifted-clock.cjs'), script, dynamodb.endpoint],
      ...[id, JSON.stringify(failures), String(point ?? Infinity), signal],
    ],
    { CLOCK_AHEAD: String(ahead) },
  );

/** How long an execution may take after the restart, in milliseconds. A busy machine takes longer. */
const limit = process.env['WEIR_QUIET'] === '1' ? 5000 : 30_000;

/** Runs what is left of an execution in a process that is started now. */
async function restart({ id, failures }: Run): Promise<void> {
  const execution = { workflow: bookTrip.name, id };
  const engine = openEmbedded(db, { definitions: [bookTrip], tasks: tripTasks(failures) });
  const ended = await engine.wait(execution, limit);
  await engine.stop();
  // Killed before it was started: whoever asked for it got no answer, and asks again.
  if (!ended) await start({ id, failures }).exit;
  else expect(ended.status).toBe('SUCCEEDED');
}

const itemOf = ({ id }: Run) =>
  db.table(executionsTable('test')).get({ name: `${bookTrip.name}.${id}` }, { consistent: true });

async function expectRight(run: Run, state?: 'Booked' | 'Refused'): Promise<void> {
  const { id } = run;
  const name = `${bookTrip.name}.${id}`;
  const item = await itemOf(run);
  expect({ id, state: item?.state, faults: await faultsOf(name, item?.state ?? null, db) }).toEqual({
    id,
    state: state ?? expect.stringMatching(/^(?:Booked|Refused)$/),
    faults: [],
  });
}

/** Confirming always fails although it was done, and so does the first refund: every task of the saga runs. */
const refused: Failures = { confirm: 99, refund: 1 };

/** Runs some at once: most of their time they wait for a lease to end. */
async function atOnce<Item>(items: readonly Item[], width: number, work: (item: Item) => Promise<void>) {
  const rest = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
    }),
  );
}

it('ends right, whichever write is the first that a killed process does not send', async () => {
  const whole = start({ id: 'whole', failures: refused });
  await whole.exit;
  const points = Number(/^(\d+) writes$/.exec(whole.stdout)?.[1]);
  expect(points).toBeGreaterThan(15);
  await expectRight({ id: 'whole', failures: refused }, 'Refused');

  const all = Array.from({ length: Math.ceil(points / step) }, (_, i) => 1 + i * step);
  const ended: number[] = [];
  await atOnce(all, 4, async (point) => {
    const run = { id: `p${point}`, failures: refused };
    const exit = await start(run, point).exit;
    // Renewing a lease is a write, too: a slow run has more of them.
    if (exit === 0) ended.push(point);
    else expect(exit).toBeNull();
    await restart(run);
    await expectRight(run, 'Refused');
  });
  expect(all.length - ended.length).toBeGreaterThan(15 / step);
});

it('leaves an execution alone that was taken over while its process did not run', async () => {
  const run = { id: 'stopped', failures: {} };
  const stopped = start(run, 5, 'SIGSTOP');
  await eventually(async () => (await itemOf(run)) !== null, limit);
  await restart(run);
  stopped.signal('SIGCONT');
  expect(await stopped.exit).toBe(0);
  await expectRight(run, 'Booked');
});

describe('a process whose clock', () => {
  // Signatures tolerate a minute.
  it.each([50_000, -50_000])('is %d ms ahead, and is killed, keeps nobody waiting', async (ahead) => {
    const run = { id: `ahead${ahead}`, failures: {} };
    expect(await start(run, 5, 'SIGKILL', ahead).exit).toBeNull();
    await restart(run);
    await expectRight(run, 'Booked');
  });

  it('is behind is left alone while it works', async () => {
    const run = { id: 'behind', failures: {} };
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const setup = { definitions: [bookTrip], tasks: tripTasks({}), log };
    const engine = openEmbedded(db, setup, { sweepMilliseconds: 20 });
    expect(await start(run, undefined, 'SIGKILL', -50_000).exit).toBe(0);
    await engine.stop();
    await expectRight(run, 'Booked');
    expect(lines.filter((line) => line.includes('taken over'))).toEqual([]);
  });

  it.each([600_000, -600_000])('is %d ms ahead takes no lease, while others go on', async (ahead) => {
    const run = { id: `wrong${ahead}`, failures: {} };
    const wrong = start(run, undefined, 'SIGKILL', ahead);
    await eventually(async () => (await itemOf(run)) !== null, limit);
    const item = await itemOf(run);
    expect(item).toMatchObject({ status: 'RUNNING', version: 1 });
    expect(item!.owner).toBeUndefined();
    await restart(run);
    // It sees the end of what others have run.
    expect(await wrong.exit).toBe(0);
    await expectRight(run, 'Booked');
  });
});

(seeds > 0 ? it : it.skip)(
  'ends right when two processes that run it are killed at random, whatever fails',
  async () => {
    const names = ['reserveHotel', 'reserveCar', 'pay', 'confirm', 'refund', 'releaseCar', 'releaseHotel'];
    await atOnce(
      Array.from({ length: seeds }, (_, i) => i),
      3,
      async (seed) => {
        const random = randomOf(seed);
        const failures = Object.fromEntries(names.map((name) => [name, Math.floor(random() * 4)]));
        const run = { id: `s${seed}`, failures };
        const points = [1, 2].map(() => 1 + Math.floor(random() * 25));
        await Promise.all(points.map((point) => start(run, point).exit));
        await restart(run);
        await expectRight(run);
      },
    );
  },
  timeFor(seeds, 20),
);

/** Numbers from 0 to 1 that a seed determines. */
function randomOf(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
