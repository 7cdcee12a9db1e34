import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCached } from '../../../../gateway/code-cache/run-cached';

interface Told {
  readonly answer: () => number;
  readonly folder: string;
  readonly file: string;
  readonly separator: string;
}

let folder: string;
let file: string;
let caches: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-code-'));
  file = join(folder, 'code.js');
  caches = join(folder, 'caches');
  write(1);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Code whose length does not depend on the number, as V8 would notice that. */
function write(answer: number, comment = ''): void {
  writeFileSync(
    file,
    `${comment}exports.answer = () => ${answer};
    Object.assign(exports, { folder: __dirname, file: __filename, separator: require('node:path').sep });`,
  );
}

const run = () => runCached<Told>(file, { NODE_COMPILE_CACHE: caches });
const kept = (): string[] => readdirSync(caches).map((name) => join(caches, name));

describe('what V8 has compiled of a bundle', () => {
  it('is kept for the next run, after which nothing is written', () => {
    const first = run();
    expect(first.exports.answer()).toBe(1);
    first.save();
    expect(kept()).toHaveLength(1);
    expect(kept()[0]).toContain(`code-${process.version}-${process.platform}-${process.arch}-`);
    const second = run();
    expect(second.exports.answer()).toBe(1);
    rmSync(caches, { recursive: true });
    second.save();
    expect(readdirSync(folder)).toEqual(['code.js']);
  });

  it('is not run for other code in the same file', () => {
    const { save } = run();
    save();
    write(2);
    const { exports, save: saveAnew } = run();
    expect(exports.answer()).toBe(2);
    saveAnew();
    expect(kept()).toHaveLength(1);
    expect(run().exports.answer()).toBe(2);
  });

  it('is not run when it is damaged, and is written anew', () => {
    run().save();
    const [cache] = kept();
    const whole = readFileSync(cache!);
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 1]! ^= 1;
    for (const content of [damaged, whole.subarray(0, 100), '']) {
      writeFileSync(cache!, content);
      const { exports, save } = run();
      expect(exports.answer()).toBe(1);
      save();
      expect(readFileSync(cache!).length).toBeGreaterThan(100);
    }
  });

  it.each([
    ['no folder is named', { NODE_COMPILE_CACHE: undefined }],
    ['it is forbidden', { NODE_DISABLE_COMPILE_CACHE: '1' }],
    ['the folder cannot be made', { NODE_COMPILE_CACHE: '/dev/null/caches' }],
  ])('is not kept where %s', (_, env) => {
    const { exports, save } = runCached<Told>(file, { NODE_COMPILE_CACHE: caches, ...env });
    expect(exports.answer()).toBe(1);
    save();
    expect(readdirSync(folder)).toEqual(['code.js']);
  });
});

it('leaves none of the files behind in buffers that wait for a collection', () => {
  const megabytes = 2 ** 23;
  write(1, `/*${'-'.repeat(megabytes)}*/`);
  const before = process.memoryUsage().arrayBuffers;
  expect(run().exports.answer()).toBe(1);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(megabytes);
});

it('gives the code what a module of CommonJS has', () => {
  const { exports } = run();
  expect(exports).toMatchObject({ folder, file, separator: join('/') });
});

it('names the file and the place in stacks, and the place on the first line as well', () => {
  writeFileSync(file, `exports.fail = () => { throw new Error('broken'); };`);
  const { fail } = runCached<{ fail: () => void }>(file, { NODE_COMPILE_CACHE: caches }).exports;
  expect(fail).toThrow(expect.objectContaining({ stack: expect.stringContaining(`${file}:1:30`) }));
});
