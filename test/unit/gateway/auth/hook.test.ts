import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadHook } from '../../../../gateway/auth/hook';

const folder = mkdtempSync(join(tmpdir(), 'weir-hook-'));
afterAll(() => rmSync(folder, { recursive: true }));
function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

type Greet = (name: string) => string;

describe('a hook', () => {
  it('is a function itself', async () => {
    const greet: Greet = (name) => `Hello ${name}`;
    expect(await loadHook<Greet>(greet)()).toBe(greet);
  });

  it.each([
    ['the exports of CommonJS', 'a.cjs', 'module.exports = (name) => `Hello ${name}`;'],
    ['the default of CommonJS', 'b.cjs', 'exports.default = (name) => `Hello ${name}`;'],
    [
      'the default of CommonJS that was an ES module',
      'c.cjs',
      'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = (name) => `Hello ${name}`;',
    ],
  ])('is %s', async (_, name, text) => {
    expect((await loadHook<Greet>(write(name, text))())('Ada')).toBe('Hello Ada');
  });

  it('is loaded when it is first called for, and once', async () => {
    const counting =
      'globalThis.loaded = (globalThis.loaded ?? 0) + 1; module.exports = () => globalThis.loaded;';
    const hook = loadHook<() => number>(write('counting.cjs', counting));
    const [first, second] = await Promise.all([hook(), hook()]);
    expect(second).toBe(first);
    expect([first(), (await hook())()]).toEqual([1, 1]);
  });

  it.each([
    ['nothing', 'empty.cjs', ''],
    ['text', 'text.cjs', 'module.exports = "hook";'],
    ['null', 'null.cjs', 'exports.default = null;'],
    ['a function by another name', 'named.cjs', 'exports.hook = () => 1;'],
  ])('is refused, each time, where a module exports %s', async (_, name, text) => {
    const file = write(name, text);
    const hook = loadHook(file);
    for (let times = 0; times < 2; times++)
      await expect(hook()).rejects.toThrow(`${file} must have a function as its default export.`);
  });

  it('is refused where there is no module', async () => {
    await expect(loadHook(join(folder, 'none.cjs'))()).rejects.toThrow('none.cjs');
  });
});
