import { compareItems } from '../../../../cli/recovery/compare';
import { Ledger, valueOf, type Write } from '../../../../cli/recovery/ledger';
import { type FakeRehearsalStore, fakeRehearsalStore } from '../../../support/rehearsal-store';

const [first, second] = ['item-0000001', 'item-0000002'] as const;

let ledger: Ledger;
let store: FakeRehearsalStore;
/** Two items with one acknowledged write each, at 1000 and 3000 ms, in tables that have all of both. */
beforeEach(() => {
  ledger = new Ledger(10);
  write(ledger.begin({ isNew: true }), 1000);
  write(ledger.begin({ isNew: true }), 3000);
  store = fakeRehearsalStore({
    items: [itemOf(first, 1), itemOf(second, 1)],
    copies: [copyOf(first, 1), copyOf(second, 1)],
    log: [eventOf(first, 1), eventOf(second, 1)],
  });
});

const write = (sent: Write, at: number | undefined): Write => {
  ledger.end(sent, at);
  return sent;
};
const itemOf = (id: string, revision: number, rest = {}) => ({
  ...{ id, revision, value: valueOf({ id, revision }), eventCount: revision },
  ...rest,
});
const copyOf = (key: string, revision: number) => ({
  key,
  state: { revision, value: valueOf({ id: key, revision }) },
});
const eventOf = (subject: string, sequence: number) => ({
  position: 'l-1',
  event: { subject, sequence, data: { revision: sequence } },
});
const compare = (hasCopies = true) => compareItems(store, ledger, { lostAt: 5000, hasCopies });
const nothingLost = { lostWrites: 0, lostSeconds: 0 };

it('finds nothing where all is there', async () => {
  expect(await compare()).toEqual({ differing: 0, first: undefined, ...nothingLost });
});

it('takes a write that nobody has acknowledged as it is: there or not', async () => {
  write(ledger.begin({ isNew: false }), undefined);
  write(ledger.begin({ isNew: true }), undefined);
  expect(await compare()).toMatchObject({ differing: 0 });
});

it('tells the first item that is gone, how many writes are lost, and of which time', async () => {
  store.content.items.length = 0;
  expect(await compare()).toEqual({
    differing: 2,
    first: { key: first, difference: 'it is gone; revision 1 was acknowledged' },
    lostWrites: 2,
    lostSeconds: 4,
  });
});

it.each([
  ['its value is another one', () => [itemOf(second, 1, { value: 'x' })], 'it has a value that nobody wrote'],
  ['it is newer than what was sent', () => [itemOf(second, 7)], 'it has revision 7; only 1 were written'],
  [
    'its outbox has more than its log lacks',
    () => [itemOf(second, 1, { outbox: ['e'] })],
    'the log has not all of its 1 events',
  ],
])('finds an item where %s', async (_, items, difference) => {
  store.content.items.splice(1, 1, ...items());
  expect(await compare(false)).toEqual({ differing: 1, first: { key: second, difference }, ...nothingLost });
});

it('finds an item whose events are not all in the log', async () => {
  store.content.log.splice(1, 1, eventOf(second, 2));
  expect(await compare()).toMatchObject({ differing: 1, first: { key: second } });
  store.content.log.splice(1, 1);
  expect(await compare()).toMatchObject({ differing: 1, first: { key: second } });
});

it('takes an event that is still in the outbox for one that the log is going to have', async () => {
  store.content.log.splice(1, 1);
  store.content.items.splice(1, 1, itemOf(second, 1, { outbox: ['e'] }));
  expect(await compare()).toMatchObject({ differing: 0 });
});

it('finds a copy that has not followed, where the read model should have', async () => {
  store.content.copies.splice(1, 1);
  const difference = 'the read model has revision none; the item has 1';
  expect(await compare()).toMatchObject({ differing: 1, first: { key: second, difference } });
  expect(await compare(false)).toMatchObject({ differing: 0 });
});

it('finds an item that nobody wrote', async () => {
  store.content.items.push(itemOf('item-9', 1));
  expect(await compare()).toMatchObject({
    differing: 1,
    first: { key: 'item-9', difference: 'nobody wrote it' },
  });
});
