import { looksLikeCardNumber } from '../../../kit';

it.each([
  '4111111111111111',
  '4111 1111 1111 1111',
  '3782-822463-10005',
  'my card is 5555-5555-5555-4444.',
  'tok_a4111111111111111',
  'tok_4111_1111_1111_1111',
])('finds a card number in "%s"', (text) => {
  expect(looksLikeCardNumber(text)).toBe(true);
});

it.each(['', 'tok_ok', '+31 20 794 0800', 'o1b2c3d4e5f6g7h8i9j0k1l2m3', '2026-11-27'])(
  'finds none in "%s"',
  (text) => {
    expect(looksLikeCardNumber(text)).toBe(false);
  },
);

it('reads a megabyte in no time', () => {
  // Of a processor: others may have it meanwhile.
  const began = process.cpuUsage();
  expect(looksLikeCardNumber('12345678901- x'.repeat(75_000))).toBe(false);
  const { user, system } = process.cpuUsage(began);
  expect(user + system).toBeLessThan(1_000_000);
});
