import { badInput, looksLikeCardNumber } from '../../kit';
import { type Address, type OrderLine } from './table';

export interface PlaceOrderInput {
  readonly lines: readonly OrderLine[];
  readonly deliveryAddress: Address;
  /** What the payment provider gave the buyer in place of the card's number. */
  readonly paymentToken: string;
}

export const mostLines = 50;
const mostPieces = 99;

/** Checks the input. Returns it as it is stored, or throws `BAD_USER_INPUT`. */
export function readPlaceOrder({ lines, deliveryAddress, paymentToken }: PlaceOrderInput): PlaceOrderInput {
  if (lines.length < 1 || lines.length > mostLines) {
    throw badInput('input.lines', `\`lines\` must be 1 to ${mostLines}, but got: ${lines.length}`);
  }
  if (new Set(lines.map(({ upc }) => upc)).size < lines.length) {
    throw badInput('input.lines', '`lines` must name each product once.');
  }
  return {
    lines: lines.map(({ upc, quantity }) => {
      checkUpc('input.lines', upc);
      checkQuantity('input.lines', quantity);
      return { upc, quantity };
    }),
    deliveryAddress: readAddress(deliveryAddress),
    paymentToken: readToken(paymentToken),
  };
}

/** At most 99 pieces of a product are sold to one customer: `quantity` now, and `total` including earlier ones. */
export function checkQuantity(argument: string, quantity: number, total = quantity): void {
  if (quantity >= 1 && total <= mostPieces) return;
  throw badInput(argument, `\`quantity\` must be 1 to ${mostPieces} in all, but got: ${total}`);
}

/** Checks the form of a UPC. Whether the product exists is known only to the subgraph products. */
export function checkUpc(argument: string, upc: string): void {
  if (/^[A-Za-z0-9-]{1,40}$/.test(upc)) return;
  throw badInput(argument, 'A UPC must have 1 to 40 letters, digits and hyphens.');
}

/** The message never has the text, which may be the number of a card. */
function readToken(token: string): string {
  if (looksLikeCardNumber(token)) {
    const message =
      '`paymentToken` looks like the number of a card. Send a token of the payment provider instead, such as tok_ok; numbers of cards must never be sent here.';
    throw badInput('input.paymentToken', message);
  }
  if (/^tok_\w{1,60}$/.test(token)) return token;
  const message =
    '`paymentToken` must be a token of the payment provider, such as tok_ok: "tok_" and 1 to 60 letters, digits or _.';
  throw badInput('input.paymentToken', message);
}

function readAddress({ street, city, postalCode, country }: Address): Address {
  if (!/^[A-Z]{2}$/.test(country)) {
    throw badInput('input.deliveryAddress.country', '`country` must be two capital letters, such as NL.');
  }
  return {
    street: readText('street', street),
    city: readText('city', city),
    postalCode: readText('postalCode', postalCode),
    country,
  };
}

function readText(field: string, value: string): string {
  const text = value.trim();
  if (text.length >= 1 && text.length <= 120) return text;
  const message = `\`${field}\` must have 1 to 120 characters, but has ${text.length}.`;
  throw badInput(`input.deliveryAddress.${field}`, message);
}
