import { estimateShipping } from '../../../../subgraphs/inventory/shipping';

it.each([
  [{ price: 1995, weight: 0 }, 395],
  [{ price: 1995, weight: 999 }, 395],
  [{ price: 1995, weight: 1000 }, 485],
  [{ price: 1995, weight: 90_000 }, 2495],
  [{ price: 9999, weight: 5000 }, 845],
  [{ price: 10_000, weight: 5000 }, 0],
])('%j costs %i cents to send', (parcel, cents) => {
  expect(estimateShipping(parcel)).toBe(cents);
});

it('does not guess when price or weight is not known', () => {
  expect(estimateShipping({ price: 1995 })).toBeNull();
  expect(estimateShipping({ weight: 100 })).toBeNull();
});
