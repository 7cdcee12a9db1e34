import { randomUUID } from 'node:crypto';
import { badInput, updateOnce, type Database, type Identity } from '../../kit';
import { checkQuantity, checkUpc, mostLines } from './input';
import { cartsTable, type Cart, type Order, type OrderLine } from './table';

export interface AddToCartArgs {
  readonly input: OrderLine;
  readonly idempotencyKey: string;
}

/** Adds pieces of a product to the cart. Returns the cart. */
export async function addToCart(
  { input, idempotencyKey }: AddToCartArgs,
  { buyer, db }: { buyer: Identity; db: Database },
): Promise<Cart> {
  checkUpc('input.upc', input.upc);
  const userId = buyer.id;
  const request = { key: idempotencyKey, scope: userId, input };
  const { result } = await updateOnce(db.table(cartsTable), { userId }, request, (cart) => {
    const lines = addLine(cart?.lines ?? [], input);
    return { item: { ...cart, userId, lines }, result: lines };
  });
  return { userId, lines: result };
}

/** Removes a product from the cart, if it is there. Returns the cart. */
export async function removeFromCart(
  upc: string,
  { buyer, db }: { buyer: Identity; db: Database },
): Promise<Cart> {
  const userId = buyer.id;
  // Removing twice changes nothing, so no idempotency key is needed.
  const request = { key: randomUUID(), scope: userId, input: null };
  const { result } = await updateOnce(db.table(cartsTable), { userId }, request, (cart) => {
    const lines = (cart?.lines ?? []).filter((line) => line.upc !== upc);
    return { item: { ...cart, userId, lines }, result: lines };
  });
  return { userId, lines: result };
}

/** Removes the ordered pieces from the buyer's cart. Idempotent. */
export async function takeOutOfCart({ id, buyerId, lines: ordered }: Order, db: Database): Promise<void> {
  const request = { key: id, scope: 'OrderPlaced', input: ordered };
  await updateOnce(db.table(cartsTable), { userId: buyerId }, request, (cart) => {
    const lines = subtractLines(cart?.lines ?? [], ordered);
    return { item: { ...cart, userId: buyerId, lines }, result: null };
  });
}

function addLine(lines: readonly OrderLine[], { upc, quantity }: OrderLine): OrderLine[] {
  const total = quantity + (lines.find((line) => line.upc === upc)?.quantity ?? 0);
  checkQuantity('input.quantity', quantity, total);
  if (total > quantity) return lines.map((line) => (line.upc === upc ? { upc, quantity: total } : line));
  if (lines.length < mostLines) return [...lines, { upc, quantity }];
  throw badInput('input.upc', `A cart holds at most ${mostLines} different products.`);
}

function subtractLines(lines: readonly OrderLine[], ordered: readonly OrderLine[]): OrderLine[] {
  const gone = new Map(ordered.map(({ upc, quantity }) => [upc, quantity]));
  return lines
    .map(({ upc, quantity }) => ({ upc, quantity: quantity - (gone.get(upc) ?? 0) }))
    .filter(({ quantity }) => quantity > 0);
}
