import { Workspace } from '../../../../../gateway/execution/json/tape';

describe('a workspace', () => {
  it('allocates words that are zero, one behind the other', () => {
    const workspace = new Workspace();
    expect([workspace.allocate(3), workspace.allocate(2), workspace.allocate(1)]).toEqual([0, 3, 5]);
    expect(workspace.top).toBe(6);
    expect([...workspace.tape.subarray(0, 6)]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('grows its tape when it is full, and not before, and keeps what stands there', () => {
    const workspace = new Workspace();
    const { tape } = workspace;
    workspace.allocate(tape.length);
    expect(workspace.tape).toBe(tape);
    tape.fill(7);
    const at = workspace.allocate(1);
    expect(at).toBe(tape.length);
    expect(workspace.tape.length).toBe(2 * tape.length);
    expect([...workspace.tape.subarray(0, at)]).toEqual([...tape]);
    expect(workspace.tape[at]).toBe(0);
    workspace.allocate(10 * tape.length);
    expect(workspace.tape.length).toBeGreaterThan(11 * tape.length);
  });

  it('keeps bodies one behind the other, none at 0, each with a zero behind it', () => {
    const workspace = new Workspace();
    workspace.bytes.fill(0xff);
    const [one, other] = [workspace.append(Buffer.from('{}')), workspace.append(Buffer.from('[1]'))];
    expect(one).toBeGreaterThan(0);
    expect(workspace.bytes.toString('latin1', one, other + 4)).toBe('{}\0[1]\0');
  });

  it('grows for bodies, and has the same bytes as words', () => {
    const workspace = new Workspace();
    const { bytes } = workspace;
    const first = workspace.append(Buffer.from('{"first":1}'));
    const large = Buffer.alloc(bytes.length - workspace.end - 8, 'x');
    workspace.append(large);
    expect(workspace.bytes).toBe(bytes);
    const last = workspace.append(Buffer.from('last'));
    expect(workspace.bytes.length).toBe(2 * bytes.length);
    expect(workspace.bytes.toString('latin1', first, first + 11)).toBe('{"first":1}');
    expect(workspace.view.getInt32(last, true)).toBe(Buffer.from('last').readInt32LE());
    const larger = Buffer.alloc(10 * bytes.length, 'y');
    const at = workspace.append(larger);
    expect(workspace.bytes.subarray(at, at + larger.length).equals(larger)).toBe(true);
    // Whoever reads the last bytes four at a time reads no further.
    expect(workspace.bytes.length).toBeGreaterThanOrEqual(workspace.end + 7);
  });

  it('forgets what was allocated last, and all', () => {
    const workspace = new Workspace();
    workspace.allocate(2);
    workspace.tape.fill(7, 0, 2);
    const at = workspace.allocate(4);
    workspace.tape.fill(8, at, at + 4);
    workspace.rollBack(at);
    expect([...workspace.tape.subarray(0, 6)]).toEqual([7, 7, 0, 0, 0, 0]);
    expect(workspace.allocate(1)).toBe(at);

    const body = workspace.append(Buffer.from('{}'));
    workspace.reset();
    expect([...workspace.tape.subarray(0, 6)]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(workspace.allocate(1)).toBe(0);
    expect(workspace.append(Buffer.from('{}'))).toBe(body);
  });

  it('takes as many bytes as both of its parts', () => {
    const { byteLength, bytes, tape } = new Workspace();
    expect(byteLength).toBe(bytes.length + 4 * tape.length);
  });

  it('refuses more than positions can say', () => {
    const workspace = new Workspace();
    const tooLarge = 'too large to be merged';
    expect(() => workspace.allocate(2 ** 28 + 1)).toThrow(tooLarge);
    expect(() => workspace.append({ length: 2 ** 30 } as Uint8Array)).toThrow(tooLarge);
    expect(workspace.allocate(1)).toBe(0);
    expect(workspace.append(Buffer.from('{}'))).toBe(1);
  });
});
