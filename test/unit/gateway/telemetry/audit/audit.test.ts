import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { factsOfMutation } from '../../../../../gateway/telemetry/audit/mutation-facts';
import type { AuditRecord } from '../../../../../gateway/telemetry/audit/record';
import { compileRedaction } from '../../../../../gateway/telemetry/audit/redact';
import { openFileSink, openStreamSink, type Sink } from '../../../../../gateway/telemetry/audit/sinks';
import { Trail } from '../../../../../gateway/telemetry/audit/trail';
import { verifyAudit } from '../../../../../gateway/telemetry/audit/verify';

const folder = mkdtempSync(join(tmpdir(), 'weir-audit-'));
afterAll(() => rmSync(folder, { recursive: true }));

let file: string;
let count = 0;
beforeEach(() => (file = join(folder, `${count++}.jsonl`)));

const recordOf = (operation: string): AuditRecord => ({
  time: '2026-01-01T00:00:00.000Z',
  action: 'mutation',
  operation,
  outcome: 'ok',
});

async function writeTrail(operations: readonly string[], key?: string): Promise<void> {
  const trail = trailOver(await openFileSink(file, key), { key });
  for (const operation of operations) trail.write(recordOf(operation));
  await trail.close();
}

const trailOver = (sink: Sink, more: Partial<ConstructorParameters<typeof Trail>[0]> = {}) =>
  new Trail({
    sink,
    key: undefined,
    whenSlow: 'block',
    bound: 1000,
    onDrop: () => undefined,
    onFailure: () => undefined,
    ...more,
  });

/** Changes the lines of the file. */
const edit = (change: (lines: string[]) => string[]) =>
  writeFileSync(file, `${change(readFileSync(file, 'utf8').trimEnd().split('\n')).join('\n')}\n`);

const problems = async (key?: string) =>
  (await verifyAudit([file], key)).problems.map(({ line, says }) => `${line}: ${says}`);

describe('a trail', () => {
  it('is as it was written', async () => {
    await writeTrail(['A', 'B', 'C']);
    const verdict = await verifyAudit([file]);
    expect(verdict).toMatchObject({ records: 3, problems: [], notes: [], ends: [{ seq: 3 }] });
    const last = JSON.parse(readFileSync(file, 'utf8').trimEnd().split('\n')[2]!);
    expect(last).toMatchObject({ seq: 3, operation: 'C', hash: verdict.ends[0]!.hash });
  });

  it.each<[string, (lines: string[]) => string[], string[]]>([
    [
      'a changed line',
      ([a, b, c]) => [a!, b!.replace('"B"', '"X"'), c!],
      ['2: It was changed: its hash is of another text, or made with another key.'],
    ],
    ['a removed line', ([a, , c]) => [a!, c!], ['2: A record is missing before it.']],
    ['two removed lines', ([a, , , d]) => [a!, d!], ['2: 2 records are missing before it.']],
    [
      'moved lines',
      ([a, b, c]) => [a!, c!, b!],
      [
        '2: A record is missing before it.',
        '3: It does not stand where it was written: it is record 2 behind record 3.',
      ],
    ],
    [
      'a line that stands twice',
      ([a, b]) => [a!, b!, b!],
      ['3: It does not stand where it was written: it is record 2 behind record 2.'],
    ],
    [
      'a line that is overwritten',
      ([a, , c]) => [a!, 'x', c!],
      ['2: It is no record.', '3: A record is missing before it.'],
    ],
  ])('shows %s', async (_, change, expected) => {
    await writeTrail(['A', 'B', 'C', 'D'].slice(0, _ === 'two removed lines' ? 4 : 3));
    edit(change);
    expect(await problems()).toEqual(expected);
  });

  it('shows that a record was made anew by somebody without the key', async () => {
    await writeTrail(['A', 'B'], 'the key of this gateway');
    expect(await problems('the key of this gateway')).toEqual([]);
    const forged = join(folder, 'forged');
    [file, count] = [forged, count + 1];
    await writeTrail(['A', 'X']);
    expect(await problems('the key of this gateway')).toHaveLength(2);
  });

  it('goes on where the process before ended', async () => {
    await writeTrail(['A', 'B']);
    await writeTrail(['C']);
    expect(await verifyAudit([file])).toMatchObject({ records: 3, problems: [], ends: [{ seq: 3 }] });
  });

  it('goes on behind half a line that a killed process left', async () => {
    await writeTrail(['A', 'B']);
    truncateSync(file, readFileSync(file).length - 20);
    await writeTrail(['C']);
    appendFileSync(file, '{"chain":');
    const { problems: found, notes } = await verifyAudit([file]);
    expect(found).toEqual([]);
    expect(notes.map(({ line, says }) => `${line}: ${says}`)).toEqual([
      '2: It was cut short while it was written; the trail goes on behind it.',
      '4: It was cut short while it was written.',
    ]);
  });

  it('holds what ends a line elsewhere than in JSON, whoever sends it', async () => {
    const operations = ['\u2028', 'a\u2029b', '\u0085', 'a\rb\nc', '\ud800'];
    await writeTrail(operations);
    await writeTrail(operations);
    expect(await verifyAudit([file])).toMatchObject({
      records: 10,
      problems: [],
      notes: [],
      ends: [{ seq: 10 }],
    });
  });

  it('goes on behind a record that is longer than records mostly are', async () => {
    await writeTrail(['A', 'é'.repeat(700_000)]);
    await writeTrail(['C']);
    expect(await verifyAudit([file])).toMatchObject({ records: 3, problems: [], ends: [{ seq: 3 }] });
  });

  it('goes on in the next file', async () => {
    await writeTrail(['A', 'B']);
    const [first, second] = readFileSync(file, 'utf8').split(/(?<=\n)/);
    const older = `${file}.1`;
    writeFileSync(older, first!);
    writeFileSync(file, second!);
    expect((await verifyAudit([older, file])).problems).toEqual([]);
    expect((await verifyAudit([file])).notes).toMatchObject([
      { line: 1, says: 'It goes on from record 1, which stands in an earlier file.' },
    ]);
  });
});

describe('a slow sink', () => {
  /** Takes nothing until it is told to. */
  function slowStream() {
    const taken: string[] = [];
    let release: () => void = () => undefined;
    const stream = new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        taken.push(text);
        release = () => done();
      },
    });
    return { stream, taken, release: () => release() };
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('lets those wait that block', async () => {
    const { stream, release } = slowStream();
    const trail = trailOver(openStreamSink(stream), { bound: 300 });
    trail.write(recordOf('A'));
    await turn();
    trail.write(recordOf('B'));
    trail.write(recordOf('C'));
    let isReady = false;
    void trail.ready().then(() => (isReady = true));
    await turn();
    expect(isReady).toBe(false);
    release();
    await turn();
    expect(isReady).toBe(false);
    release();
    await turn();
    expect(isReady).toBe(true);
    await trail.close();
  });

  it('loses records of those that drop, counted, and the chain goes on', async () => {
    let dropped = 0;
    const { stream, taken, release } = slowStream();
    const trail = trailOver(openStreamSink(stream), {
      bound: 300,
      whenSlow: 'drop',
      onDrop: () => dropped++,
    });
    trail.write(recordOf('A'));
    await turn();
    for (let i = 0; i < 10; i++) trail.write(recordOf(`B${i}`));
    await trail.ready();
    release();
    await turn();
    release();
    await trail.close();
    writeFileSync(file, taken.join(''));
    const { records, problems: found } = await verifyAudit([file]);
    expect(found).toEqual([]);
    expect(records + dropped).toBe(11);
    expect(dropped).toBeGreaterThan(5);
  });

  it('is tried again when it fails', async () => {
    jest.useFakeTimers();
    const failures: unknown[] = [];
    const written: string[] = [];
    let works = false;
    const sink: Sink = {
      last: { chain: 'c', seq: 0, hash: '0'.repeat(64) },
      write: async (lines) => {
        if (!works) throw new Error('The disk is full.');
        written.push(lines);
      },
      close: async () => undefined,
    };
    const trail = trailOver(sink, { onFailure: (error) => failures.push(error) });
    trail.write(recordOf('A'));
    await jest.advanceTimersByTimeAsync(1500);
    works = true;
    await jest.advanceTimersByTimeAsync(1000);
    expect(failures).toHaveLength(2);
    expect(written).toHaveLength(1);
    await trail.close();
    jest.useRealTimers();
  });
});

describe('arguments', () => {
  it('are those of the root fields, by response key', () => {
    const facts = factsOfMutation(
      `mutation M($id: ID!, $lines: [Line!]) { first: order(id: $id, lines: $lines, note: "now") { id } ...More }
       fragment More on Mutation { cancel(id: 7) { id } ping }
       query Q { me }`,
      'M',
    );
    expect(facts.coordinates).toEqual(['Mutation.order', 'Mutation.cancel', 'Mutation.ping']);
    expect(facts.argumentsWith({ id: 'o1', lines: [{ upc: '1' }] })).toEqual({
      first: { id: 'o1', lines: [{ upc: '1' }], note: 'now' },
      cancel: { id: 7 },
    });
  });

  it('are left out where their names say that they are secret, and cut where they are long', () => {
    const redact = compileRedaction(['*password*', 'cvv']);
    expect(
      redact({
        input: {
          newPassword: 'p',
          card: { CVV: 123, name: 'Ada' },
          list: Array.from({ length: 40 }, (_, i) => i),
        },
        note: 'x'.repeat(300),
      }),
    ).toEqual({
      input: {
        newPassword: '[redacted]',
        card: { CVV: '[redacted]', name: 'Ada' },
        list: [...Array.from({ length: 32 }, (_, i) => i), '… 8 more'],
      },
      note: `${'x'.repeat(256)}…`,
    });
  });
});
