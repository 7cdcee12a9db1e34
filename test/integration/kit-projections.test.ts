/**
 * Projections of a subgraph of the kit: replays, rebuilds to a time, rebuilds under load and after an end in the middle.
 * Over 300 lines: all are about one log and its projections.
 */
import fc from 'fast-check';
import { z } from 'zod';
import {
  defineProjection,
  defineSubgraph,
  defineTotals,
  startSubgraph,
  type Database,
  type DatabaseSettings,
  type DomainEvent,
  type Projection,
  type RunningSubgraph,
} from '../../kit';
import { ratings } from '../../subgraphs/reviews/ratings';
import { reviewsTable } from '../../subgraphs/reviews/table';
import { amountOf } from '../support/amounts';
import { startFakePublisher } from '../support/fake-publisher';
import { eventually } from '../support/process';
import { openTestDatabase, temporaryFolder } from '../support/subgraph-kit';

interface Account {
  readonly owner: string;
  readonly balance: number;
}
const from = {
  bank: {
    Opened: { 1: z.object({ owner: z.string() }) },
    Paid: { 1: z.object({ amount: z.int() }) },
    Closed: { 1: z.object({}) },
  },
};
const accounts = defineProjection({
  name: 'accounts',
  from,
  apply(account: Account | undefined, event) {
    switch (event.type) {
      case 'Opened':
        return { owner: event.data.owner, balance: 0 };
      case 'Paid':
        if (!account) throw new Error('There is no such account.');
        return { ...account, balance: account.balance + event.data.amount };
      case 'Closed':
        return null;
    }
  },
  list: ({ owner, balance }) => ({ list: owner, sort: String(balance).padStart(9, '0') }),
});
const payments = defineTotals({
  name: 'payments',
  from: { bank: { Paid: from.bank.Paid } },
  entries: ({ data: { amount } }) => [
    { group: 'all', value: amount },
    { group: amount % 2 === 0 ? 'even' : 'odd', value: amount },
  ],
  count: (amounts: readonly number[]) => ({
    count: amounts.length,
    sum: amounts.reduce((sum, amount) => sum + amount, 0),
  }),
  seed: () => [{ group: 'all', value: 1000 }],
});

let eventCount = 0;
const timeOf = (second: number) => new Date(Date.UTC(2026, 0, 1) + 1000 * second).toISOString();
function eventOf(subject: string, sequence: number, type: string, data: object, second = ++eventCount) {
  return {
    ...{ specversion: '1.0', id: `e${++eventCount}`, source: 'bank', type, dataversion: 1 },
    ...{ subject, sequence, time: timeOf(second), data, correlationid: 'c1' },
  } as DomainEvent;
}

/** All items of a generation of a projection, as JSON, in the order of their keys. */
async function contentOf(db: Database, projection: Projection, generation: number, keys: readonly string[]) {
  const table = projection.table(generation);
  const found = await Promise.all(
    keys.map((partition) => db.table(table).query({ partition, consistent: true })),
  );
  return JSON.stringify(found.flat());
}

describe('a projection', () => {
  let opened: Awaited<ReturnType<typeof openTestDatabase>>;
  beforeAll(async () => {
    // The samples of the ratings would take seconds.
    const ratingsTable = { ...ratings.table(1), seed: () => [] };
    const tables = [ratingsTable, { ...reviewsTable, seed: () => [] }];
    opened = await openTestDatabase(accounts.table(1), payments.table(1), ...tables);
  });
  afterAll(() => opened.stop());

  const apply = async (projection: Projection, ...events: readonly DomainEvent[]) => {
    for (const event of events) await projection.apply(event, { db: opened.db, generation: 1 });
  };

  it('of ratings counts 30 reviews, and 30 when they are replayed', async () => {
    const written = { id: 'r', authorId: 'u1', createdAt: timeOf(0), body: 'Good.' };
    const events = Array.from({ length: 30 }, (_, i) => ({
      ...eventOf(`r${i}`, 1, 'ReviewWritten', { ...written, upc: 'new', rating: 1 + (i % 5) }),
      source: 'reviews',
    }));
    await apply(ratings, ...events);
    const once = await contentOf(opened.db, ratings, 1, ['new']);
    await apply(ratings, ...events, ...events.reverse());
    expect(await contentOf(opened.db, ratings, 1, ['new'])).toBe(once);
    const total = await opened.db.table(ratings.table(1)).get({ group: 'new', entry: 'total' });
    expect(total).toMatchObject({ total: [6, 6, 6, 6, 6], counted: 30 });
  });

  it('counts each event once, whatever is applied at once', async () => {
    const events = Array.from({ length: 8 }, (_, i) => eventOf(`once-${i}`, 1, 'Paid', { amount: 2 * i }));
    await Promise.all([...events, ...events].map((event) => apply(payments, event)));
    const total = await opened.db.table(payments.table(1)).get({ group: 'even', entry: 'total' });
    expect(total?.total).toEqual({ count: 8, sum: 56 });
  });

  it('makes its document of the events of a subject, and lists it', async () => {
    const events = [
      eventOf('a1', 1, 'Opened', { owner: 'ann' }),
      eventOf('a1', 2, 'Paid', { amount: 5 }),
      eventOf('a2', 1, 'Opened', { owner: 'ann' }),
      eventOf('a3', 1, 'Opened', { owner: 'ann' }),
      eventOf('a3', 2, 'Closed', {}),
    ];
    await apply(accounts, ...events);
    const documents = opened.db.table(accounts.table(1));
    const ofAnn = await documents.query({ index: 'byList', partition: 'ann' });
    expect(ofAnn.map(({ key, state }) => [key, state?.balance])).toEqual([
      ['a2', 0],
      ['a1', 5],
    ]);
    const once = await contentOf(opened.db, accounts, 1, ['a1', 'a2', 'a3']);
    await apply(accounts, ...events, ...events);
    expect(await contentOf(opened.db, accounts, 1, ['a1', 'a2', 'a3'])).toBe(once);
  });

  it('applies each event of a subject once, whatever is applied at once', async () => {
    await apply(accounts, eventOf('a4', 1, 'Opened', { owner: 'bob' }));
    const paid = eventOf('a4', 2, 'Paid', { amount: 5 });
    await Promise.all([paid, paid, paid, paid].map((event) => apply(accounts, event)));
    expect((await opened.db.table(accounts.table(1)).get({ key: 'a4' }))?.state?.balance).toBe(5);
  });

  it('says what cannot be applied: an event that throws, and a retried one that others have overtaken', async () => {
    const early = eventOf('a5', 2, 'Paid', { amount: 5 });
    await expect(apply(accounts, early)).rejects.toThrow('There is no such account.');
    await apply(accounts, eventOf('a5', 3, 'Opened', { owner: 'bob' }));
    const retried = accounts.apply(early, { db: opened.db, generation: 1, isRetry: true });
    await expect(retried).rejects.toThrow(
      'A later event of "a5" is in the projection "accounts" already: rebuild the projection.',
    );
  });
});

describe('a rebuild', () => {
  const folder = temporaryFolder();
  const schema = folder.write('schema.graphql', 'type Query { one: Int }');
  const ledger = defineSubgraph({
    name: 'ledger',
    schema,
    resolvers: {},
    projections: [accounts, payments],
    options: { bankUrl: { description: 'bank', default: '' } },
  });
  let bank: Awaited<ReturnType<typeof startFakePublisher>>;
  let data: ReturnType<typeof temporaryFolder>;
  const running: RunningSubgraph[] = [];
  async function begin(): Promise<void> {
    bank = await startFakePublisher();
    data = temporaryFolder();
  }
  async function end(): Promise<void> {
    await Promise.all(running.splice(0).map((each) => each.stop()));
    await bank.stop();
    data.remove();
  }
  beforeEach(begin);
  afterEach(end);
  afterAll(() => folder.remove());

  async function start(
    database: DatabaseSettings = { kind: 'embedded' },
    bankUrl = bank.url,
  ): Promise<RunningSubgraph> {
    const started = await startSubgraph(ledger, {
      ...{ port: 0, logLevel: 'silent', database },
      options: { bankUrl },
    });
    running.push(started);
    return started;
  }

  const statusOf = async ({ projections }: RunningSubgraph, name: string) =>
    (await projections.statuses()).find(({ projection }) => projection === name)!;
  const subjects = ['s0', 's1', 's2'];
  const groups = ['all', 'even', 'odd'];
  const contents = async ({ db }: RunningSubgraph, generation: number) =>
    Promise.all([contentOf(db, accounts, generation, subjects), contentOf(db, payments, generation, groups)]);
  /** Waits until the generation has counted so many payments, and each account all of its events. */
  async function untilApplied({ db }: RunningSubgraph, generation: number, events: readonly DomainEvent[]) {
    const paid = events.filter(({ type }) => type === 'Paid').length;
    const last = new Map(events.map(({ subject, sequence }) => [subject, sequence]));
    await eventually(async () => {
      const totals = await Promise.all(
        groups.map((group) => db.table(payments.table(generation)).get({ group, entry: 'total' })),
      );
      const counted = totals.reduce((sum, total) => sum + (total?.counted ?? 0), 0);
      const documents = await Promise.all(
        [...last].map(async ([key, sequence]) => {
          const document = await db.table(accounts.table(generation)).get({ key });
          return document?.applied[`bank/${key}`] === sequence;
        }),
      );
      // Each is counted in two groups, and one group has a sample.
      return counted === 2 * paid + 1 && documents.every(Boolean);
    });
  }

  /** Events of the subjects, each opened first, one a second. */
  const history = (choices: readonly { subject: string; amount: number }[]): DomainEvent[] => {
    const opening = subjects.map((subject, i) => eventOf(subject, 1, 'Opened', { owner: 'ann' }, i));
    const sequences = new Map(subjects.map((subject) => [subject, 1]));
    const paid = choices.map(({ subject, amount }, i) => {
      const sequence = sequences.get(subject)! + 1;
      sequences.set(subject, sequence);
      return eventOf(subject, sequence, 'Paid', { amount }, 10 + i);
    });
    return [...opening, ...paid];
  };

  it('to any time has the bytes that were recorded at that time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ subject: fc.constantFrom(...subjects), amount: fc.nat(99) }), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.nat(),
        async (choices, cut) => {
          const events = history(choices);
          const at = 3 + (cut % choices.length);
          const subgraph = await start();
          bank.push(...events.slice(0, at));
          await untilApplied(subgraph, 1, events.slice(0, at));
          const recorded = await contents(subgraph, 1);
          bank.push(...events.slice(at));
          await untilApplied(subgraph, 1, events);
          const to = at === 3 ? timeOf(5) : events[at - 1]!.time;
          for (const { name } of [accounts, payments]) {
            expect(await subgraph.projections.rebuild(name, to)).toBe(true);
            await eventually(async () => (await statusOf(subgraph, name)).live === 2);
            expect(await statusOf(subgraph, name)).toMatchObject({ heldAt: to, building: null });
          }
          expect(await contents(subgraph, 2)).toEqual(recorded);
          await end();
          await begin();
        },
      ),
      { numRuns: amountOf('REBUILD_RUNS', 1, 20), endOnFailure: true },
    );
  });

  it('under load loses nothing, and goes on with what happens', async () => {
    const choices = Array.from({ length: 20 }, (_, i) => ({ subject: subjects[i % 3]!, amount: i }));
    const events = history(choices);
    const subgraph = await start();
    bank.push(...events.slice(0, 8));
    let pushed = 8;
    const load = setInterval(() => bank.push(...events.slice(pushed, ++pushed)), 5);
    expect(await subgraph.projections.rebuild('accounts', undefined)).toBe(true);
    expect(await subgraph.projections.rebuild('payments', undefined)).toBe(true);
    await eventually(() => pushed >= events.length);
    clearInterval(load);
    const areLive = async () =>
      (await subgraph.projections.statuses()).every(({ live, building }) => live === 2 && building === null);
    await eventually(areLive, 30_000);
    await untilApplied(subgraph, 2, events);
    await eventually(async () => (await statusOf(subgraph, 'accounts')).events === events.length);
    expect(await subgraph.projections.rebuild('nothing', undefined)).toBe(false);
  });

  it('is refused while another one goes on, unless it is to take its place', async () => {
    const { projections } = await start({ kind: 'embedded' }, 'http://127.0.0.1:1/graphql');
    await projections.rebuild('accounts', undefined);
    await expect(projections.rebuild('accounts', undefined, { restart: false })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await projections.rebuild('accounts', timeOf(1));
    const building = { generation: 3, to: timeOf(1), events: 0 };
    expect(await projections.statuses()).toEqual([
      { projection: 'accounts', live: 1, heldAt: null, events: 0, building },
      { projection: 'payments', live: 1, heldAt: null, events: 0, building: null },
    ]);
  });

  it('goes on where the process ended in the middle, and takes the place of one that was begun before', async () => {
    const events = history(Array.from({ length: 9 }, (_, i) => ({ subject: subjects[i % 3]!, amount: i })));
    const folder = { kind: 'embedded', folder: data.path } as const;
    const first = await start(folder);
    bank.push(...events);
    await untilApplied(first, 1, events);
    await first.projections.rebuild('accounts', undefined);
    await first.projections.rebuild('accounts', undefined);
    await first.projections.rebuild('payments', undefined);
    await first.stop();
    running.length = 0;
    const second = await start(folder);
    await eventually(
      async () => (await second.projections.statuses()).every(({ building }) => !building),
      30_000,
    );
    const { live } = await statusOf(second, 'accounts');
    expect(live).toBe(3);
    expect(await contentOf(second.db, accounts, 3, subjects)).toBe(
      await contentOf(second.db, accounts, 1, subjects),
    );
    expect(await contentOf(second.db, payments, 2, groups)).toBe(
      await contentOf(second.db, payments, 1, groups),
    );
  });
});
