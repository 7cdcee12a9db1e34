import { examplesIn } from '../../../../../cli/dev/mocks/examples';

it.each([
  ['Readable, such as `cookware`.', ['cookware']],
  ['A token, such as `tok_ok` of the shop. Never `4242`.', ['tok_ok']],
  ['Examples: `EUR`, "USD" or `GBP`', ['EUR', 'USD', 'GBP']],
  ['Example: 12.50', ['12.50']],
  ['In euros.\nExample: 12.50 EUR.', ['12.50 EUR']],
  ['The size (e.g. "XL").', ['XL']],
  ['For example `a.b`. And more.', ['a.b']],
])('finds the examples of %j', (description, examples) => {
  expect(examplesIn(description)).toEqual(examples);
});

it.each([undefined, null, '', 'ISO 8601: `2025`', 'Much as `it` is', 'An unexample: `x`', 'such as ` open'])(
  'finds none in %j',
  (description) => {
    expect(examplesIn(description)).toEqual([]);
  },
);
