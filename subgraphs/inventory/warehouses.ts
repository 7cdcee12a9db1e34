export interface Warehouse {
  readonly code: string;
  readonly city: string;
}

/** One is built every few years, so they are code and not a table. */
export const warehouses: readonly Warehouse[] = [
  { code: 'GDN', city: 'Gdańsk' },
  { code: 'LYS', city: 'Lyon' },
  { code: 'RTM', city: 'Rotterdam' },
];

export function findWarehouse(code: string): Warehouse | null {
  return warehouses.find((warehouse) => warehouse.code === code) ?? null;
}
