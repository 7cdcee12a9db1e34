/** Over 300 lines: a trail is written, moved, slow and broken in many ways. */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { factsOfMutation } from '../../../../../gateway/telemetry/audit/mutation-facts';
import type { AuditRecord } from '../../../../../gateway/telemetry/audit/record';
import { compileRedaction } from '../../../../../gateway/telemetry/audit/redact';
import {
  openFileDestination,
  openStreamDestination,
  type AuditDestination,
} from '../../../../../gateway/telemetry/audit/destinations';
import { Trail } from '../../../../../gateway/telemetry/audit/trail';
import { verifyAudit } from '../../../../../gateway/telemetry/audit/verify';

const folder = mkdtempSync(join(tmpdir(), 'weir-audit-'));
afterAll(() => rmSync(folder, { recursive: true }));

let file: string;
let count = 0;
beforeEach(() => (file = join(folder, `${count++}.jsonl`)));

const key = 'the key of this gateway';
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const recordOf = (operation: string): AuditRecord => ({
  time: '2026-01-01T00:00:00.000Z',
  action: 'mutation',
  operation,
  outcome: 'ok',
});

async function writeTrail(operations: readonly string[], key?: string): Promise<void> {
  const trail = trailOver(await openFileDestination(file, key), { key });
  for (const operation of operations) trail.write(recordOf(operation));
  await trail.close();
}

const trailOver = (
  destination: AuditDestination,
  more: Partial<ConstructorParameters<typeof Trail>[0]> = {},
) =>
  new Trail({
    destination,
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
  (await verifyAudit([file], { key })).problems.map(({ line, message }) => `${line}: ${message}`);

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
    ['a line that stands twice', ([a, b]) => [a!, b!, b!], ['3: It is the record before it once more.']],
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
    await writeTrail(['A', 'B'], key);
    expect(await problems(key)).toEqual([]);
    const forged = join(folder, 'forged');
    [file, count] = [forged, count + 1];
    await writeTrail(['A', 'X']);
    expect(await problems(key)).toHaveLength(2);
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
    expect(notes.map(({ line, message }) => `${line}: ${message}`)).toEqual([
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
    const after = (JSON.parse(first!) as { hash: string }).hash;
    expect(await verifyAudit([file], { after })).toMatchObject({ records: 1, problems: [] });
    expect((await verifyAudit([file], { after: 'another' })).problems).toHaveLength(1);
  });

  it.each([
    [1, 'A record is missing before it: in an earlier file, or removed.'],
    [2, '2 records are missing before it: in an earlier file, or removed.'],
  ])('is not as it was written without its first lines: %i', async (removed, message) => {
    await writeTrail(['A', 'B', 'C'], key);
    edit((lines) => lines.slice(removed));
    expect(await problems(key)).toEqual([`1: ${message}`]);
  });

  it('has a record that was there at an earlier check, unless it was emptied and begun anew', async () => {
    await writeTrail(['A', 'B']);
    const { hash } = (await verifyAudit([file])).ends[0]!;
    await writeTrail(['C']);
    expect((await verifyAudit([file], { includes: hash })).problems).toEqual([]);
    expect((await verifyAudit([file], { after: 'A', includes: 'A' })).problems).toEqual([]);
    truncateSync(file);
    await writeTrail(['C', 'D', 'E']);
    expect((await verifyAudit([file])).problems).toEqual([]);
    const message = `The record with the hash ${hash} is missing: it was removed, or the trail was begun anew.`;
    expect((await verifyAudit([file], { includes: hash })).problems).toEqual([{ file, line: 1, message }]);
  });

  it('is not as it was written where no record is there', async () => {
    await writeTrail(['A', 'B']);
    truncateSync(file);
    const message = 'No record is there: the trail was emptied, or has none yet.';
    expect(await verifyAudit([file])).toMatchObject({ records: 0, problems: [{ file, line: 1, message }] });
    expect((await verifyAudit([file], { after: 'of the file before' })).problems).toEqual([]);
  });

  describe('that is copied and emptied while it is written to', () => {
    let older: string;
    beforeEach(async () => {
      older = `${file}.1`;
      const destination = await openFileDestination(file, key);
      let written: () => void = () => undefined;
      const write: AuditDestination['write'] = async (lines, before) => {
        await destination.write(lines, before);
        written();
      };
      const trail = trailOver({ ...destination, write }, { key });
      for (const operation of ['A', 'B', 'C', 'D']) {
        const isWritten = new Promise<void>((resolve) => (written = resolve));
        trail.write(recordOf(operation));
        await isWritten;
        if (operation === 'B') {
          copyFileSync(file, older);
          truncateSync(file);
        }
      }
      await trail.close();
    });

    it('goes on, and says behind which record', async () => {
      const first = await verifyAudit([older], { key });
      expect(first).toMatchObject({ records: 2, problems: [], notes: [], ends: [{ seq: 2 }] });
      const both = await verifyAudit([older, file], { key });
      expect(both).toMatchObject({ records: 4, problems: [], notes: [], ends: [{ seq: 4 }] });
      const { hash } = first.ends[0]!;
      expect(await verifyAudit([file], { key, after: hash })).toMatchObject({
        records: 2,
        problems: [],
        notes: [
          { line: 1, message: `It goes on behind record 2, ${hash}, which stands in an earlier file.` },
        ],
      });
    });

    it.each<[string, (older: string) => readonly string[]]>([
      ['is not given', () => []],
      ['is empty', (older) => (truncateSync(older), [older])],
    ])(
      'is not as it was written where the file before %s: it may have been emptied by anybody',
      async (_, files) => {
        const { hash } = (await verifyAudit([older], { key })).ends[0]!;
        const message = `It goes on behind record 2, ${hash}: in an earlier file, or removed.`;
        const found = await verifyAudit([...files(older), file], { key });
        expect(found.problems).toEqual([{ file, line: 1, message }]);
        expect((await verifyAudit([...files(older), file], { key, after: 'another' })).problems).toHaveLength(
          1,
        );
      },
    );

    it('is as it was written where nothing has come since', async () => {
      const empty = join(folder, `${count++}.jsonl`);
      writeFileSync(empty, '');
      expect((await verifyAudit([older, empty], { key })).problems).toEqual([]);
    });

    it('goes on after a restart', async () => {
      await writeTrail(['E'], key);
      expect(await verifyAudit([older, file], { key })).toMatchObject({ records: 5, problems: [] });
    });

    it.each<[string, (lines: string[]) => string[], string[]]>([
      [
        'its first line is removed',
        ([, ...lines]) => lines,
        ['1: 2 records are missing before it: in an earlier file, or removed.'],
      ],
      [
        'its first record is removed',
        ([first, , d]) => [first!, d!],
        [
          expect.stringMatching(/^1: It goes on behind record 2, /) as string,
          '2: A record is missing before it.',
        ],
      ],
      [
        'its first line was changed',
        ([first, ...lines]) => [first!.replace('"seq":2', '"seq":1'), ...lines],
        [
          '1: It was changed: its hash is of another text, or made with another key.',
          expect.stringMatching(/^1: It goes on behind record 1, /) as string,
          '2: A record is missing before it.',
        ],
      ],
    ])('is not as it was written where %s', async (_, change, expected) => {
      edit(change);
      expect(await problems(key)).toEqual(expected);
    });

    it('is not as it was written where the end of the file before is missing, or is another', async () => {
      const [first] = readFileSync(older, 'utf8').split(/(?<=\n)/);
      const shorter = join(folder, `${count++}.jsonl`);
      writeFileSync(shorter, first!);
      const { problems: found } = await verifyAudit([shorter, file], { key });
      expect(found).toMatchObject([{ file, line: 1, message: 'A record is missing before it.' }]);
    });
  });
});

describe('a slow destination', () => {
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
    const trail = trailOver(openStreamDestination(stream), { bound: 300 });
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
    const trail = trailOver(openStreamDestination(stream), {
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
    const destination: AuditDestination = {
      last: { chain: 'c', seq: 0, hash: '0'.repeat(64) },
      write: async (lines) => {
        if (!works) throw new Error('The disk is full.');
        written.push(lines);
      },
      close: async () => undefined,
    };
    const trail = trailOver(destination, { onFailure: (error) => failures.push(error) });
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

  it('have the defaults of variables that are not given', () => {
    const facts = factsOfMutation(
      `mutation ($amount: Int = 5, $to: [ID!] = ["a"], $note: String = "n", $constructor: ID) {
         transfer(amount: $amount, order: { to: $to, by: $constructor }, note: $note)
       }`,
      undefined,
    );
    expect(facts.argumentsWith({ note: null })).toEqual({
      transfer: { amount: 5, order: { to: ['a'], by: undefined }, note: null },
    });
    expect(facts.argumentsWith({ amount: 6, to: [], note: 'x' })).toEqual({
      transfer: { amount: 6, order: { to: [], by: undefined }, note: 'x' },
    });
  });

  it('are those of all root fields, however many, and of fragments that double', () => {
    const fields = Array.from({ length: 150 }, (_, i) => `f${i}: step(n: ${i})`).join(' ');
    const doubling = Array.from(
      { length: 40 },
      (_, i) => `fragment F${i} on Mutation { ...F${i + 1} ...F${i + 1} }`,
    );
    const facts = factsOfMutation(
      `mutation { ...F0 ${fields} } ${doubling.join(' ')} fragment F40 on Mutation { last(n: 1) }`,
      undefined,
    );
    expect(facts.coordinates).toEqual(['Mutation.last', 'Mutation.step']);
    expect(Object.keys(facts.argumentsWith({}))).toHaveLength(151);
  });

  it('are left out where their names say that they are secret', () => {
    const redact = compileRedaction(['*password*', 'cvv', 'a*b*c']);
    const sent = {
      newPassword: 'p',
      'the\npassword\n': 'p',
      card: { CVV: 123, name: 'Ada' },
      aXbYc: 1,
      abcd: 1,
    };
    expect(redact({ input: sent, list: [{ list: [sent] }] })).toMatchObject({
      input: {
        newPassword: '[redacted]',
        'the\npassword\n': '[redacted]',
        card: { CVV: '[redacted]', name: 'Ada' },
        aXbYc: '[redacted]',
        abcd: 1,
      },
      list: [{ list: [{ newPassword: '[redacted]' }] }],
    });
  });

  it('are not hidden by an alias that is the name of a secret', () => {
    const redact = compileRedaction(['*password*']);
    const facts = factsOfMutation('mutation { password: transfer(amount: 5, password: "p") }', undefined);
    expect(redact(facts.argumentsWith({}))).toEqual({ password: { amount: 5, password: '[redacted]' } });
  });

  it('are all there: of a long text the beginning, the length and the digest', () => {
    const redact = compileRedaction(['cvv']);
    const list = Array.from({ length: 5_000 }, (_, i) => i);
    const wide = Object.fromEntries(list.map((i) => [`m${i}`, [i]]));
    let deep: unknown = 'the end';
    for (let i = 0; i < 40; i++) deep = [{ deep }];
    expect(redact({ input: { list, wide, deep } })).toEqual({ input: { list, wide, deep } });
    expect(redact({ input: { note: 'x'.repeat(256), long: 'x'.repeat(300) } })).toEqual({
      input: {
        note: 'x'.repeat(256),
        long: `${'x'.repeat(256)}… (300 characters, SHA-256 ${digestOf('x'.repeat(300))})`,
      },
    });
  });

  it('are no more than a request may hold, where variables are used often, and it is said what is left out', () => {
    const redact = compileRedaction([]);
    const large = Array.from({ length: 1_000 }, () => 'x'.repeat(99));
    const all = redact({
      input: { large: Array.from({ length: 1_000 }, () => large) },
      more: { a: 1, b: 2 },
    });
    const { large: kept } = all['input'] as { large: unknown[] };
    expect(kept).toHaveLength(12);
    expect(kept.at(-1)).toBe('… 989 more');
    expect(kept.at(-2)).toContainEqual(expect.stringMatching(/^… \d+ more$/));
    expect(all).toMatchObject({ '…': '1 more' });
    expect(JSON.stringify(all).length).toBeLessThan(2 ** 20 * 1.1);
  });

  it('are nested no deeper than can be written', () => {
    let deep: unknown = 'the end';
    for (let i = 0; i < 50_000; i++) deep = [deep];
    expect(JSON.stringify(compileRedaction([])({ input: deep }))).toContain('"…"');
  });
});
