import fc from 'fast-check';
import { addressOf, parseRoute, tokenIn } from '../../../console/route';

it('reads the page, the steps and the query of an address', () => {
  const { page, rest, query } = parseRoute('#/requests/a%2Fb?failed=1&search=a%20b');
  expect([page, rest, [...query]]).toEqual([
    'requests',
    ['a/b'],
    [
      ['failed', '1'],
      ['search', 'a b'],
    ],
  ]);
});

it.each(['', '#', '#/'])('takes %j for the first page', (hash) => {
  expect(parseRoute(hash)).toMatchObject({ page: '', rest: [] });
});

it('takes a step that is not well encoded as it is', () => {
  expect(parseRoute('#/requests/%zz').rest).toEqual(['%zz']);
});

it('reads whatever address it has made', () => {
  const step = fc.string({ minLength: 1, unit: 'grapheme' });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1 }), step, (steps, value) => {
      const { page, rest, query } = parseRoute(addressOf(steps, { search: value, failed: '' }));
      expect([[page, ...rest], [...query]]).toEqual([steps, [['search', value]]]);
    }),
  );
});

it('finds the token that `weir dev` prints, and no other', () => {
  expect(tokenIn('#token=a%2Bb')).toBe('a+b');
  expect(tokenIn('#/requests?token=a')).toBeUndefined();
});
