import { looksLikeCardNumber, SubgraphError } from '../../kit';

/** Throws `BAD_USER_INPUT` unless it is a token of the provider. The message never has the text: it may be a card's number. */
export function checkToken(token: string): void {
  const isCard = looksLikeCardNumber(token);
  if (!isCard && tokenPattern.test(token)) return;
  const message = isCard
    ? '`token` looks like the number of a card. Send a token of the payment provider instead, such as tok_ok; numbers of cards must never be sent here.'
    : '`token` must be a token of the payment provider, such as tok_ok: "tok_" and 1 to 60 letters, digits or _.';
  throw new SubgraphError('BAD_USER_INPUT', message, { argument: 'token' });
}

/** Throws `BAD_USER_INPUT` unless it is an amount of at least one cent. */
export function checkAmount(amount: number): void {
  if (amount >= 1) return;
  throw new SubgraphError('BAD_USER_INPUT', `\`amount\` must be 1 or more cents, but got: ${amount}`, {
    argument: 'amount',
  });
}

const tokenPattern = /^tok_\w{1,60}$/;
