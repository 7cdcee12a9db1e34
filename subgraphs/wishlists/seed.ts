import { pickOf, randomOf } from '../../kit';

export interface WishList {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  readonly wishes: readonly Wish[];
}

interface Wish {
  readonly upc: string;
  readonly note: string | null;
}

/** The lists of 120 customers, the same ones every time: one or two each, with one to four wishes. */
export function* seedWishLists(): Generator<WishList> {
  for (let i = 1; i <= 120; i++) {
    const ownerId = `u${i}`;
    const count = randomOf(`${ownerId} lists`) < 0.4 ? 2 : 1;
    for (const name of names.slice(0, count)) yield createList(ownerId, name);
  }
}

function createList(ownerId: string, name: string): WishList {
  const id = `${ownerId}-${name.toLowerCase()}`;
  const count = 1 + Math.floor(randomOf(`${id} count`) * 4);
  const wishes = Array.from({ length: count }, (_, n) => ({
    upc: `p${1 + Math.floor(randomOf(`${id} ${n}`) * 300)}`,
    note: pickOf(`${id} note ${n}`, notes),
  }));
  return { id, ownerId, name, wishes };
}

const names = ['Birthday', 'Home'];
const notes = ['Any colour', 'Only if it is in stock', 'Not before June', null];
