export interface Warehouse {
  readonly code: string;
  readonly city: string;
}

/** Warehouses change every few years, so they are in code and not in a table. */
export const warehouses: readonly Warehouse[] = [
  { code: 'GDN', city: 'Gdańsk' },
  { code: 'LYS', city: 'Lyon' },
  { code: 'RTM', city: 'Rotterdam' },
];

export function findWarehouse(code: string): Warehouse | null {
  return warehouses.find((warehouse) => warehouse.code === code) ?? null;
}
