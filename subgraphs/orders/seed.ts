import { randomOf } from '../../kit';
import { type Address, type Cart, type Order, type OrderLine } from './table';

/** 240 orders of the users `u1` to `u120`, the same ones every time, all shipped or delivered. */
export function* seedOrders(): Generator<Order> {
  for (let i = 1; i <= orderCount; i++) {
    const id = `o${i}`;
    const buyer = 1 + ((i * 7) % 120);
    yield {
      id,
      buyerId: `u${buyer}`,
      placedAt: new Date(from + ((i - randomOf(`${id} time`)) / orderCount) * (until - from)).toISOString(),
      status: i > orderCount - 12 ? 'SHIPPED' : 'DELIVERED',
      lines: createLines(id),
      deliveryAddress: addresses[buyer % addresses.length]!,
    };
  }
}

/** Every third user has something in the cart. */
export function* seedCarts(): Generator<Cart> {
  for (let i = 1; i <= 120; i += 3) {
    const userId = `u${i}`;
    yield { userId, lines: createLines(`${userId} cart`) };
  }
}

const orderCount = 240;
const from = Date.UTC(2024, 4, 1);
const until = Date.UTC(2025, 9, 31);

/** One to four different products. */
function createLines(key: string): OrderLine[] {
  const first = Math.floor(randomOf(`${key} product`) * 300);
  const count = 1 + Math.floor(randomOf(`${key} count`) * 4);
  return Array.from({ length: count }, (_, i) => ({
    upc: `p${1 + ((first + i * 37) % 300)}`,
    quantity: 1 + Math.floor(randomOf(`${key} quantity ${i}`) ** 3 * 4),
  }));
}

const addresses: readonly Address[] = [
  { street: 'Wijnhaven 12', city: 'Rotterdam', postalCode: '3011 WN', country: 'NL' },
  { street: 'Oudegracht 188', city: 'Utrecht', postalCode: '3511 LN', country: 'NL' },
  { street: 'Veldstraat 61', city: 'Gent', postalCode: '9000', country: 'BE' },
  { street: 'Severinstraße 30', city: 'Köln', postalCode: '50678', country: 'DE' },
  { street: '14 rue Mercière', city: 'Lyon', postalCode: '69002', country: 'FR' },
  { street: 'Mejlgade 45', city: 'Aarhus', postalCode: '8000', country: 'DK' },
  { street: 'ul. Długa 7', city: 'Gdańsk', postalCode: '80-831', country: 'PL' },
  { street: 'Via Zamboni 22', city: 'Bologna', postalCode: '40126', country: 'IT' },
];
