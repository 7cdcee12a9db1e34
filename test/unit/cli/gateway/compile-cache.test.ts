import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepCompiled } from '../../../../cli/gateway/compile-cache';

let caches: string;
let kept: string[];

beforeEach(() => {
  caches = mkdtempSync(join(tmpdir(), 'weir-caches-'));
  kept = [];
});
afterEach(() => rmSync(caches, { recursive: true, force: true }));

/** The environment afterwards. */
function keep(env: Record<string, string>): Record<string, string | undefined> {
  const after = { XDG_CACHE_HOME: caches, ...env };
  keepCompiled(after, { enableCompileCache: (folder) => kept.push(folder) });
  return after;
}

describe('what is compiled', () => {
  it('is kept in a folder that only this user may use, also by threads and children', () => {
    const folder = join(caches, 'weir');
    expect(keep({})).toMatchObject({ NODE_COMPILE_CACHE: folder });
    expect(kept).toEqual([folder]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it.each([
    ['NODE_COMPILE_CACHE', '/var/cache/node'],
    ['NODE_DISABLE_COMPILE_CACHE', '1'],
  ])('is not kept there where %s says otherwise', (name, value) => {
    expect(keep({ [name]: value })).toEqual({ XDG_CACHE_HOME: caches, [name]: value });
    expect(kept).toEqual([]);
    expect(existsSync(join(caches, 'weir'))).toBe(false);
  });

  it.each(['770', '707', '777'])('is not kept in a folder of mode %s, which others may write to', (mode) => {
    mkdirSync(join(caches, 'weir'));
    chmodSync(join(caches, 'weir'), mode);
    expect(keep({})).toEqual({ XDG_CACHE_HOME: caches });
    expect(kept).toEqual([]);
  });

  it('is not kept where a link leads, which another user may have made', () => {
    symlinkSync(mkdtempSync(join(caches, 'other-')), join(caches, 'weir'));
    keep({});
    expect(kept).toEqual([]);
  });

  it('is not kept where no folder can be made', () => {
    expect(keep({ XDG_CACHE_HOME: '/dev/null' })).toEqual({ XDG_CACHE_HOME: '/dev/null' });
    expect(kept).toEqual([]);
  });

  it('is kept by Node 20 as far as Weir does so itself', () => {
    const env = { XDG_CACHE_HOME: caches };
    keepCompiled(env, {});
    expect(env).toEqual({ XDG_CACHE_HOME: caches, NODE_COMPILE_CACHE: join(caches, 'weir') });
  });
});
