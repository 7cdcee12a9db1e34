/** Workers that cannot start while all are replaced. The workers are stand-ins, which fail when they are told to. */
import cluster from 'node:cluster';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startWorkers, type Workers } from '../../cli/gateway/workers';
import { eventually } from '../support/process';

const folder = mkdtempSync(join(tmpdir(), 'weir-workers-'));
const exec = join(folder, 'worker.mjs');
const plan = join(folder, 'plan.json');
writeFileSync(
  exec,
  `
  import { existsSync, readFileSync, writeFileSync } from 'node:fs';
  process.on('SIGTERM', () => process.exit());
  process.on('disconnect', () => process.exit());
  const plan = existsSync('${plan}') ? JSON.parse(readFileSync('${plan}', 'utf8')) : [];
  const [next = 'starts'] = plan;
  if (plan.length > 0) writeFileSync('${plan}', JSON.stringify(plan.slice(1)));
  if (next === 'fails') process.exit(2);
  process.send({ type: 'ready' });
`,
);
/** What becomes of those that are started from now on, one after the other; those after them start. */
const plans = (next: readonly ('starts' | 'fails')[]): void => writeFileSync(plan, JSON.stringify(next));
const alive = (): number[] =>
  Object.values(cluster.workers ?? {}).flatMap((worker) =>
    worker === undefined || worker.isDead() ? [] : [worker.process.pid!],
  );

let workers: Workers;
let first: number[];
let said: string[];
beforeEach(async () => {
  rmSync(plan, { force: true });
  said = [];
  workers = await startWorkers({
    count: 2,
    exec,
    args: [],
    text: undefined,
    listen: (server) => new Promise((listening) => server.listen(0, '127.0.0.1', listening)),
    delay: 0,
    grace: 5_000,
    loadingLimit: 1000,
    notLoaded: () => new Error(),
    say: (sentence) => said.push(sentence),
  });
  first = alive();
});
afterEach(() => workers.stop());
afterAll(() => rmSync(folder, { recursive: true }));

const remaining = (): number[] => alive().filter((pid) => first.includes(pid));

it('leaves all as they are where the first new one cannot start', async () => {
  plans(['fails']);
  await expect(workers.reload(undefined)).rejects.toThrow('exit code 2');
  expect(alive()).toEqual(first);
});

it('tries again where a later one cannot start, until all are replaced', async () => {
  plans(['starts', 'fails', 'fails']);
  await workers.reload(undefined);
  expect(alive()).toHaveLength(2);
  expect(remaining()).toEqual([]);
  expect(said).toEqual(
    Array(2).fill(
      'a new worker could not start: a worker ended with exit code 2 before it was ready; ' +
        '1 of 2 are replaced, trying again',
    ),
  );
});

it('replaces all once more when it is asked to while it tries again', async () => {
  plans(['starts', 'fails']);
  const rounds = [workers.reload(undefined)];
  await eventually(() => said.length === 1);
  const between = alive();
  rounds.push(workers.reload(undefined));
  await Promise.all(rounds);
  expect(alive()).toHaveLength(2);
  expect(alive().filter((pid) => between.includes(pid))).toEqual([]);
});

it('stops while it tries again', async () => {
  plans(['starts', ...Array<'fails'>(100).fill('fails')]);
  const reloaded = workers.reload(undefined);
  await eventually(() => said.length === 1);
  await workers.stop();
  await reloaded.catch(() => undefined);
  expect(alive()).toEqual([]);
});
