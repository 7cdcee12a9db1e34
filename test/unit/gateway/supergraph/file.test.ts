import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSource } from '../../../../gateway/supergraph/file';
import type { SupergraphSource } from '../../../../gateway/supergraph/source';

let folder: string;
let file: string;
let source: SupergraphSource;
let heard: string[];
let news: (() => void) | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-file-'));
  file = join(folder, 'supergraph.graphql');
  heard = [];
  source = fileSource({ file, interval: 20 });
});

afterEach(async () => {
  await source.stop();
  await rm(folder, { recursive: true });
});

const start = () =>
  source.start({
    onSupergraph: (sdl) => hear(sdl),
    onUnavailable: ({ message }) => hear(`unavailable: ${message.replace(folder, '.')}`),
  });

function hear(text: string): void {
  heard.push(text);
  news?.();
}

async function nextNews(count: number): Promise<string[]> {
  while (heard.length < count) await new Promise<void>((resolve) => (news = resolve));
  return heard;
}

it('resolves with the content, and reports each edit once', async () => {
  await writeFile(file, 'first');
  expect(await start()).toBe('first');
  await writeFile(file, 'second');
  expect(await nextNews(1)).toEqual(['second']);
  await writeFile(file, 'second');
  await writeFile(file, 'third');
  expect(await nextNews(2)).toEqual(['second', 'third']);
});

it('rejects when there is no file, or nothing in it', async () => {
  await expect(start()).rejects.toThrow(`${file} does not exist.`);
  await writeFile(file, ' \n');
  await expect(start()).rejects.toThrow(`${file} is empty.`);
  await expect(fileSource({ file: folder }).start({} as never)).rejects.toThrow(/cannot be read/);
});

it('says when the file is emptied or removed, and reports it when it is back', async () => {
  await writeFile(file, 'first');
  await start();
  await writeFile(file, '');
  expect(await nextNews(1)).toEqual(['unavailable: ./supergraph.graphql is empty.']);
  await rm(file);
  expect((await nextNews(2))[1]).toBe('unavailable: ./supergraph.graphql does not exist.');
  await writeFile(file, 'back');
  expect((await nextNews(3))[2]).toBe('back');
});

it('follows a file that is replaced, and a symbolic link that points elsewhere', async () => {
  await writeFile(join(folder, 'one'), 'first');
  await writeFile(join(folder, 'two'), 'second, longer');
  await symlink('one', file);
  expect(await start()).toBe('first');
  await symlink('two', join(folder, 'link'));
  await rename(join(folder, 'link'), file);
  expect(await nextNews(1)).toEqual(['second, longer']);
  await writeFile(join(folder, 'new'), 'third');
  await rename(join(folder, 'new'), file);
  expect((await nextNews(2))[1]).toBe('third');
});

it('waits until a file that is written in pieces is complete', async () => {
  await writeFile(file, 'first');
  await start();
  await writeFile(file, 'half');
  setTimeout(() => void writeFile(file, 'half and half'), 10);
  await nextNews(1);
  expect(heard.at(-1)).toBe('half and half');
});

it('reports nothing after it was stopped', async () => {
  await writeFile(file, 'first');
  await start();
  await source.stop();
  await writeFile(file, 'second');
  await new Promise((later) => setTimeout(later, 100));
  expect(heard).toEqual([]);
});
