import { defineTable, type Database } from '../../kit';
import { type ChargeAnswer, type PaymentProvider } from './provider';

/** What the fake provider has done under a reference. Its own ledger, which no other code reads or writes. */
export interface Charge {
  readonly reference: string;
  readonly state: 'charged' | 'declined' | 'refunded' | 'closed';
  /** In cents of a euro. */
  readonly amount: number;
}

export const chargesTable = defineTable<Charge>()({
  name: 'fake-provider-charges',
  partitionKey: 'reference',
  operations: ['GetItem', 'PutItem', 'UpdateItem'],
});

export interface FakeProviderOptions {
  /** How late `tok_late` is answered, in milliseconds. @default 1500 */
  readonly lateMilliseconds?: number;
}

/**
 * A payment provider for development and tests: no money moves. The token says what happens.
 *
 * | token          | does                                                             |
 * | -------------- | ---------------------------------------------------------------- |
 * | `tok_ok`       | takes the money                                                  |
 * | `tok_declined` | declines, as does every token that is not in this table          |
 * | `tok_timeout`  | takes the money and answers no call in time                      |
 * | `tok_late`     | takes the money and answers the first call late, others at once  |
 * | `tok_twice`    | takes the money once and answers twice                           |
 * | `tok_down`     | cannot be reached                                                |
 */
export function fakeProvider(
  db: Database,
  { lateMilliseconds = 1500 }: FakeProviderOptions = {},
): PaymentProvider {
  const charges = db.table(chargesTable);
  return {
    async charge({ reference, amount, token }, answered) {
      if (token === 'tok_down') throw new Error('The payment provider cannot be reached.');
      const wanted: Charge = { reference, amount, state: takers.has(token) ? 'charged' : 'declined' };
      const isFirst = await charges.create(wanted);
      const { state } = isFirst ? wanted : (await charges.get({ reference }, { consistent: true }))!;
      const answer = answers[state];
      if (token === 'tok_timeout') return;
      if (token === 'tok_late' && isFirst) {
        setTimeout(answered, lateMilliseconds, answer).unref();
        return;
      }
      answered(answer);
      if (token === 'tok_twice') answered(answer);
    },

    async refund(reference) {
      if (await charges.create({ reference, amount: 0, state: 'closed' })) return;
      await charges.update({ reference }, { set: { state: 'refunded' }, condition: { state: 'charged' } });
    },
  };
}

const takers: ReadonlySet<string> = new Set(['tok_ok', 'tok_timeout', 'tok_late', 'tok_twice']);

const answers: Readonly<Record<Charge['state'], ChargeAnswer>> = {
  charged: 'charged',
  declined: 'declined',
  refunded: 'refused',
  closed: 'refused',
};
