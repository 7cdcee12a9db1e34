import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { storeClockOf } from '../../../../kit/store/clock';
import { openTestDatabase } from '../../../support/subgraph-kit';

afterEach(() => jest.restoreAllMocks());

/** A clock after an answer that its store sent so many milliseconds ago by this process's clock, and what it has logged. */
function clockAhead(...answers: readonly { ahead: number; took?: number }[]) {
  const clock = storeClockOf(DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'local' })));
  for (const { ahead, took = 0 } of answers)
    clock.note(new Date(Date.now() - ahead).toUTCString(), performance.now() - took);
  const logged: unknown[] = [];
  const log = { error: (...line: unknown[]) => void logged.push(line) };
  return { isAllowed: () => clock.allowsLease(log), logged };
}

it.each([0, 57_000, -57_000])('allows leases to a process that is %d ms ahead', (ahead) => {
  const { isAllowed, logged } = clockAhead({ ahead });
  expect(isAllowed()).toBe(true);
  expect(logged).toEqual([]);
});

it.each([63_000, -63_000, 600_000, -600_000])(
  'allows none to one that is %d ms ahead, and says so once a minute',
  (ahead) => {
    const { isAllowed, logged } = clockAhead({ ahead });
    const now = jest.spyOn(performance, 'now');
    for (const [time, lines] of [
      [100_000, 1],
      [159_000, 1],
      [161_000, 2],
    ] as const) {
      now.mockReturnValue(time);
      expect(isAllowed()).toBe(false);
      expect(logged).toHaveLength(lines);
    }
    expect(logged[0]).toEqual([
      { secondsAhead: expect.any(Number) },
      'the clock of this process differs from that of its store: other processes do its work',
    ]);
  },
);

it('allows leases before the first answer, and again when the clock is right', () => {
  expect(clockAhead().isAllowed()).toBe(true);
  expect(clockAhead({ ahead: 600_000 }, { ahead: 0 }).isAllowed()).toBe(true);
});

it('does not take the old answer to a process that was stopped for another clock', () => {
  expect(clockAhead({ ahead: 0 }, { ahead: 90_000, took: 90_000 }).isAllowed()).toBe(true);
});

it('reads the date of each answer of a store, of errors too', async () => {
  const { client, stop } = await openTestDatabase();
  try {
    const clock = storeClockOf(client);
    const ahead = Date.now() + 600_000;
    jest.spyOn(Date, 'now').mockReturnValue(ahead);
    const isAllowed = () => clock.allowsLease({ error: () => undefined });
    expect(isAllowed()).toBe(true);
    const asked = client.send(new GetCommand({ TableName: 'missing', Key: { id: '1' } }));
    await expect(asked).rejects.toThrow();
    expect(isAllowed()).toBe(false);
  } finally {
    await stop();
  }
});
