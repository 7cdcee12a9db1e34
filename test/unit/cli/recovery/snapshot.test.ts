import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { restoreSnapshot, takeSnapshot } from '../../../../cli/recovery/snapshot';
import { openFolderStore, type SnapshotStore } from '../../../../cli/recovery/snapshot-store';
import { type FakeRehearsalStore, fakeRehearsalStore } from '../../../support/rehearsal-store';

const root = mkdtempSync(join(tmpdir(), 'weir-snapshot-'));
let count = 0;
let files: SnapshotStore;
let lost: FakeRehearsalStore;
beforeEach(async () => {
  files = await openFolderStore(join(root, String(count++)));
  lost = fakeRehearsalStore({
    consumers: [{ consumer: 'c' }],
    items: [{ id: '1' }, { id: '2' }, { id: '3', text: 'a\u2028ü' }],
    log: [{ position: 'l-1', event: { subject: '1' } }],
  });
  await takeSnapshot(lost, files, 'l-1');
});
afterAll(() => rmSync(root, { recursive: true }));

const pathOf = (name: string): string => join(files.place, name);
const rewrite = (name: string, change: (text: string) => string): void =>
  writeFileSync(pathOf(name), change(readFileSync(pathOf(name), 'utf8')));

it('has each item, in parts that its manifest names, and brings all of them back', async () => {
  expect(readdirSync(files.place)).toEqual([
    'manifest.json',
    'part-00001.jsonl',
    'part-00002.jsonl',
    'part-00003.jsonl',
    'part-00004.jsonl',
  ]);
  const restored = fakeRehearsalStore();
  expect(await restoreSnapshot(files, restored)).toEqual({ position: 'l-1', items: 5, problems: [] });
  expect(restored.content).toMatchObject(lost.content);
  expect(restored.appliedBehind).toEqual(['l-1']);
});

it('leaves out a part that was changed or is missing, and says which', async () => {
  rewrite('part-00002.jsonl', (text) => text.replace('"2"', '"9"'));
  rmSync(pathOf('part-00001.jsonl'));
  const restored = fakeRehearsalStore();
  expect(await restoreSnapshot(files, restored)).toEqual({
    position: 'l-1',
    items: 2,
    problems: [
      'part-00001.jsonl of the snapshot, 1 items of consumers, is missing.',
      expect.stringMatching(
        /^part-00002.jsonl of the snapshot, 2 items of items, is damaged: its SHA-256 is not [0-9a-f]{64}\.$/,
      ),
    ],
  });
  expect(restored.content.items).toEqual([lost.content.items[2]]);
});

it.each([
  ['', 'manifest.json of the snapshot is damaged.'],
  ['{"version":2,"parts":[]}', 'manifest.json of the snapshot is damaged.'],
  [undefined, 'The snapshot has no manifest.json.'],
])('is refused whole with the manifest %j', async (text, says) => {
  rmSync(pathOf('manifest.json'));
  if (text !== undefined) writeFileSync(pathOf('manifest.json'), text);
  const restored = fakeRehearsalStore();
  expect(await restoreSnapshot(files, restored)).toEqual({ position: '', items: 0, problems: [says] });
  expect(restored.content).toEqual(fakeRehearsalStore().content);
});
