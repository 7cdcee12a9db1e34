import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

describe('setServingFlags', () => {
  it('lets the young generation grow to a size under load and no further, with flags that V8 knows', () => {
    const size = (Number.parseInt(process.versions.node, 10) >= 24 ? 32 : 16) * 1024 * 1024;
    const { largest } = grow();
    expect(largest).toBeGreaterThan(size * 0.75);
    // V8 takes some pages more than it says; its next size is twice as large, of which half comes first.
    expect(largest).toBeLessThan(size * 1.25);
  });

  it('can be as at first for what V8 has compiled, which is kept for processes with the same flags', () => {
    expect(grow()).toMatchObject({ isAsAtFirst: true });
  });
});

/**
 * A process that makes objects which outlive collections of young garbage: the largest young generation in bytes. Throws for
 * what V8 complains of.
 */
function grow(): { readonly largest: number; readonly isAsAtFirst: boolean } {
  const root = join(__dirname, '../../../..');
  const script = `
    const { cachedDataVersionTag, getHeapSpaceStatistics } = require('node:v8');
    const { setServingFlags, withServingFlags } = require('./cli/gateway/v8-flags.ts');
    setServingFlags();
    const first = cachedDataVersionTag();
    let largest = 0;
    let kept = [];
    let turns = 0;
    (function turn() {
      for (let i = 0; i < 5_000; i += 1) kept.push({ i, of: [i, i, i, i, i, i, i, i] });
      if (kept.length > 50_000) kept = [];
      const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
      largest = Math.max(largest, young.space_size);
      if (++turns < 1_500) setImmediate(turn);
      else withServingFlags(() => console.log(JSON.stringify({ largest, isAsAtFirst: first === cachedDataVersionTag() })));
    })();
  `;
  const args = ['--require', join(root, 'test/support/typescript.cjs'), '--eval', script];
  // V8 complains of flags that it does not know on standard error, or on standard output.
  const said = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  return JSON.parse(said) as ReturnType<typeof grow>;
}
