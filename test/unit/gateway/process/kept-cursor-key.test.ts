import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cursors } from '../../../../gateway/graph/subscriptions/cursor';
import { parseOptions } from '../../../../gateway/options';
import { keepCursorKey } from '../../../../gateway/process/kept-cursor-key';
import { eventually } from '../../../support/process';
import { startDynamo } from '../../../support/cache-stores';
import { redisProgram, type RedisServer, startRedis } from '../../../support/redis-server';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-cursors-'));
  file = join(folder, '.weir', 'cursor-key');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The cursors of one more gateway. */
function open(store = 'memory:', at = file) {
  const warnings: string[] = [];
  const warn = (_: unknown, message: string): void => void warnings.push(message);
  const { cache } = parseOptions({ cache: { store } });
  const keys = keepCursorKey({ cache, file: at, logger: { warn } as never, retryEvery: 20 });
  return { cursors: new Cursors(keys), warnings };
}
type Gateway = ReturnType<typeof open>;
const takes = async (by: Gateway, of: Gateway): Promise<boolean> =>
  (await by.cursors.positionIn((await of.cursors.of('s', 'p1'))!, 's')) === 'p1';

it('is the same for all gateways in a folder, also for those that start at once', async () => {
  const many = Array.from({ length: 20 }, () => open());
  const cursors = await Promise.all(many.map(({ cursors }) => cursors.of('s', 'p1')));
  expect(new Set(cursors).size).toBe(1);
  expect(await takes(open(), many[0]!)).toBe(true);
  expect(many.flatMap(({ warnings }) => warnings)).toEqual([]);
  expect(readdirSync(join(folder, '.weir'))).toEqual(['cursor-key']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('is looked for only when it is needed', () => {
  open();
  expect(readdirSync(folder)).toEqual([]);
});

it('is random', async () => {
  const [one, other] = [open(), open('memory:', join(folder, 'other'))];
  expect(await takes(other, one)).toBe(false);
  expect(readFileSync(file, 'utf8')).not.toBe(readFileSync(join(folder, 'other'), 'utf8'));
});

it.each([
  ['that cannot be made', () => writeFileSync(join(folder, '.weir'), '')],
  ['in which there is no key', () => writeFileSync((file = join(folder, 'empty')), '\n')],
  ['that cannot be read', () => (file = folder)],
])('is one of the process, which says so, where the file is one %s', async (_, prepare) => {
  prepare();
  const [one, other] = [open(), open()];
  expect(await takes(one, one)).toBe(true);
  expect(await takes(one, other)).toBe(false);
  const sentence = 'the key of cursors is not kept: no other gateway takes them';
  expect([one.warnings, other.warnings]).toEqual([[sentence], [sentence]]);
});

it('is one of the process until it can be kept, and its cursors hold then, too', async () => {
  writeFileSync(join(folder, '.weir'), '');
  const one = open();
  const early = (await one.cursors.of('s', 'p1'))!;
  rmSync(join(folder, '.weir'));
  const other = open();
  await other.cursors.of('s', 'p1');
  await eventually(() => takes(other, one));
  expect(await one.cursors.positionIn(early, 's')).toBe('p1');
  expect(await other.cursors.positionIn(early, 's')).toBeUndefined();
});

(redisProgram === undefined ? describe.skip : describe)('in a shared store', () => {
  let redis: RedisServer;
  beforeAll(async () => (redis = await startRedis()));
  afterAll(() => redis.stop());

  it('is the same for all gateways, also for those that start at once', async () => {
    const many = Array.from({ length: 10 }, () => open(redis.url));
    const cursors = await Promise.all(many.map(({ cursors }) => cursors.of('s', 'p1')));
    expect(new Set(cursors).size).toBe(1);
    expect(many.flatMap(({ warnings }) => warnings)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is one of the process while the store does not answer', async () => {
    redis.freeze();
    const one = open(redis.url);
    expect(await takes(one, one)).toBe(true);
    expect(one.warnings).toHaveLength(1);
    redis.thaw();
    const other = open(redis.url);
    await eventually(() => takes(other, one));
  });
});

it('is the same for all gateways with one table of DynamoDB', async () => {
  const database = await startDynamo();
  const before = { ...process.env };
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
  try {
    const many = Array.from({ length: 5 }, () => open(database.store));
    const cursors = await Promise.all(many.map(({ cursors }) => cursors.of('s', 'p1')));
    expect(new Set(cursors).size).toBe(1);
    expect(many.flatMap(({ warnings }) => warnings)).toEqual([]);
  } finally {
    process.env = before;
    await database.close();
  }
});
