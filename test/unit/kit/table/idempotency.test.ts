import { createOnce, defineTable, idOf, updateOnce, type WithRequests } from '../../../../kit';
import { openTestDatabase } from '../../../support/subgraph-kit';

interface Cart extends WithRequests {
  id: string;
  lines: string[];
  note?: string;
}
const cartsTable = defineTable<Cart>()({ name: 'carts', partitionKey: 'id' });

let test: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => (test = await openTestDatabase(cartsTable)));
afterAll(() => test.stop());

let next = 0;
const request = (input: unknown = { a: 1 }) => ({ key: `key${next++}`, scope: 'u1', input });
const open = () => test.db.table(cartsTable);

describe('idOf', () => {
  it('is the same for a repeat and different for another key or caller', () => {
    const id = idOf('o', { key: 'a', scope: 'u1' });
    expect(id).toBe(idOf('o', { key: 'a', scope: 'u1' }));
    expect(id).toMatch(/^o[A-Za-z0-9_-]{22}$/);
    expect(
      new Set([id, idOf('o', { key: 'b', scope: 'u1' }), idOf('o', { key: 'a', scope: 'u2' })]).size,
    ).toBe(3);
  });

  it.each(['', 'x'.repeat(129)])('refuses a key of the wrong length', (key) => {
    expect(() => idOf('o', { key, scope: 'u1' })).toThrow('must have 1 to 128 characters');
  });
});

describe('createOnce', () => {
  const create = (of: ReturnType<typeof request>, line: string) =>
    createOnce(open(), of, { id: idOf('c', of), lines: [line] });

  it('creates once and answers a repeat with the first result', async () => {
    const of = request();
    const first = await create(of, 'first');
    const second = await create(of, 'second');
    expect(first).toMatchObject({ repeated: false, result: { lines: ['first'] } });
    expect(second).toEqual({ repeated: true, result: first.result });
  });

  it('refuses the same key with another input', async () => {
    const of = request({ a: 1, b: { c: 2 } });
    await create(of, 'first');
    expect((await create({ ...of, input: { b: { c: 2 }, a: 1, d: undefined } }, 'x')).repeated).toBe(true);
    await expect(create({ ...of, input: { a: 2 } }, 'x')).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  it('has one effect when many send one key at once, and all get its result', async () => {
    const of = request();
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => create(of, `line ${i}`)));
    expect(outcomes.filter((outcome) => !outcome.repeated)).toHaveLength(1);
    expect(new Set(outcomes.map((outcome) => outcome.result.lines[0])).size).toBe(1);
  });

  it('is a conflict when the id belongs to something else', async () => {
    const of = request();
    await open().put({ id: 'taken', lines: [] });
    await expect(createOnce(open(), of, { id: 'taken', lines: [] })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });
});

describe('updateOnce', () => {
  const add = (id: string, of: ReturnType<typeof request>, line: string) =>
    updateOnce(open(), { id }, of, (cart) => {
      const lines = [...(cart?.lines ?? []), line];
      return { item: { ...cart, id, lines }, result: lines.length };
    });

  it('creates and changes, and answers a repeat with the first result', async () => {
    const first = request();
    expect(await add('cart', first, 'a')).toEqual({ result: 1, repeated: false });
    expect(await add('cart', request(), 'b')).toEqual({ result: 2, repeated: false });
    expect(await add('cart', first, 'a')).toEqual({ result: 1, repeated: true });
    expect((await open().get({ id: 'cart' }))?.lines).toEqual(['a', 'b']);
  });

  it('refuses the same key with another input', async () => {
    const of = request();
    await add('reused', of, 'a');
    await expect(add('reused', { ...of, input: 'other' }, 'b')).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  it('has one effect per key when many change one item at once', async () => {
    const requests = [request(), request(), request()];
    const outcomes = await Promise.all([...requests, ...requests].map((of) => add('busy', of, of.key)));
    expect(outcomes.filter((outcome) => !outcome.repeated)).toHaveLength(3);
    expect(new Set((await open().get({ id: 'busy' }))?.lines)).toEqual(
      new Set(requests.map(({ key }) => key)),
    );
  });

  it('writes nothing when the change is refused', async () => {
    const refused = updateOnce(open(), { id: 'refused' }, request(), () => {
      throw new Error('no');
    });
    await expect(refused).rejects.toThrow('no');
    expect(await open().get({ id: 'refused' })).toBeNull();
  });

  it('takes an item that was written without it', async () => {
    await open().put({ id: 'plain', lines: ['a'] });
    expect((await add('plain', request(), 'b')).result).toBe(2);
  });

  it('remembers the last 20 requests', async () => {
    const requests = Array.from({ length: 22 }, () => request());
    for (const of of requests) await add('long', of, of.key);
    expect((await open().get({ id: 'long' }))?.requests).toHaveLength(20);
    expect((await add('long', requests[2]!, 'x')).repeated).toBe(true);
  });
});
