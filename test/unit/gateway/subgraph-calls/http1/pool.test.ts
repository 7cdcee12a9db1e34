import type { Socket } from 'node:net';
import { Http1Pool } from '../../../../../gateway/subgraph-calls/http1/pool';

const poolOf = (connect: () => Socket): Http1Pool =>
  new Http1Pool({
    url: new URL('http://[::1]:4001/graphql'),
    connect: (_target, connected) => connected(null, connect()),
    max: 10,
    keepAlive: 4000,
  });

const never = (): Socket => {
  throw new Error('No connection is opened.');
};

it('is not used for a minute after a response that it did not understand, and longer after the next ones', () => {
  let now = 1000;
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
  try {
    const pool = poolOf(never);
    const unusedFor = (): number => {
      const from = now;
      pool.onRefused();
      while (!pool.isUsed) now += 1000;
      return (now - from) / 1000;
    };
    expect(pool.isUsed).toBe(true);
    expect([unusedFor(), unusedFor(), unusedFor()]).toEqual([60, 120, 240]);
    for (let i = 0; i < 10; i++) unusedFor();
    expect(unusedFor()).toBe(3600);
    pool.onRefused();
    now += 1000;
    pool.onRefused();
    now += 3_599_000;
    expect(pool.isUsed).toBe(true);
  } finally {
    clock.mockRestore();
  }
});

it('fails calls with `closed` once it is destroyed', () => {
  const pool = poolOf(never);
  const failures: string[] = [];
  const call = {
    ...{ message: Buffer.from('POST'), maxBody: 10, isSettled: false, connection: undefined },
    onAnswer: () => undefined,
    onRefused: () => undefined,
    onFailure: (failure: string) => void failures.push(failure),
  };
  pool.send(call);
  pool.destroy();
  pool.send(call);
  expect(failures).toEqual(['closed', 'closed']);
});
