import {
  consumersTable,
  tableFailures,
  type StoredFailure,
} from '../../../../../kit/events/consumers/consumers-table';
import { openTestDatabase } from '../../../../support/subgraph-kit';

describe('the failure queue in a table', () => {
  const table = consumersTable('letters');
  let opened: Awaited<ReturnType<typeof openTestDatabase>>;
  beforeAll(async () => (opened = await openTestDatabase(table)));
  afterAll(() => opened.stop());

  async function fail(consumer: string, count: number, text: string) {
    const items = opened.db.table(table);
    for (let i = 0; i < count; i++) {
      // The ids are in the reverse order of the times; some times are equal.
      const failedAt = new Date(Date.UTC(2026, 0, 1, 0, 0, i >> 1)).toISOString();
      const item = `failed#${String(count - i).padStart(16, '0')}`;
      const failure: StoredFailure = {
        consumer,
        item,
        failuresOf: consumer,
        reason: 'no',
        failedAt,
        attempts: 1,
        text,
      };
      await items.put(failure);
    }
    return tableFailures(items, consumer, () => undefined);
  }

  it('lists the oldest first, page by page, each once, also behind one that is gone', async () => {
    const failures = await fail('one', 24, 'x');
    const { failures: all, next } = await failures.list();
    expect(next).toBeUndefined();
    expect(all.map(({ failedAt }) => failedAt)).toEqual(all.map(({ failedAt }) => failedAt).sort());
    expect(new Set(all.map(({ id }) => id)).size).toBe(24);
    const first = await failures.list({ limit: 7 });
    await failures.drop(first.failures[6]!.id);
    const second = await failures.list({ limit: 17, after: first.next });
    expect([...first.failures, ...second.failures]).toEqual(all);
    expect(second.next).toBeUndefined();
  });

  it('lists 1 MB at once at most', async () => {
    const failures = await fail('large', 9, 'x'.repeat(240 * 1024));
    const sizes: number[] = [];
    let after: string | undefined;
    do {
      const page = await failures.list({ after });
      sizes.push(page.failures.length);
      after = page.next;
    } while (after !== undefined);
    expect(sizes).toEqual([4, 4, 1]);
  });

  it('has what is retried no more', async () => {
    const failures = await fail('two', 2, 'x');
    const [failure] = (await failures.list()).failures;
    expect(await failures.retry(failure!.id)).toBe(true);
    expect((await failures.list()).failures).toHaveLength(1);
  });
});
