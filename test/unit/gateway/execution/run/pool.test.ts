import { Workspace } from '../../../../../gateway/execution/json/tape';
import { ByteWriter } from '../../../../../gateway/execution/json/write';
import { Pool } from '../../../../../gateway/execution/run/pool';

const mebibyte = 1024 * 1024;

describe('a pool', () => {
  it('lends what was given back, as good as new', () => {
    const pool = new Pool();
    const workspace = pool.takeWorkspace();
    workspace.tape[workspace.allocate(3)] = 7;
    const body = workspace.append(Buffer.from('{}'));
    const writers = [pool.takeWriter(), pool.takeWriter()];
    for (const writer of writers) writer.byte(0x5b);
    pool.giveBack(workspace, writers);

    const again = pool.takeWorkspace();
    expect(again).toBe(workspace);
    expect(again.tape[again.allocate(3)]).toBe(0);
    expect(again.append(Buffer.from('{}'))).toBe(body);
    const taken = [pool.takeWriter(), pool.takeWriter()];
    expect(new Set(taken)).toEqual(new Set(writers));
    expect(taken.map(({ end }) => end)).toEqual([0, 0]);
    expect(pool.takeWorkspace()).not.toBe(workspace);
    expect(writers).not.toContain(pool.takeWriter());
  });

  it('lends an output that is large enough, and gives up one that is not', () => {
    const pool = new Pool();
    const output = pool.takeOutput(10_000);
    expect(output.bytes.length).toBe(10_000);
    output.byte(0x5b);
    pool.giveBackOutput(output);

    expect(pool.takeOutput(10_000)).toBe(output);
    expect(output.end).toBe(0);
    pool.giveBackOutput(output);
    const larger = pool.takeOutput(10_001);
    expect(larger.bytes.length).toBe(10_001);
    expect(pool.takeOutput(1)).not.toBe(output);
  });

  it('keeps nothing of more than 2 MiB', () => {
    const pool = new Pool();
    const [small, large] = [new ByteWriter(2 * mebibyte), new ByteWriter(2 * mebibyte + 1)];
    const workspace = new Workspace();
    workspace.append(Buffer.alloc(2 * mebibyte));
    pool.giveBack(workspace, [small, large]);
    pool.giveBackOutput(new ByteWriter(2 * mebibyte + 1));

    expect(pool.takeWorkspace()).not.toBe(workspace);
    expect(pool.takeWriter()).toBe(small);
    expect(pool.takeWriter()).not.toBe(large);
    expect(pool.takeOutput(1).bytes.length).toBe(1);
  });

  it.each([
    [
      'writers',
      (pool: Pool) => pool.giveBack(new Workspace(), [new ByteWriter(2 * mebibyte)]),
      (pool: Pool) => (pool.takeWorkspace(), pool.takeWriter().bytes.length === 2 * mebibyte),
    ],
    [
      'outputs',
      (pool: Pool) => pool.giveBackOutput(new ByteWriter(2 * mebibyte)),
      (pool: Pool) => pool.takeOutput(1).bytes.length > 1,
    ],
  ])('keeps 64 MiB at most, and of %s as many again when those were taken', (_, give, isKept) => {
    const pool = new Pool();
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 40; i++) give(pool);
      let kept = 0;
      while (isKept(pool)) kept++;
      expect(kept).toBeGreaterThanOrEqual(28);
      expect(kept).toBeLessThanOrEqual(32);
    }
  });

  it('keeps as many workspaces again when those were taken', () => {
    const pool = new Pool();
    for (let round = 0; round < 2; round++) {
      const workspaces = Array.from({ length: 2_500 }, () => pool.takeWorkspace());
      const largest = 64 * mebibyte;
      const bytes = workspaces[0]!.byteLength;
      for (const workspace of workspaces) pool.giveBack(workspace, []);
      let kept = 0;
      const all = new Set(workspaces);
      while (all.has(pool.takeWorkspace())) kept++;
      expect(kept).toBe(Math.floor(largest / bytes));
    }
  });
});
