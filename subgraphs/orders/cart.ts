import { SubgraphError, updateOnce, type Database, type Identity } from '../kit';
import { checkQuantity, checkUpc, mostLines } from './input';
import { cartsTable, type Cart, type Order } from './table';

export interface AddToCartArgs {
  readonly input: { readonly upc: string; readonly quantity: number };
  readonly idempotencyKey: string;
}

type Quantities = Cart['quantities'];

/** The cart after so many of a product were added. */
export async function addToCart(
  { input, idempotencyKey }: AddToCartArgs,
  { buyer, db }: { buyer: Identity; db: Database },
): Promise<Cart> {
  const { upc, quantity } = input;
  checkUpc('input.upc', upc);
  const userId = buyer.id;
  const request = { key: idempotencyKey, scope: userId, input };
  const { result } = await updateOnce(db.table(cartsTable), { userId }, request, (cart) => {
    // A map, because a UPC comes from the client and may be `constructor`.
    const inCart = new Map(Object.entries(cart?.quantities ?? {}));
    const total = (inCart.get(upc) ?? 0) + quantity;
    checkQuantity('input.quantity', quantity, total);
    if (inCart.set(upc, total).size > mostLines) {
      const message = `A cart holds at most ${mostLines} different products.`;
      throw new SubgraphError('BAD_USER_INPUT', message, { argument: 'input.upc' });
    }
    const quantities = Object.fromEntries(inCart);
    return { item: { ...cart, userId, quantities }, result: quantities };
  });
  return { userId, quantities: result };
}

/** The cart without a product, which need not have been in it. */
export async function removeFromCart(
  upc: string,
  { buyer, db }: { buyer: Identity; db: Database },
): Promise<Cart> {
  checkUpc('upc', upc);
  const key = { userId: buyer.id };
  // The version tells whoever changes the cart at this moment to look again.
  const change = { removeEntries: { quantities: [upc] }, add: { version: 1 } };
  return (await db.table(cartsTable).update(key, change)) ?? emptyCart(buyer.id);
}

/** Takes what was ordered out of the buyer's cart; doing so again changes nothing. */
export async function takeOutOfCart({ id, buyerId, lines }: Order, { db }: { db: Database }): Promise<void> {
  const request = { key: id, scope: 'OrderPlaced', input: lines };
  await updateOnce(db.table(cartsTable), { userId: buyerId }, request, (cart) => {
    const quantities = subtract(cart?.quantities ?? {}, lines);
    return { item: { ...cart, userId: buyerId, quantities }, result: null };
  });
}

export function emptyCart(userId: string): Cart {
  return { userId, quantities: {} };
}

/** The lines of a cart in an order that does not change. */
export function linesOf({ quantities }: Cart): { upc: string; quantity: number }[] {
  return Object.entries(quantities)
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([upc, quantity]) => ({ upc, quantity }));
}

function subtract(quantities: Quantities, lines: Order['lines']): Quantities {
  const ordered = new Map(lines.map(({ upc, quantity }) => [upc, quantity]));
  return Object.fromEntries(
    Object.entries(quantities)
      .map(([upc, quantity]) => [upc, quantity - (ordered.get(upc) ?? 0)] as const)
      .filter(([, quantity]) => quantity > 0),
  );
}
