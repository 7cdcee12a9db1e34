import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

describe('setServingFlags', () => {
  it('lets the young generation grow to 32 MiB under load and no further, with flags that V8 knows', () => {
    const { largest } = grow({ turns: 1_500, end: 'say()' });
    expect(largest).toBeGreaterThan(24 * 1024 * 1024);
    // V8 takes some pages more than it says; its next size is 64 MiB, of which half comes first.
    expect(largest).toBeLessThan(40 * 1024 * 1024);
  });

  it('can be as at first for what V8 has compiled, which is kept for processes with the same flags', () => {
    expect(grow({ turns: 1_500, end: 'say()' })).toMatchObject({ isAsAtFirst: true });
  });

  it('lets V8 give the young generation back when the load has ended, and favour speed at the next load', () => {
    const flags = ['--gc-memory-reducer-start-delay-ms=500'];
    const { largest, smallest } = grow({ turns: 500, end: 'idle()', flags });
    expect(smallest).toBeLessThan(largest / 3);
  });
});

interface Grown {
  /** Of the young generation, in bytes: the most under load, and where it ended. */
  readonly largest: number;
  readonly smallest: number;
  /** Whether V8 would take what it had compiled with the first flags. */
  readonly isAsAtFirst: boolean;
}

/**
 * A process that makes objects which outlive collections of young garbage, in so many turns of the event loop, and then does
 * `end`: `say()` at once, or `idle()` until V8 has given back most. Throws for what V8 complains of.
 */
function grow({ turns, end, flags = [] }: { turns: number; end: string; flags?: readonly string[] }): Grown {
  const root = join(__dirname, '../../..');
  const script = `
    const v8 = require('node:v8');
    const told = [];
    const { setFlagsFromString } = v8;
    v8.setFlagsFromString = (flag) => (told.push(flag), setFlagsFromString(flag));
    const { setServingFlags, withServingFlags } = require('./cli/v8-flags.ts');
    setServingFlags();
    const first = v8.cachedDataVersionTag();
    const young = () => v8.getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;
    let largest = 0;
    let kept = [];
    let turns = 0;
    (function turn() {
      for (let i = 0; i < 5_000; i += 1) kept.push({ i, of: [i, i, i, i, i, i, i, i] });
      if (kept.length > 50_000) kept = [];
      largest = Math.max(largest, young());
      if (++turns < ${turns}) setImmediate(turn);
      else ${end};
    })();
    function idle() {
      if (young() > largest / 4 || !told.includes('--optimize-for-size')) setTimeout(idle, 100);
      else busy(young());
    }
    function busy(smallest) {
      for (const end = performance.now() + 10; performance.now() < end; );
      if (told.includes('--no-optimize-for-size')) say(smallest);
      else setImmediate(busy, smallest);
    }
    function say(smallest = young()) {
      withServingFlags(() => {
        const isAsAtFirst = first === v8.cachedDataVersionTag();
        console.log(JSON.stringify({ largest, smallest, isAsAtFirst }));
      });
    }
  `;
  const args = [...flags, '--require', join(root, 'test/support/typescript.cjs'), '--eval', script];
  // V8 complains of flags that it does not know on standard error, or on standard output.
  const said = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  return JSON.parse(said) as Grown;
}
