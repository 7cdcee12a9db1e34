import fc from 'fast-check';
import { rowsOf, ticksUntil } from '../../../../console/parts/step-rows';
import type { TimelineStep } from '../../../../gateway/console/api';

const step = (id: string, parent: string | undefined, start = 0): TimelineStep => ({
  ...{ id, name: id, kind: 'other', start, ms: 1, sentences: [], facts: {} },
  ...(parent !== undefined && { parent }),
});

it('puts the parts of a step below it, in the order of their start', () => {
  const rows = rowsOf([step('a', undefined), step('d', undefined, 9), step('c', 'a', 5), step('b', 'a', 2)]);
  expect(rows.map(({ step: { id }, depth }) => [id, depth])).toEqual([
    ['a', 0],
    ['b', 1],
    ['c', 1],
    ['d', 0],
  ]);
});

it('shows each step once, whatever the parents are', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(id, fc.option(id, { nil: undefined })), { selector: ([own]) => own }),
      (given) => {
        const rows = rowsOf(given.map(([own, parent]) => step(own, parent)));
        expect(rows.map(({ step: { id: shown } }) => shown).sort()).toEqual(given.map(([own]) => own).sort());
      },
    ),
  );
});

it('has at most five round times for an axis', () => {
  expect(ticksUntil(47.3)).toEqual([10, 20, 30, 40]);
  expect(ticksUntil(0)).toEqual([]);
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 1e7, noNaN: true }), (end) => {
      const ticks = ticksUntil(end);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(5);
      expect(ticks.at(-1)).toBeLessThanOrEqual(end * (1 + 1e-9));
    }),
  );
});
