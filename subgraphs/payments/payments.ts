import { missing, SubgraphError, type Database } from '../kit';
import { checkAmount, checkToken } from './input';
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
 * Charges an order once, however often it is called. The payment is written before the provider is asked, and each of
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
  checkAmount(wanted.amount);
  const { orderId, payerId, amount } = wanted;
  const asked: Payment = { orderId, payerId, amount, status: 'PENDING' };
  const payments = scope.db.table(paymentsTable);
  const found = (await payments.create(asked)) ? asked : await read(orderId, scope.db);
  if (found.status !== 'REFUNDED' && (found.amount !== amount || found.payerId !== payerId)) {
    throw new SubgraphError('CONFLICT', `The order "${orderId}" has another payment.`);
  }
  const { status, ...payment } = found.status === 'PENDING' ? await charge(wanted, token, scope) : found;
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
  const refunded = await db.table(paymentsTable).update(
    { orderId },
    {
      set: { status: 'REFUNDED' },
      condition: [{ status: missing }, { status: 'PENDING' }, { status: 'TAKEN' }],
      upsert: true,
    },
  );
  return refunded ?? read(orderId, db);
}

function charge(
  { orderId, amount }: Pick<TakePaymentArgs, 'orderId' | 'amount'>,
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
      .charge({ reference: orderId, amount, token }, (answer) => {
        settle(orderId, answer, db).then((payment) => {
          clearTimeout(timer);
          resolve(payment);
        }, fail);
      })
      .catch(fail);
  });
}

/** Ends `PENDING`. Returns the payment; its status may be that of an earlier answer, or of a refund. */
async function settle(orderId: string, answer: ChargeAnswer, db: Database): Promise<Payment> {
  const settled = await db
    .table(paymentsTable)
    .update({ orderId }, { set: { status: statuses[answer] }, condition: { status: 'PENDING' } });
  return settled ?? read(orderId, db);
}

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
