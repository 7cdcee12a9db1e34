import { matchesParts } from '../../../../gateway/options/wildcards';
import { processorTime } from '../../../support/times';

const matches = (text: string, pattern: string): boolean => matchesParts(text, pattern.split('*'));

it.each([
  ['Mutation.*', 'Mutation.order', true],
  ['Mutation.*', 'Mutation.', true],
  ['Mutation.*', 'Query.order', false],
  ['*token*', 'apitokens', true],
  ['*token*', 'token', true],
  ['*token*', 'toke', false],
  ['*', '', true],
  ['a*b*c', 'abbc', true],
  ['a*b*c', 'acb', false],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['a*ba*a', 'aba', false],
  ['exact', 'exact', true],
  ['exact', 'exactly', false],
  ['a.c', 'abc', false],
  ['a*c', 'a\nc', true],
])('%j and %j: %s', (pattern, text, expected) => {
  expect(matches(text, pattern)).toBe(expected);
});

it('takes time for a long text as it is long, however many parts there are', async () => {
  // A regular expression would try each way to share the letters out.
  const took = await processorTime(() => expect(matches('a'.repeat(1_000_000), '*a*a*a*b')).toBe(false));
  expect(took).toBeLessThan(1_000);
});
