import { badInput, looksLikeCardNumber, missing, SubgraphError, type Database } from '../../kit';
import { PaymentRefunded, PaymentTaken } from './events';
import { type ChargeAnswer, type PaymentProvider } from './provider';
import { paymentsTable, type Payment } from './table';

export interface TakePaymentArgs {
  readonly orderId: string;
  readonly payerId: string;
  /** In cents of a euro. */
  readonly amount: number;
  readonly token: string;
}

export interface PaymentScope {
  readonly db: Database;
  readonly provider: PaymentProvider;
  /** How long the provider has to answer, in milliseconds. @default 1000 */
  readonly deadline?: number;
}

/**
 * Charges an order once, however often it is called. The payment is written before the provider is called, and each of
 * the provider's answers settles it if nothing else has: late and repeated answers change nothing.
 *
 * Throws `PAYMENT_DECLINED`; `CONFLICT` if the order was refunded before or has another amount or payer; `UNAVAILABLE` if
 * the provider does not answer in time, in which case the money may have been taken: repeat the call or refund.
 */
export async function takePayment(
  { token, ...wanted }: TakePaymentArgs,
  scope: PaymentScope,
): Promise<Payment> {
  checkToken(token);
  const { orderId, payerId, amount } = wanted;
  if (amount < 1) throw badInput('amount', `\`amount\` must be 1 or more cents, but got: ${amount}`);
  const pending = { orderId, payerId, amount, status: 'PENDING' as const };
  const payments = scope.db.table(paymentsTable);
  const found = (await payments.create(pending)) ? pending : await read(orderId, scope.db);
  if (found.status !== 'REFUNDED' && (found.amount !== amount || found.payerId !== payerId)) {
    throw new SubgraphError('CONFLICT', `The order "${orderId}" has another payment.`);
  }
  const { status, ...payment } = found.status === 'PENDING' ? await charge(pending, token, scope) : found;
  switch (status) {
    case 'TAKEN':
      return { ...payment, status };
    case 'DECLINED':
      throw new SubgraphError('PAYMENT_DECLINED', 'The payment was declined.');
    case 'REFUNDED':
    case 'PENDING':
      throw new SubgraphError('CONFLICT', `The payment of the order "${orderId}" was refunded before.`);
    default:
      return status satisfies never;
  }
}

/**
 * Gives back what the order has paid. Idempotent. A refund may overtake its payment: the provider closes the reference,
 * and a tombstone here refuses the payment that comes late.
 */
export async function refundPayment(orderId: string, { db, provider }: PaymentScope): Promise<Payment> {
  await provider.refund(orderId);
  return markRefunded(orderId, db);
}

async function markRefunded(orderId: string, db: Database): Promise<Payment> {
  const payments = db.table(paymentsTable);
  const current = await payments.get({ orderId }, { consistent: true });
  if (current?.status === 'DECLINED' || current?.status === 'REFUNDED') return current;
  const refunded = await payments.update(
    { orderId },
    {
      set: { status: 'REFUNDED' },
      condition: { status: current?.status ?? missing },
      upsert: true,
      events: current?.status === 'TAKEN' ? [PaymentRefunded.create(factsOf(current))] : [],
    },
  );
  return refunded ?? markRefunded(orderId, db);
}

/** Throws `BAD_USER_INPUT` unless it is a token of the provider. The message never has the text: it may be a card's number. */
function checkToken(token: string): void {
  const isCard = looksLikeCardNumber(token);
  if (!isCard && /^tok_\w{1,60}$/.test(token)) return;
  const message = isCard
    ? '`token` looks like the number of a card. Send a token of the payment provider instead, such as tok_ok; numbers of cards must never be sent here.'
    : '`token` must be a token of the payment provider, such as tok_ok: "tok_" and 1 to 60 letters, digits or _.';
  throw badInput('token', message);
}

function charge(
  pending: Payment & { readonly amount: number },
  token: string,
  { db, provider, deadline = 1000 }: PaymentScope,
): Promise<Payment> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(noAnswer()), deadline);
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      reject(error instanceof SubgraphError ? error : noAnswer(error));
    };
    provider
      .charge({ reference: pending.orderId, amount: pending.amount, token }, (answer) => {
        settle(pending, answer, db).then((payment) => {
          clearTimeout(timer);
          resolve(payment);
        }, fail);
      })
      .catch(fail);
  });
}

/** Ends `PENDING`. Returns the payment; its status may be that of an earlier answer, or of a refund. */
async function settle(pending: Payment, answer: ChargeAnswer, db: Database): Promise<Payment> {
  const { orderId } = pending;
  const settled = await db.table(paymentsTable).update(
    { orderId },
    {
      set: { status: statuses[answer] },
      condition: { status: 'PENDING' },
      events: answer === 'charged' ? [PaymentTaken.create(factsOf(pending))] : [],
    },
  );
  return settled ?? read(orderId, db);
}

/** What events have of a payment. A payment that the provider was called for has both. */
const factsOf = ({ payerId = '', amount = 0 }: Payment) => ({ payerId, amount });

const statuses: Readonly<Record<ChargeAnswer, Payment['status']>> = {
  charged: 'TAKEN',
  declined: 'DECLINED',
  refused: 'REFUNDED',
};

/** Payments are never deleted, so one that was there before still is. */
async function read(orderId: string, db: Database): Promise<Payment> {
  return (await db.table(paymentsTable).get({ orderId }, { consistent: true }))!;
}

function noAnswer(cause?: unknown): SubgraphError {
  return new SubgraphError('UNAVAILABLE', 'The payment provider did not answer in time.', {}, cause);
}
