import { Level } from 'level';
import { readdirSync, readFileSync, utimesSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { claimFolder, portOf, probe } from '../../../../kit/store/data-folder';
import { StartError } from '../../../../kit/serve/start-error';
import { temporaryFolder } from '../../../support/subgraph-kit';

const deadProcess = 2 ** 22 + 1;
const nobody = 'http://127.0.0.1:3991';

let folder: ReturnType<typeof temporaryFolder>;
const stops: (() => unknown)[] = [];
beforeEach(() => (folder = temporaryFolder()));
afterEach(async () => {
  jest.restoreAllMocks();
  for (const stop of stops.splice(0)) await stop();
  folder.remove();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  stops.push(() => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const serveDynamoDB = () =>
  serve((_, response) => response.end('healthy: dynamodb.us-east-1.amazonaws.com '));
const serveOther = () => serve((_, response) => response.end('It works! healthy: dynamodb'));
const serveNothing = () => serve(() => undefined);

const lockFile = () => join(folder.path, 'weir.lock');
const lock = (content: object | string) =>
  folder.write('weir.lock', typeof content === 'string' ? content : JSON.stringify(content));
const readLock = () => JSON.parse(readFileSync(lockFile(), 'utf8')) as object;
/** The lock, and what is made on the way to it. */
const lockFiles = () => readdirSync(folder.path).filter((name) => name.startsWith('weir.lock'));

async function claim() {
  const claimed = await claimFolder(folder.path);
  if (claimed.kind === 'taken') throw new Error('It is taken.');
  stops.push(() => claimed.release());
  return claimed;
}

/** Has each look at the clock take a second, so that nobody waits for long. */
function hurry(): void {
  let now = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => (now += 1000));
}

describe('a data folder', () => {
  it('is its process’s, which says where it is, until that releases it', async () => {
    const owned = await claim();
    expect(owned.lastPort).toBeUndefined();
    expect(readLock()).toEqual({ pid: process.pid });
    await owned.announce('http://127.0.0.1:4000');
    expect(readLock()).toEqual({ pid: process.pid, endpoint: 'http://127.0.0.1:4000' });
    expect(lockFiles()).toEqual(['weir.lock']);
    await owned.release();
    expect(lockFiles()).toEqual([]);
    await owned.release();
  });

  it('is released by nobody who has lost it', async () => {
    const owned = await claim();
    lock({ pid: 1, endpoint: nobody });
    await owned.release();
    expect(readLock()).toEqual({ pid: 1, endpoint: nobody });
  });

  it('is taken while its owner answers, whoever that is', async () => {
    const endpoint = await serveDynamoDB();
    lock({ pid: deadProcess, endpoint });
    expect(await claimFolder(folder.path)).toEqual({ kind: 'taken', endpoint });
    expect(readLock()).toEqual({ pid: deadProcess, endpoint });
  });

  it.each<[string, () => Promise<object>]>([
    ['of a dead process', async () => ({ pid: deadProcess, endpoint: nobody })],
    [
      'of a dead process at whose port something hangs',
      async () => ({ pid: deadProcess, endpoint: await serveNothing() }),
    ],
    ['of a process that listens no more', async () => ({ pid: process.pid, endpoint: nobody })],
    [
      'of a process at whose port something else answers',
      async () => ({ pid: process.pid, endpoint: await serveOther() }),
    ],
  ])('is taken over with a lock %s, whose port is a good one', async (_, left) => {
    const last = (await left()) as { endpoint: string };
    lock(last);
    const owned = await claim();
    expect(owned.lastPort).toBe(portOf(last.endpoint));
    expect(readLock()).toEqual({ pid: process.pid });
    expect(lockFiles()).toEqual(['weir.lock']);
  });

  it.each<[string, () => Promise<object | string>, string]>([
    [
      'of a process that lives and says nothing',
      async () => ({ pid: process.pid }),
      `process ${process.pid}`,
    ],
    [
      'of a process that lives and hangs',
      async () => ({ pid: process.pid, endpoint: await serveNothing() }),
      `process ${process.pid}`,
    ],
    ['that is no JSON', async () => '{', 'another process'],
    ['without a process', async () => ({ pid: 'x', endpoint: nobody }), 'another process'],
  ])('is refused in one sentence with a lock %s', async (_, left, holder) => {
    lock(await left());
    const before = readFileSync(lockFile(), 'utf8');
    hurry();
    await expect(claimFolder(folder.path)).rejects.toThrow(
      new StartError(`The data folder ${folder.path} is in use by ${holder}, which does not answer.`),
    );
    expect(readFileSync(lockFile(), 'utf8')).toBe(before);
  });

  it('is refused where its process is somebody else’s, who may not be signalled', async () => {
    jest.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('no'), { code: 'EPERM' });
    });
    lock({ pid: deadProcess });
    hurry();
    await expect(claimFolder(folder.path)).rejects.toThrow(`is in use by process ${deadProcess}`);
  });

  it('waits for who is taking it over, unless that was killed meanwhile', async () => {
    lock({ pid: deadProcess, endpoint: nobody });
    const turn = folder.write('weir.lock.turn', '1');
    const hanging = claimFolder(folder.path);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(lockFiles()).toEqual(['weir.lock', 'weir.lock.turn']);
    utimesSync(turn, new Date(), new Date(Date.now() - 1600));
    const owned = await hanging;
    expect(owned.kind).toBe('owned');
    expect(lockFiles()).toEqual(['weir.lock']);
    await (owned as { release(): Promise<void> }).release();
  });

  it('is refused in one sentence where its lock cannot be written', async () => {
    const none = join(folder.path, 'none');
    await expect(claimFolder(none)).rejects.toThrow(StartError);
    await expect(claimFolder(none)).rejects.toThrow(
      `The lock file ${join(none, 'weir.lock')} cannot be written: ENOENT`,
    );
  });

  it('is refused in one sentence where its data cannot be read, and is left unlocked', async () => {
    folder.write('CURRENT', 'nonsense');
    await expect(claimFolder(folder.path)).rejects.toThrow(StartError);
    await expect(claimFolder(folder.path)).rejects.toThrow(`The data in ${folder.path} cannot be read: `);
    expect(lockFiles()).toEqual([]);
  });

  it('waits for a last owner that is closing it', async () => {
    const last = new Level(folder.path);
    await last.open();
    const claiming = claim();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await last.close();
    expect((await claiming).kind).toBe('owned');
  });

  it('is mended where tables and their indexes were about to become active', async () => {
    const tables = new Level<string, object>(folder.path, { valueEncoding: 'json' });
    const half = {
      TableStatus: 'CREATING',
      GlobalSecondaryIndexes: [{ IndexName: 'i', IndexStatus: 'CREATING' }],
    };
    await tables.put('table~a', half);
    await tables.put('table~b', { TableStatus: 'CREATING' });
    await tables.put('table~c', { TableStatus: 'DELETING' });
    await tables.put('item~a', half);
    await tables.put('table~~', half);
    await tables.close();
    await (await claim()).release();
    await tables.open();
    expect(await tables.iterator().all()).toEqual([
      ['item~a', half],
      [
        'table~a',
        { TableStatus: 'ACTIVE', GlobalSecondaryIndexes: [{ IndexName: 'i', IndexStatus: 'ACTIVE' }] },
      ],
      ['table~b', { TableStatus: 'ACTIVE' }],
      ['table~c', { TableStatus: 'DELETING' }],
      ['table~~', half],
    ]);
    await tables.close();
  });
});

describe('whoever is looked for', () => {
  it.each<[string, () => Promise<string>]>([
    ['answers', serveDynamoDB],
    ['refuses', serveOther],
    ['refuses', () => Promise.resolve(nobody)],
    ['silent', serveNothing],
    ['silent', () => serve((request) => void request.socket.destroy())],
  ])('%s', async (state, start) => {
    expect(await probe(await start())).toBe(state);
  });
});
