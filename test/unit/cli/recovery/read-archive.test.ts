import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArchive } from '../../../../cli/recovery/read-archive';
import { chain, type ChainLink, noHash } from '../../../../gateway/telemetry/audit/record';

const folder = mkdtempSync(join(tmpdir(), 'weir-read-archive-'));
const trail = join(folder, 'archive.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));

/** The lines of a trail with events at these positions. */
function linesOf(...positions: number[]): string[] {
  let link: ChainLink = { chain: 'c', seq: 0, hash: noHash };
  return positions.map((position) => {
    const details = { source: 's', position: `abc-${position}`, event: { subject: `item ${position}` } };
    const chained = chain(
      { time: '2026-01-02T03:04:05.678Z', action: 'event', outcome: 'ok', details },
      link,
      undefined,
    );
    link = chained.link;
    return chained.line;
  });
}

async function read(lines: readonly string[]) {
  writeFileSync(trail, lines.join(''));
  const events: string[] = [];
  const problems: string[] = [];
  for await (const { position } of readArchive(trail, (says) => problems.push(says))) events.push(position);
  return { events, problems };
}

it('gives each event with its position and the time when it was archived', async () => {
  writeFileSync(trail, linesOf(1).join(''));
  const events = [];
  for await (const event of readArchive(trail, fail)) events.push(event);
  expect(events).toEqual([
    { position: 'abc-1', event: { subject: 'item 1' }, at: Date.parse('2026-01-02T03:04:05.678Z') },
  ]);
});

it('passes over half a line of a writer that was killed', async () => {
  const [first, second] = linesOf(1, 2) as [string, string];
  expect(await read([first, `${second.slice(0, 40)}\n`, second, second.slice(0, 40)])).toEqual({
    events: ['abc-1', 'abc-2'],
    problems: [],
  });
});

it('ends at a record that was changed', async () => {
  const [first, second, third] = linesOf(1, 2, 3) as [string, string, string];
  expect(await read([first, second.replace('item 2', 'item 9'), third])).toEqual({
    events: ['abc-1'],
    problems: [`${trail}:2: It was changed: its hash is of another text, or made with another key.`],
  });
});

it('ends where a record was removed', async () => {
  const [first, , third] = linesOf(1, 2, 3) as [string, string, string];
  expect(await read([first, third])).toEqual({
    events: ['abc-1'],
    problems: [`${trail}:2: A record is missing before it.`],
  });
});

it('ends at a gap between positions, though the chain is whole', async () => {
  expect(await read(linesOf(1, 2, 4, 5))).toEqual({
    events: ['abc-1', 'abc-2'],
    problems: [`${trail}:3: The archive has event 4 after event 2: there is a gap.`],
  });
});

it('says that a trail was emptied', async () => {
  expect(await read([])).toEqual({
    events: [],
    problems: [expect.stringContaining('the trail was emptied')],
  });
});

const fail = (says: string): void => {
  throw new Error(says);
};
