/** Walks over records that stand in several places, or within themselves, compared with every way that there is. */
import { buildSchema } from 'graphql';
import { TypeTable } from '../../../../../gateway/execution/compile/type-table';
import { HEADER, LIST, OBJECT, TYPE, Workspace } from '../../../../../gateway/execution/json/tape';
import type { Walk } from '../../../../../gateway/execution/program';
import { walk, walkPositions } from '../../../../../gateway/execution/run/walk';
import { RandomSource } from '../../../../support/random-source';

const types = TypeTable.of(
  buildSchema('type Query { a: A  b: B }  type A { next: Int }  type B { next: Int }'),
);
const typed = { types, joins: [] };
const [a, b] = [types.idOf('A'), types.idOf('B')];

/** As a walk says which types pass. */
const only = (type: number): Uint8Array => Uint8Array.from({ length: 64 }, (_, id) => (id === type ? 1 : 0));

/** A record has one field, at this word. */
const slot = HEADER;

class World {
  readonly workspace = new Workspace();
  /** Behind the record without any field, with which each tape begins. */
  readonly rootPair = this.workspace.allocate(HEADER + 2) + HEADER;
  readonly ancestors: number[] = [];
  walks = 0;

  record(type = a): number {
    const record = this.workspace.allocate(HEADER + 2);
    this.workspace.tape[record + TYPE] = type;
    return record;
  }

  /** Has a pair refer to a record, or to a list of several. */
  refer(pair: number, ...records: readonly number[]): void {
    const { tape } = this.workspace;
    if (records.length === 1) tape.set([records[0]!, OBJECT], pair);
    else {
      const list = this.workspace.allocate(1 + 2 * records.length);
      this.workspace.tape.set([records.length, ...records.flatMap((each) => [each, OBJECT])], list);
      this.workspace.tape.set([list, LIST], pair);
    }
  }

  /** The records at the end of a walk. */
  visited(steps: number, more: Partial<Walk> = {}): number[] {
    const found: number[] = [];
    walk(this, { ...walkOf(steps), ...more }, (at) => found.push(this.workspace.tape[at]!));
    return found;
  }

  places(how: Walk, most = Infinity): { readonly record: number; readonly path: string }[] {
    const found: { record: number; path: string }[] = [];
    walkPositions(this, how, (record, path) => found.push({ record, path: path.join('.') }) < most);
    return found;
  }
}

/** Goes down by the one field as often as that. */
function walkOf(steps: number, passes: Record<number, Uint8Array> = {}): Walk {
  const access = { candidates: [{ join: 0, slot }], join: 0, slot, merged: undefined };
  return {
    steps: Array.from({ length: steps }, (_, i) => ({ types: passes[i], key: `k${i}`, access, typed })),
    types: undefined,
    typed,
  };
}

it.each([3, 12, 13, 30])(
  'reaches at depth %i whatever some way leads to, and each record that is passed on by two ways once',
  (depth) => {
    const random = new RandomSource(depth);
    for (let run = 0; run < 50; run++) {
      const world = new World();
      const records = Array.from({ length: 6 }, () => world.record());
      const some = () => Array.from({ length: random.between(1, 3) }, () => random.pick(records));
      const below = new Map(records.map((record) => [record, some()]));
      for (const [record, next] of below) world.refer(record + slot, ...next);
      const roots = some();
      world.refer(world.rootPair, ...roots);
      let expected = new Set(roots);
      for (let i = 0; i < depth; i++) expected = new Set([...expected].flatMap((each) => below.get(each)!));
      expect(new Set(world.visited(depth))).toEqual(expected);
    }
  },
);

it('goes on only from objects of the types that a step asks for', () => {
  const world = new World();
  const [first, second, third] = [world.record(a), world.record(b), world.record(a)];
  world.refer(world.rootPair, first, second);
  world.refer(first + slot, third);
  world.refer(second + slot, second);
  expect(world.visited(1, walkOf(1, { 0: only(a) }))).toEqual([third]);
  expect(world.visited(1, walkOf(1, { 0: only(b) }))).toEqual([second]);
  expect(world.visited(1, { types: only(b) })).toEqual([second]);
});

it('tells each place of a record, but not beyond objects of other types than a step asks for', () => {
  const world = new World();
  const [first, second, shared] = [world.record(a), world.record(b), world.record(a)];
  world.refer(world.rootPair, first, second, first);
  world.refer(first + slot, shared);
  world.refer(second + slot, shared);
  const all = ['0.k0', '1.k0', '2.k0'].map((path) => ({ record: shared, path }));
  expect(world.places(walkOf(1))).toEqual(all);
  expect(world.places(walkOf(1), 2)).toEqual(all.slice(0, 2));
  expect(world.places(walkOf(1, { 0: only(a) }))).toEqual([all[0], all[2]]);
  expect(world.places(walkOf(1, { 0: only(b) }))).toEqual([all[1]]);
  expect(world.places({ ...walkOf(1), types: only(b) })).toEqual([]);
});
