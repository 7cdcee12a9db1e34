/** The archive of events: `weir audit events`, as `weir audit verify` reads it. Over 300 lines: files and S3 keep the same promises. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { z } from 'zod';
import {
  defineEvent,
  defineSubgraph,
  defineTable,
  startSubgraph,
  type DomainEvent,
  type WithOutbox,
} from '../../kit';
import { openLinkKeys } from '../../kit/identity/link-keys';
import { openPrivateLink } from '../../kit/identity/private-link';
import { startFakePublisher } from '../support/fake-publisher';
import { motoPython, sayWithoutMoto, startMoto, type Moto } from '../support/moto';
import { endAll, eventually, startProcess } from '../support/process';
import { startCli } from '../support/run-cli';
import { orderPlaced } from '../support/order-events';

interface Note extends WithOutbox {
  readonly id: string;
}

sayWithoutMoto('the tests of archives in S3');

const root = mkdtempSync(join(tmpdir(), 'weir-archive-'));
const linkKey = 'a-key-of-the-private-link-for-tests';
const traceId = '0af7651916cd43dd8448eb211c80319c';

let folder: string;
let file: string;
let count = 0;
let publisher: Awaited<ReturnType<typeof startFakePublisher>>;
let subgraph: string;
beforeEach(async () => {
  folder = join(root, String(count++));
  mkdirSync(folder);
  file = join(folder, 'orders.jsonl');
  publisher = await startFakePublisher();
  subgraph = `orders=${new URL('graphql', publisher.url).href}`;
});
afterEach(async () => {
  await endAll();
  await publisher.stop();
});
afterAll(() => rmSync(root, { recursive: true }));

const eventOf = (sequence: number): DomainEvent =>
  orderPlaced({
    ...{ id: `e${sequence}`, sequence, data: { note: 'a\u2028b' } },
    ...{ correlationid: `r${sequence}`, traceparent: `00-${traceId}-b7ad6b7169203331-01` },
  });
const events = Array.from({ length: 40 }, (_, i) => eventOf(i + 1));

const args = (...more: string[]) => ['audit', 'events', subgraph, '--folder', folder, ...more];
const start = (...more: string[]) => startCli(args(...more));
const verify = (...more: string[]) => startCli(['audit', 'verify', file, ...more]).result;

/** The events of the archive, in its order: of complete lines. */
function archived(): unknown[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    try {
      return [(JSON.parse(line) as { details: { event: unknown } }).details.event];
    } catch {
      // Cut short by a death; verify says so.
      return [];
    }
  });
}

it('has each event once in its order, from the first one on, and goes on when it is started again', async () => {
  publisher.push(...events.slice(0, 20));
  const first = startCli(args(), { WEIR_LINK_KEYS: linkKey });
  await eventually(() => archived().length === 20);
  publisher.disconnect();
  publisher.push(...events.slice(20, 30));
  await eventually(() => archived().length === 30);
  const { exitCode, stdout, stderr } = await first.stop();
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: expect.stringMatching(/^weir: orders: .*; it is tried again\.\n$/),
  });
  expect(stdout).toBe(
    `orders: its events go to ${file}, from the first one on.\norders: its events go to ${file}, after 20.\n`,
  );
  const check = openPrivateLink({ subgraph: 'orders', keys: openLinkKeys({ keys: [linkKey] }) });
  for (const { method, url, headers } of publisher.requests)
    expect(check(method, url, headers)).toMatchObject({ caller: null });

  const second = start();
  publisher.push(...events.slice(30));
  await eventually(() => archived().length === 40);
  await second.stop();
  expect(archived()).toEqual(events);
  expect(JSON.parse(readFileSync(file, 'utf8').split('\n')[6]!)).toMatchObject({
    seq: 7,
    action: 'event',
    requestId: 'r7',
    traceId,
    details: { source: 'orders', position: '7' },
  });
  expect(await verify()).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^40 records, as they were written/),
  });
});

it('has what a subgraph of the kit tells, over its private link', async () => {
  const schema = join(folder, 'schema.graphql');
  writeFileSync(schema, 'type Query { one: Int }');
  const Noted = defineEvent({ type: 'Noted', data: z.object({ text: z.string() }) });
  const table = defineTable<Note>()({ name: 'notes', partitionKey: 'id', outbox: true });
  const definition = defineSubgraph({ name: 'orders', schema, resolvers: {}, tables: [table] });
  const settings = { port: 0, logLevel: 'silent', link: { keys: [linkKey] } };
  const running = await startSubgraph(definition, settings);
  try {
    subgraph = `orders=${running.url}`;
    const write = (id: string) =>
      running.db.table(table).create({ id }, { events: [Noted.create({ text: id })] });
    await write('before');
    const archive = startCli(args(), { WEIR_LINK_KEYS: linkKey });
    await write('after');
    await eventually(() => archived().length === 2);
    await archive.stop();
    expect(archived()).toMatchObject([
      { source: 'orders', type: 'Noted', subject: 'before', sequence: 1, data: { text: 'before' } },
      { source: 'orders', type: 'Noted', subject: 'after', sequence: 1, data: { text: 'after' } },
    ]);
    expect(await verify()).toMatchObject({ exitCode: 0 });
    const unsigned = startCli(args());
    await unsigned.printed(
      /GET \/events was answered with 401, and not with an event stream; it is tried again/,
    );
    await unsigned.stop();
  } finally {
    await running.stop();
  }
});

it('has each event once, whenever its writer is killed', async () => {
  const main = [join(__dirname, '../support/typescript.cjs'), join(__dirname, '../../cli/main.ts')];
  for (let death = 0; death < 2; death++) {
    const writer = startProcess(['-r', ...main, ...args()]);
    await writer.printed(/its events go to/);
    publisher.push(...events.slice(death * 15, death * 15 + 15));
    await eventually(() => readFileSync(file, 'utf8').split('\n').length > death * 15 + 3);
    writer.signal('SIGKILL');
    await writer.exit;
  }
  // As a death in the middle of a write leaves it.
  appendFileSync(file, '{"chain":"');
  publisher.push(...events.slice(30));
  const last = start();
  await eventually(() => archived().length === 40);
  await last.stop();
  expect(archived()).toEqual(events);
  const { exitCode, stdout } = await verify();
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: expect.stringMatching(/note: It was cut short[^]*\n40 records, as they were written/),
  });
});

it('has an event once that the subgraph sends again, also where that is the first after a start', async () => {
  publisher.push(eventOf(1), eventOf(2), eventOf(2));
  const first = start();
  await eventually(() => archived().length === 2);
  await first.stop();
  publisher.push(eventOf(2), eventOf(1), eventOf(3));
  const second = start();
  await eventually(() => archived().length === 3);
  await second.stop();
  expect(archived()).toEqual(events.slice(0, 3));
});

it('refuses a second writer, and ends where another one has taken the lock of its trail away', async () => {
  publisher.push(eventOf(1));
  const first = start();
  await eventually(() => archived().length === 1);
  expect(await start().result).toMatchObject({
    exitCode: 1,
    stderr: `weir: ${file} cannot be continued: process ${process.pid} on ${hostname()} writes to it; if that is another program, remove ${file}.lock.\n`,
  });
  rmSync(`${file}.lock`);
  const second = start();
  await second.printed(/its events go to/);
  publisher.push(eventOf(2));
  expect(await first.result).toMatchObject({
    exitCode: 1,
    stderr: `weir: ${file} cannot be continued: another process writes to it.\n`,
  });
  await eventually(() => archived().length === 2);
  await second.stop();
  expect(existsSync(`${file}.lock`)).toBe(false);
  expect(archived()).toEqual(events.slice(0, 2));
  expect(await verify()).toMatchObject({ exitCode: 0 });
});

it('keeps what is no event, as the text that it is', async () => {
  publisher.pushText('nothing');
  const running = start();
  await eventually(() => archived().length === 1);
  await running.stop();
  expect(archived()).toEqual(['nothing']);
});

describe('with a key', () => {
  let key: string;
  beforeEach(async () => {
    key = join(folder, 'key');
    writeFileSync(key, 'the key of the archive');
    publisher.push(...events.slice(0, 3));
    const running = start('--key-file', key);
    await eventually(() => archived().length === 3);
    await running.stop();
  });

  it.each<[string, (lines: string[]) => string[], string]>([
    [
      'changed',
      ([a, b, c]) => [a!, b!.replace('OrderPlaced', 'OrderPlanned'), c!],
      ':2: It was changed: its hash is of another text, or made with another key.',
    ],
    ['removed', ([a, , c]) => [a!, c!], ':2: A record is missing before it.'],
    [
      'moved',
      ([a, b, c]) => [a!, c!, b!],
      ':2: A record is missing before it.\nFILE:3: It does not stand where it was written: it is record 2 behind record 3.',
    ],
    ['doubled', ([a, b, c]) => [a!, b!, b!, c!], ':3: It is the record before it once more.'],
    [
      'doubled later',
      ([a, b, c]) => [a!, b!, c!, b!],
      ':4: It does not stand where it was written: it is record 2 behind record 3.',
    ],
  ])('shows which event was %s', async (_, change, found) => {
    expect(await verify('--key-file', key)).toMatchObject({ exitCode: 0 });
    writeFileSync(file, `${change(readFileSync(file, 'utf8').trimEnd().split('\n')).join('\n')}\n`);
    const { exitCode, stdout } = await verify('--key-file', key);
    expect({ exitCode, stdout: stdout.replaceAll(file, 'FILE') }).toEqual({
      exitCode: 1,
      stdout: `FILE${found}\n`,
    });
  });

  it('is not continued without it', async () => {
    expect(await start().result).toMatchObject({
      exitCode: 1,
      stderr: `weir: ${file} cannot be continued: its last record was changed, or chained with another key.\n`,
    });
  });
});

describe('is not continued', () => {
  beforeEach(async () => {
    publisher.push(...events.slice(0, 3));
    const running = start();
    await eventually(() => archived().length === 3);
    await running.stop();
  });

  it('where the log of the subgraph is another one', async () => {
    await publisher.stop();
    publisher = await startFakePublisher();
    subgraph = `orders=${new URL('graphql', publisher.url).href}`;
    expect(await start().result).toMatchObject({
      exitCode: 1,
      stderr: `weir: ${file} cannot be continued: the subgraph does not know the position 3: its log is another one. Move the trail away to begin anew.\n`,
    });
  });

  it('with the events of another subgraph', async () => {
    writeFileSync(join(folder, 'inventory.jsonl'), readFileSync(file));
    subgraph = subgraph.replace('orders', 'inventory');
    expect(await start().result).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /inventory\.jsonl cannot be continued: it has the events of "orders", not of "inventory"\.\n$/,
      ),
    });
  });

  it('behind a record of something else', async () => {
    truncateSync(file);
    writeFileSync(
      file,
      '{"chain":"c","seq":1,"action":"trail.continue","previous":"","hash":"0000000000000000000000000000000000000000000000000000000000000000"}\n',
    );
    expect(await start().result).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('cannot be continued'),
    });
  });
});

(motoPython === undefined ? describe.skip : describe)('in S3', () => {
  const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
  const before = { ...process.env };
  const Bucket = 'archive';
  let moto: Moto;
  let s3: S3;
  let place: string;
  let trail: string;
  beforeAll(async () => {
    Object.assign(process.env, env);
    moto = await startMoto();
    s3 = new S3({ ...moto.config, forcePathStyle: true });
    await s3.createBucket({ Bucket });
  });
  beforeEach(() => {
    const parameters = `?region=us-east-1&endpoint=${encodeURIComponent(moto.url)}`;
    place = `s3://${Bucket}/${count}${parameters}`;
    trail = `s3://${Bucket}/${count}/orders${parameters}`;
  });
  afterAll(async () => {
    process.env = before;
    s3.destroy();
    await moto.stop();
  });

  const inS3 = () => ['audit', 'events', subgraph, '--folder', place];
  const verifyS3 = () => startCli(['audit', 'verify', trail]).result;
  const keys = async () =>
    ((await s3.listObjectsV2({ Bucket, Prefix: `${count}/orders/` })).Contents ?? []).map(({ Key }) => Key!);
  const textOf = async (Key: string) =>
    (await (await s3.getObject({ Bucket, Key })).Body!.transformToString()).trimEnd();
  const eventsInS3 = async (): Promise<unknown[]> => {
    const texts = await Promise.all((await keys()).map(textOf));
    return texts.flatMap((text) =>
      text.split('\n').map((line) => (JSON.parse(line) as { details: { event: unknown } }).details.event),
    );
  };
  const hold = (length: number) => eventually(async () => (await eventsInS3()).length === length, 20_000);

  it('has each event once in its order, whenever its writer is killed', async () => {
    const main = [join(__dirname, '../support/typescript.cjs'), join(__dirname, '../../cli/main.ts')];
    const writer = startProcess(['-r', ...main, ...inS3()], env);
    await writer.printed(/its events go to/);
    publisher.push(...events.slice(0, 15));
    await eventually(async () => (await keys()).length > 0, 20_000);
    writer.signal('SIGKILL');
    await writer.exit;
    publisher.push(...events.slice(15, 30));
    const second = startCli(inS3());
    await hold(30);
    await second.stop();
    const last = startCli(inS3());
    publisher.push(...events.slice(30));
    await hold(40);
    await last.stop();
    expect(await eventsInS3()).toEqual(events);
    expect(await verifyS3()).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^40 records, as they were written/),
    });
  });

  it('lets one of two writers go on, and writes nothing twice', async () => {
    const writers = [startCli(inS3()), startCli(inS3())];
    for (const writer of writers) await writer.printed(/its events go to/);
    publisher.push(...events.slice(0, 5));
    const { exitCode, stderr } = await Promise.race(writers.map(({ result }) => result));
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining('cannot be continued: another process writes to it.\n'),
    });
    publisher.push(...events.slice(5, 10));
    await hold(10);
    await Promise.all(writers.map((writer) => writer.stop()));
    expect(await eventsInS3()).toEqual(events.slice(0, 10));
  });

  it('shows what was changed, removed and moved in the bucket', async () => {
    const running = startCli(inS3());
    for (const length of [1, 2, 3]) {
      publisher.push(eventOf(length));
      await hold(length);
    }
    await running.stop();
    const [, second = '', third = ''] = await keys();
    const nameOf = (Key: string) => `s3://${Bucket}/${Key}`;
    const found = async () => (await verifyS3()).stdout;
    const text = `${await textOf(second)}\n`;
    const put = (Key: string, Body: string) => s3.putObject({ Bucket, Key, Body });
    await put(second, text.replace('OrderPlaced', 'OrderPlanned'));
    expect(await found()).toContain(`${nameOf(second)}:1: It was changed`);
    await s3.deleteObject({ Bucket, Key: second });
    expect(await found()).toBe(`${nameOf(third)}:1: A record is missing before it.\n`);
    await put(second, text);
    expect((await verifyS3()).exitCode).toBe(0);
    const doubled = second.replace('.jsonl', 'x.jsonl');
    await put(doubled, text);
    expect(await found()).toBe(`${nameOf(doubled)}:1: It is the record before it once more.\n`);
  });

  it('says why a bucket cannot be used', async () => {
    place = place.replace('s3://archive', 's3://none');
    expect(await startCli(inS3()).result).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('cannot be written: there is no such bucket.\n'),
    });
    place = 's3:///events';
    expect(await startCli(inS3()).result).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('must be like archive or s3://BUCKET/PREFIX'),
    });
  });
});
