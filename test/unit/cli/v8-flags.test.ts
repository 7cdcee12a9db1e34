import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

describe('setServingFlags', () => {
  it('lets the young generation grow to 32 MiB under load and no further, with flags that V8 knows', () => {
    const largest = largestYoungGeneration();
    expect(largest).toBeGreaterThan(24 * 1024 * 1024);
    // V8 takes some pages more than it says; its next size is 64 MiB, of which half comes first.
    expect(largest).toBeLessThan(40 * 1024 * 1024);
  });
});

/** In bytes, of a process that makes objects which outlive collections of young garbage; throws for what V8 complains of. */
function largestYoungGeneration(): number {
  const root = join(__dirname, '../../..');
  const script = `
    const { getHeapSpaceStatistics } = require('node:v8');
    require('./cli/v8-flags.ts').setServingFlags();
    let largest = 0;
    let kept = [];
    let turns = 0;
    (function turn() {
      for (let i = 0; i < 5_000; i += 1) kept.push({ i, of: [i, i, i, i, i, i, i, i] });
      if (kept.length > 50_000) kept = [];
      const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
      largest = Math.max(largest, young.space_size);
      if (++turns < 1_500) setImmediate(turn);
      else console.log(largest);
    })();
  `;
  const args = ['--require', join(root, 'test/support/typescript.cjs'), '--eval', script];
  // V8 complains of flags that it does not know on standard error, or on standard output.
  const said = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  return Number(said);
}
