import { Level } from 'level';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTable, openDatabase, openEmbeddedDynamoDB } from '../../../../subgraphs/kit';
import { connectDynamoDB } from '../../../../subgraphs/kit/dynamodb';
import { prepareTable } from '../../../../subgraphs/kit/prepare';
import { temporaryFolder } from '../../../support/subgraph-kit';

const notesTable = defineTable<{ id: string; text: string }>()({ name: 'notes', partitionKey: 'id' });

async function openNotes(endpoint: string) {
  const dynamodb = await connectDynamoDB({ kind: 'endpoint', endpoint });
  const { client } = dynamodb;
  const db = openDatabase({ client });
  await prepareTable(notesTable, { db, client, seed: false });
  return { notes: db.table(notesTable), stop: () => dynamodb.stop() };
}

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => (folder = temporaryFolder()));
afterEach(() => folder.remove());

describe('an embedded DynamoDB', () => {
  it('keeps its data in its folder', async () => {
    const first = await openEmbeddedDynamoDB({ folder: folder.path });
    const before = await openNotes(first.endpoint);
    await before.notes.put({ id: '1', text: 'kept' });
    await before.stop();
    await first.stop();
    expect(existsSync(join(folder.path, 'weir.lock'))).toBe(false);

    const second = await openEmbeddedDynamoDB({ folder: folder.path });
    const after = await openNotes(second.endpoint);
    expect(await after.notes.get({ id: '1' })).toEqual({ id: '1', text: 'kept' });
    await after.stop();
    await second.stop();
  });

  it('serves a folder once, however many open it at the same time', async () => {
    const all = await Promise.all(
      Array.from({ length: 6 }, () => openEmbeddedDynamoDB({ folder: folder.path })),
    );
    expect(all.filter(({ owner }) => owner)).toHaveLength(1);
    expect(new Set(all.map(({ endpoint }) => endpoint)).size).toBe(1);
    await Promise.all(all.filter(({ owner }) => !owner).map((one) => one.stop()));
    await all.find(({ owner }) => owner)!.stop();
  });

  it('is inherited, at the same port, by those who use it when its owner ends', async () => {
    const owner = await openEmbeddedDynamoDB({ folder: folder.path });
    const heirs = await Promise.all([
      openEmbeddedDynamoDB({ folder: folder.path }),
      openEmbeddedDynamoDB({ folder: folder.path }),
    ]);
    const { notes, stop } = await openNotes(heirs[0].endpoint);
    await notes.put({ id: '1', text: 'kept' });
    await owner.stop();

    const answer = async (): Promise<unknown> => notes.get({ id: '1' }).catch(() => sleep(50).then(answer));
    expect(await answer()).toEqual({ id: '1', text: 'kept' });
    await stop();
    await Promise.all(heirs.map((heir) => heir.stop()));
    expect(existsSync(join(folder.path, 'weir.lock'))).toBe(false);
  });

  it('makes a table usable that a killed process was about to make active', async () => {
    const first = await openEmbeddedDynamoDB({ folder: folder.path });
    await (await openNotes(first.endpoint)).stop();
    await first.stop();
    const files = new Level<string, object>(folder.path, { valueEncoding: 'json' });
    await files.put('table~notes', { ...(await files.get('table~notes')), TableStatus: 'CREATING' });
    await files.close();

    const second = await openEmbeddedDynamoDB({ folder: folder.path });
    const { notes, stop } = await openNotes(second.endpoint);
    expect(await notes.create({ id: '1', text: 'usable' })).toBe(true);
    await stop();
    await second.stop();
  });

  it.each([
    ['of a process that is dead', { pid: 2 ** 22 + 1, endpoint: 'http://127.0.0.1:50007' }],
    ['of a process that became something else', { pid: process.ppid, endpoint: 'http://127.0.0.1:50007' }],
    ['of a process that died at its start', { pid: 2 ** 22 + 1 }],
  ])('takes over a lock %s', async (_, lock) => {
    folder.write('weir.lock', JSON.stringify(lock));
    const all = await Promise.all(
      Array.from({ length: 5 }, () => openEmbeddedDynamoDB({ folder: folder.path })),
    );
    expect(all.filter(({ owner }) => owner)).toHaveLength(1);
    expect(JSON.parse(readFileSync(join(folder.path, 'weir.lock'), 'utf8'))).toEqual({
      pid: process.pid,
      endpoint: all[0]!.endpoint,
    });
    for (const one of all.sort((a, b) => Number(a.owner) - Number(b.owner))) await one.stop();
  });

  it('says in one sentence that a program that knows nothing of the lock has the folder open', async () => {
    const other = new Level(folder.path);
    await other.open();
    await expect(openEmbeddedDynamoDB({ folder: folder.path })).rejects.toThrow(
      `The data folder ${folder.path} is in use by another process; stop it, or choose another folder.`,
    );
    await other.close();
    expect(existsSync(join(folder.path, 'weir.lock'))).toBe(false);
  });

  it('says in one sentence that a folder cannot be made', async () => {
    const file = folder.write('file', '');
    await expect(openEmbeddedDynamoDB({ folder: join(file, 'data') })).rejects.toThrow('cannot be made');
  });
});
