import { Level } from 'level';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTable, openDatabase, openEmbeddedDynamoDB } from '../../../../kit';
import { connectDynamoDB } from '../../../../kit/store/dynamodb';
import { prepareTable } from '../../../../kit/serve/prepare';
import { StartError } from '../../../../kit/serve/start-error';
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

  it('goes on when a client ends in the middle of a request', async () => {
    const dynamodb = await openEmbeddedDynamoDB();
    const { notes, stop } = await openNotes(dynamodb.endpoint);
    const client = connect(Number(new URL(dynamodb.endpoint).port), '127.0.0.1');
    client.write('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{');
    // Its headers have come when a request after it is answered.
    await notes.put({ id: '1', text: 'kept' });
    client.destroy();
    await once(client, 'close');
    expect(await notes.get({ id: '1' })).toEqual({ id: '1', text: 'kept' });
    await stop();
    await dynamodb.stop();
  });

  it('stops although a client is connected that never sent a request', async () => {
    const { endpoint, stop } = await openEmbeddedDynamoDB();
    const { hostname, port } = new URL(endpoint);
    const silent = connect(Number(port), hostname).on('error', () => undefined);
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    silent.resume();
    await stop();
    await closed;
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
    ['of a process that is dead', { pid: 2 ** 22 + 1, endpoint: 'http://127.0.0.1:3991' }],
    ['of a process that became something else', { pid: process.ppid, endpoint: 'http://127.0.0.1:3991' }],
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

  describe('at a port that is in use', () => {
    const server = createServer((_, response) => response.end('something else'));
    let port: number;
    beforeAll(async () => {
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      ({ port } = server.address() as AddressInfo);
    });
    afterAll(() => server.close());

    it('takes another one, if it was only that of the last owner', async () => {
      const lock = { pid: 2 ** 22 + 1, endpoint: `http://127.0.0.1:${port}` };
      folder.write('weir.lock', JSON.stringify(lock));
      const { endpoint, owner, stop } = await openEmbeddedDynamoDB({ folder: folder.path });
      expect(owner).toBe(true);
      expect(endpoint).not.toBe(lock.endpoint);
      const notes = await openNotes(endpoint);
      await notes.notes.put({ id: '1', text: 'kept' });
      expect(await notes.notes.get({ id: '1' })).toEqual({ id: '1', text: 'kept' });
      await notes.stop();
      await stop();
    });

    it('says so in one sentence, if it was asked for, and leaves the folder unlocked', async () => {
      await expect(openEmbeddedDynamoDB({ folder: folder.path, port })).rejects.toThrow(
        new StartError(`Port ${port} is in use; choose another one with --port.`),
      );
      expect(existsSync(join(folder.path, 'weir.lock'))).toBe(false);
      // Nor is its data open any more.
      const files = new Level(folder.path);
      await files.open();
      await files.close();
    });
  });

  it('is inherited as soon as its port is free, whoever had that in between', async () => {
    let text = 'healthy: dynamodb';
    const other = createServer((_, response) => response.end(text)).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const endpoint = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    folder.write('weir.lock', JSON.stringify({ pid: process.pid, endpoint }));
    const heir = await openEmbeddedDynamoDB({ folder: folder.path });
    expect(heir).toMatchObject({ endpoint, owner: false });
    // The owner has ended, and somebody else listens there.
    text = 'something else';
    while (existsSync(join(folder.path, 'weir.lock'))) await sleep(20);
    other.closeAllConnections();
    await new Promise((closed) => other.close(closed));
    const answer = async (): Promise<string> =>
      fetch(endpoint).then(
        (response) => response.text(),
        () => sleep(50).then(answer),
      );
    expect(await answer()).toContain('healthy');
    await heir.stop();
    expect(existsSync(join(folder.path, 'weir.lock'))).toBe(false);
  });

  it('listens where it is asked to, and where the last owner was', async () => {
    const free = await openEmbeddedDynamoDB();
    const port = Number(new URL(free.endpoint).port);
    await free.stop();
    const first = await openEmbeddedDynamoDB({ folder: folder.path, port });
    expect(first.endpoint).toBe(`http://127.0.0.1:${port}`);
    await first.stop();
    const lock = { pid: 2 ** 22 + 1, endpoint: first.endpoint };
    folder.write('weir.lock', JSON.stringify(lock));
    const heir = await openEmbeddedDynamoDB({ folder: folder.path });
    expect([heir.endpoint, heir.owner]).toEqual([first.endpoint, true]);
    await heir.stop();
  });

  it('leaves the folder to its owner when one that only uses it stops', async () => {
    const owner = await openEmbeddedDynamoDB({ folder: folder.path });
    const user = await openEmbeddedDynamoDB({ folder: folder.path });
    await user.stop();
    expect(existsSync(join(folder.path, 'weir.lock'))).toBe(true);
    expect(await (await fetch(owner.endpoint)).text()).toContain('healthy');
    await owner.stop();
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
