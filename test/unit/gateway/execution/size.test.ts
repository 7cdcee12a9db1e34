import { buildSchema, parse } from 'graphql';
import { compileOperation } from '../../../../gateway/execution';
import {
  countNodes,
  GrowingSize,
  ProgramSize,
  sizeOfCombination,
  sizeOfFields,
  sizeOfVariant,
} from '../../../../gateway/execution/size';
import { fetchOf } from './plan';

const schema = buildSchema('type Query { a(of: String): Int b: Int t: T } type T { id: ID v: Int t: T }');

/** A client's operation, and what is asked of the subgraph. */
type Asked = [operation: string, fetch: string];

/** What a program takes. */
function bytesOf(...[operation, fetch]: Asked): number {
  const plan = { kind: 'QueryPlan', node: fetchOf('s', fetch) } as const;
  return compileOperation({ plan, schema, supergraphSchema: schema, document: parse(operation) }).size.bytes;
}

describe('the size of a program', () => {
  it('is some kilobytes for the smallest operation', () => {
    expect(bytesOf('{ a }', '{a}')).toBeGreaterThan(12_000);
  });

  it.each<[string, number, Asked, Asked]>([
    ['a node of its document', 300, ['{ a }', '{a}'], ['{ a a a }', '{a}']],
    ['a field of the merged response', 1_300, ['{ a }', '{a}'], ['{ a }', '{a b}']],
    ['a field of an object', 1_300, ['{ a }', '{t{id}}'], ['{ a }', '{t{id v}}']],
    ['an object in an answer', 5_000, ['{ a }', '{t{id}}'], ['{ a }', '{t{t{id}}}']],
    ['the text that is sent', 300, ['{ a }', '{a}'], ['{ a }', `{a(of:"${'x'.repeat(100)}")}`]],
  ])('grows with %s', (_, least, less, more) => {
    expect(bytesOf(...more) - bytesOf(...less)).toBeGreaterThan(least);
  });

  it('counts the nodes of a document, and not where they stand in its text', () => {
    const text = '{ a(of: "x") }';
    expect(countNodes(parse(text))).toBe(8);
    expect(countNodes(parse(text, { noLocation: true }))).toBe(8);
  });

  it('grows with what is compiled later', () => {
    for (const sizeOf of [
      sizeOfVariant,
      sizeOfFields,
      (fields: number) => sizeOfCombination('', fields),
      (length: number) => sizeOfCombination('x'.repeat(length), 0),
    ]) {
      expect(sizeOf(0)).toBeGreaterThan(500);
      expect([sizeOf(1) > sizeOf(0), sizeOf(3) > sizeOf(1)]).toEqual([true, true]);
    }
  });

  it('tells of growth, and is less again when a part forgets', () => {
    const told: number[] = [];
    const whole = new ProgramSize(1_000, () => told.push(whole.bytes));
    const [one, other] = [new GrowingSize(whole), new GrowingSize(whole)];
    one.add(10);
    other.add(5);
    one.add(20);
    expect(told).toEqual([1_010, 1_015, 1_035]);
    one.clear();
    one.clear();
    expect(whole.bytes).toBe(1_005);
    one.add(1);
    one.clear();
    expect(whole.bytes).toBe(1_005);
  });
});
