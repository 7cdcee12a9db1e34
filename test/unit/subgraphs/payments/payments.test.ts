import { chargesTable, fakeProvider } from '../../../../subgraphs/payments/fake-provider';
import { refundPayment, takePayment, type PaymentScope } from '../../../../subgraphs/payments/payments';
import { type PaymentProvider } from '../../../../subgraphs/payments/provider';
import { paymentsTable } from '../../../../subgraphs/payments/table';
import { openTestDatabase } from '../../../support/subgraph-kit';
import { countCommands } from '../../../support/count-commands';

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let provider: PaymentProvider;
let orders = 0;
let orderId: string;

beforeAll(async () => {
  database = await openTestDatabase(paymentsTable, chargesTable);
  provider = fakeProvider(database.db, { lateMilliseconds: 200 });
});
beforeEach(() => {
  orderId = `order ${orders++}`;
});
afterAll(() => database.stop());

describe('takePayment', () => {
  it('charges once, however often and at once it is called', async () => {
    expect(await Promise.all(Array.from({ length: 5 }, () => take()))).toEqual(Array(5).fill('TAKEN'));
    expect(await take()).toBe('TAKEN');
    expect(await paid()).toBe(1250);
  });

  it.each(['tok_declined', 'tok_of_nobody'])('takes nothing for %s, at a repeat either', async (token) => {
    for (let i = 0; i < 2; i++) expect(await take({ token })).toBe('PAYMENT_DECLINED');
    expect(await paid()).toBe(0);
  });

  it('charges once when the provider answers twice', async () => {
    expect(await take({ token: 'tok_twice' })).toBe('TAKEN');
    expect(await paid()).toBe(1250);
  });

  it('is settled by an answer that comes late', async () => {
    expect(await take({ token: 'tok_late' }, { deadline: 40 })).toBe('UNAVAILABLE');
    await until(async () => (await status()) === 'TAKEN');
    expect(await take({ token: 'tok_late' })).toBe('TAKEN');
    expect(await paid()).toBe(1250);
  });

  it('does not know what happened when the provider does not answer, and a refund gives the money back', async () => {
    for (let i = 0; i < 2; i++)
      expect(await take({ token: 'tok_timeout' }, { deadline: 100 })).toBe('UNAVAILABLE');
    expect(await paid()).toBe(1250);
    expect(await refund()).toBe('REFUNDED');
    expect(await paid()).toBe(0);
  });

  it('is UNAVAILABLE while the provider is down', async () => {
    expect(await take({ token: 'tok_down' })).toBe('UNAVAILABLE');
    expect(await paid()).toBe(0);
  });

  it('refuses another amount and another payer for an order with a payment', async () => {
    await take();
    expect(await take({ amount: 1 })).toBe('CONFLICT');
    expect(await take({ payerId: 'u2' })).toBe('CONFLICT');
    expect(await paid()).toBe(1250);
  });

  it.each([
    '4111111111111111',
    '4111 1111 1111 1111',
    '3782-822463-10005',
    'tok_4111111111111111',
    'tok_a4111111111111111',
    `tok_x ${'4'.repeat(100_000)}`,
  ])('refuses a card number without repeating or keeping it: %#', async (token) => {
    const commands = countCommands(database.db);
    const error = await takePayment(
      { orderId, payerId: 'u1', amount: 1250, token },
      { db: database.db, provider },
    ).catch((reason: unknown) => reason as Error);
    commands.stop();
    expect(error).toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringContaining('card') });
    expect([JSON.stringify(error), (error as Error).stack].join()).not.toMatch(/4111|8224|4{12}/);
    expect(commands.commands).toEqual([]);
  });

  it.each([{ token: '' }, { token: 'ok' }, { token: 'tok_' }, { amount: 0 }, { amount: -1 }])(
    'refuses %j',
    async (wrong) => {
      expect(await take(wrong)).toBe('BAD_USER_INPUT');
    },
  );
});

describe('refundPayment', () => {
  it('gives the money back once, however often it is called', async () => {
    await take();
    for (let i = 0; i < 3; i++) expect(await refund()).toBe('REFUNDED');
    expect(await paid()).toBe(0);
    expect(await take()).toBe('CONFLICT');
    expect(await paid()).toBe(0);
  });

  it('refuses a charge that it has overtaken, which leaves no money at the provider', async () => {
    expect(await refund()).toBe('REFUNDED');
    expect(await take()).toBe('CONFLICT');
    expect(await paid()).toBe(0);
  });

  it('overtakes a charge that is under way', async () => {
    const refunding: PaymentProvider = {
      ...provider,
      // The refund is done between the write of the payment and its charge.
      async charge(...call) {
        await refund();
        await provider.charge(...call);
      },
    };
    expect(await take({}, { provider: refunding })).toBe('CONFLICT');
    expect(await paid()).toBe(0);
    expect(await status()).toBe('REFUNDED');
  });

  it('stands when the answer to the charge comes later', async () => {
    expect(await take({ token: 'tok_late' }, { deadline: 40 })).toBe('UNAVAILABLE');
    expect(await refund()).toBe('REFUNDED');
    expect(await take({ token: 'tok_late' })).toBe('CONFLICT');
    expect(await paid()).toBe(0);
  });

  it('leaves a declined payment as it is', async () => {
    await take({ token: 'tok_declined' });
    expect(await refund()).toBe('DECLINED');
  });

  it('completes after a charge or a refund that failed at any of its commands', async () => {
    for (const act of [() => take(), () => take().then(refund)]) {
      for (let step = 0; step < 7; step++) {
        orderId = `order ${orders++}`;
        await dyingAt(step, act);
        expect(await refund()).toBe('REFUNDED');
        expect(await take()).toBe('CONFLICT');
        expect(await paid()).toBe(0);
      }
    }
  });
});

/** Takes the payment and returns its status, or the code of the error. */
async function take(
  given: { token?: string; amount?: number; payerId?: string } = {},
  scope: Partial<PaymentScope> = {},
): Promise<string> {
  const args = { orderId, payerId: 'u1', amount: 1250, token: 'tok_ok', ...given };
  try {
    return (await takePayment(args, { db: database.db, provider, deadline: 10_000, ...scope })).status;
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message;
  }
}

async function refund(): Promise<string> {
  return (await refundPayment(orderId, { db: database.db, provider })).status;
}

async function status(): Promise<string | undefined> {
  return (await database.db.table(paymentsTable).get({ orderId }, { consistent: true }))?.status;
}

/** What the provider has of the order, in cents. */
async function paid(): Promise<number> {
  const charges = database.db.table(chargesTable);
  const charge = await charges.get({ reference: orderId }, { consistent: true });
  return charge?.state === 'charged' ? charge.amount : 0;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Lets the command after `steps` commands fail, and all that follow. */
async function dyingAt(steps: number, act: () => Promise<unknown>): Promise<void> {
  let seen = 0;
  const stop = database.db.onCommand(() => {
    if (seen++ >= steps) throw new Error('died');
    return undefined;
  });
  await act().catch(() => undefined);
  stop();
}
