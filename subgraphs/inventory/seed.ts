import { pickOf, randomOf } from '../../kit';
import { type StockItem } from './table';
import { warehouses } from './warehouses';

/** Stock of the products `p1` to `p300`, the same every time. Some have little stock, and a few have none. */
export function* seedStock(): Generator<StockItem> {
  for (let i = 1; i <= 300; i++) {
    const upc = `p${i}`;
    const onHand = countOf(upc);
    yield {
      upc,
      // The SKUs of the subgraph products.
      sku: `WR-${String(i).padStart(4, '0')}`,
      warehouse: pickOf(`${upc} warehouse`, warehouses).code,
      onHand,
      available: onHand,
      holds: {},
    };
  }
}

function countOf(upc: string): number {
  const kind = randomOf(`${upc} stock`);
  if (kind < 0.06) return 0;
  if (kind < 0.18) return 1 + Math.floor(randomOf(`${upc} few`) * 9);
  return 10 + Math.floor(randomOf(`${upc} many`) * 240);
}
