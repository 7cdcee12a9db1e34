import { pickOf, randomOf } from '../../kit';

/** A supplier; the API writes `e-mail` with a hyphen, as many do. */
interface Supplier {
  readonly id: string;
  readonly name: string;
  readonly city: string;
  readonly 'e-mail': string;
}

export const suppliers: readonly Supplier[] = [
  { id: 's1', name: 'Nordhaus', city: 'Hamburg' },
  { id: 's2', name: 'Maison Verte', city: 'Lille' },
  { id: 's3', name: 'De Gouden Lepel', city: 'Utrecht' },
  { id: 's4', name: 'Kowalski i Synowie', city: 'Łódź' },
  { id: 's5', name: 'Fratelli Conti', city: 'Bergamo' },
].map((supplier) => ({ ...supplier, 'e-mail': `orders@${supplier.id}.example` }));

/** Who delivers a product; nothing for a UPC of another form than the shop's. */
export function deliveryOf(upc: string): readonly object[] {
  if (!/^p\d{1,4}$/.test(upc)) return [];
  const supplierId = pickOf(`${upc} supplier`, suppliers).id;
  return [{ upc, supplierId, deliveryDays: 1 + Math.floor(randomOf(`${upc} days`) * 9) }];
}
