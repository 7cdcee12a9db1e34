/** The facts on which shipping costs depend, both from the subgraph products. */
export interface Parcel {
  /** In cents. */
  readonly price: number;
  /** In grams. */
  readonly weight: number;
}

const freeFrom = 100_00;
const base = 3_95;
const perKilogram = 90;
const most = 24_95;

/** The shipping cost of one piece, in cents: per kilogram, and free for expensive products. Null if it is not known. */
export function estimateShipping({ price, weight }: Partial<Parcel>): number | null {
  if (price == null || weight == null) return null;
  if (price >= freeFrom) return 0;
  return Math.min(base + Math.floor(weight / 1000) * perKilogram, most);
}
