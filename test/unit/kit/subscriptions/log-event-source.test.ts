import { type EventStream } from '../../../../kit';
import { type EventLog } from '../../../../kit/events/log/event-log';
import { watchLog } from '../../../../kit/events/log/log-watch';
import { logEventSource } from '../../../../kit/subscriptions/log-event-source';
import { eventOf, openEventDatabase } from '../../../support/event-logs';

let database: Awaited<ReturnType<typeof openEventDatabase>>;
beforeAll(async () => (database = await openEventDatabase()));
afterAll(() => database.stop());

const all = { types: ['Moved'], keys: 'all' } as const;
const next = async (stream: EventStream) => (await stream.next()).value!;
/** A source as a process has it. */
const sourceOver = (eventLog: EventLog) => {
  const watch = watchLog(eventLog, { pollMilliseconds: 5 });
  return { watch, source: logEventSource({ eventLog, watch }) };
};

it('goes on in another process behind a position of the one before', async () => {
  const { log, again } = await database.newLog();
  const stream = await sourceOver(log).source.subscribe(all);
  await log.append(eventOf('s', 'a', 1, { data: 1 }));
  await log.append(eventOf('s', 'a', 2, { data: 2 }));
  const first = await next(stream);
  await stream.return();
  if (first.isGap) throw new Error('There is a gap.');
  const resumed = await sourceOver(again()).source.subscribe({ ...all, after: first.position });
  expect(await next(resumed)).toMatchObject({ data: 2 });
  await resumed.return();
});

it('brings one who comes back to the others, without a loss and without a double', async () => {
  const { log } = await database.newLog();
  const { source, watch } = sourceOver(log);
  const quick = await source.subscribe(all);
  const append = async (from: number, to: number) => {
    for (let sequence = from; sequence <= to; sequence++)
      await log.append(eventOf('s', 'a', sequence, { data: sequence }));
    watch.grown();
  };
  await append(1, 3);
  const first = await next(quick);
  const [resumed] = await Promise.all([
    source.subscribe({ ...all, after: first.isGap ? '' : first.position }),
    append(4, 6),
  ]);
  await append(7, 7);
  const seen: unknown[] = [];
  while (seen.length < 6) {
    const event = await next(resumed);
    seen.push(event.isGap ? 'gap' : event.data);
  }
  expect(seen).toEqual([2, 3, 4, 5, 6, 7]);
  await Promise.all([quick.return(), resumed.return()]);
});

it('breaks all subscriptions off when the log fails, and serves those that come back', async () => {
  const { log } = await database.newLog();
  let fails = false;
  const readAll = log.readAll.bind(log);
  const failing: EventLog = Object.assign(log, {
    readAll: (...args: Parameters<EventLog['readAll']>) =>
      fails ? Promise.reject(new Error('The table is gone.')) : readAll(...args),
  });
  const { source, watch } = sourceOver(failing);
  const streams = [await source.subscribe(all), await source.subscribe({ ...all, keys: ['a'] })];
  const results = Promise.allSettled(streams.map((stream) => stream.next()));
  fails = true;
  watch.grown();
  expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fails = false;
  const stream = await source.subscribe(all);
  await log.append(eventOf('s', 'a', 1, { data: 1 }));
  expect(await next(stream)).toMatchObject({ data: 1 });
  await stream.return();
});

it('reads nothing while nobody subscribes', async () => {
  const { log } = await database.newLog();
  let reads = 0;
  const readAll = log.readAll.bind(log);
  const counted: EventLog = Object.assign(log, {
    readAll: (...args: Parameters<EventLog['readAll']>) => (reads++, readAll(...args)),
  });
  const { source, watch } = sourceOver(counted);
  const stream = await source.subscribe(all);
  await stream.return();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = reads;
  watch.grown();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(reads).toBe(before);
});
