/** What shipping depends on; products knows both. */
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

/** What it costs to send one, in cents: by the kilogram, and nothing for what is dear. Null: not known. */
export function estimateShipping({ price, weight }: Partial<Parcel>): number | null {
  if (price == null || weight == null) return null;
  if (price >= freeFrom) return 0;
  return Math.min(base + Math.floor(weight / 1000) * perKilogram, most);
}
