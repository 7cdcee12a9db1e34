import { InvalidationLog } from '../../../../../gateway/telemetry/statistics/invalidation-log';

it('keeps the beginnings of names and tags, which clients may make long', () => {
  const log = new InvalidationLog();
  const cause = { kind: 'mutation', by: 'reviews', because: 'N'.repeat(100_000) } as const;
  log.note(cause, [`User:id=${'1'.repeat(100_000)}`, 'User'], Promise.resolve());
  const [noted] = log.last;
  expect(noted!.cause).toEqual({ ...cause, because: 'N'.repeat(256) });
  expect(noted!.tags.map(({ length }) => length)).toEqual([256, 4]);
});

it('keeps the last fifty, the newest first', () => {
  const log = new InvalidationLog();
  for (let i = 0; i < 120; i++) log.note({ kind: 'program' }, [`tag${i}`], Promise.resolve());
  expect(log.counts.program).toBe(120);
  expect(log.last.map(({ tags }) => tags[0])).toEqual(Array.from({ length: 50 }, (_, i) => `tag${119 - i}`));
});
