/** Streams of events, of gateway/http/parts-types.ts. */
import { eventStream } from '../../../../gateway/http/parts-types';

const body = Buffer.from('{"data":{"a":1}}');

it('sends a part as an event, with its cursor as the id', () => {
  expect(eventStream.frame({ body }).toString()).toBe('event: next\ndata: {"data":{"a":1}}\n\n');
  expect(eventStream.frame({ body, cursor: 'x1' }).toString()).toBe(
    'event: next\nid: x1\ndata: {"data":{"a":1}}\n\n',
  );
});

it.each(['a\nevent: complete', 'a\r', 'ä', '', ' '])(
  'sends no id that no header can send back: %j',
  (cursor) => {
    expect(eventStream.frame({ body, cursor }).toString()).toBe('event: next\ndata: {"data":{"a":1}}\n\n');
  },
);

it('sends JSON with line breaks on one line', () => {
  const broken = Buffer.from('{\r\n"a": "ä\\n",\n\n"b":\r1}');
  const written = eventStream.frame({ body: broken }).toString();
  expect(written).toMatch(/^event: next\ndata: [^\r\n]+\n\n$/);
  expect(JSON.parse(written.split('data: ')[1]!)).toEqual({ a: 'ä\n', b: 1 });
  expect(broken.toString()).toBe('{\r\n"a": "ä\\n",\n\n"b":\r1}');
});

it('frames an event once for all its readers, but its end for each', () => {
  const part = { body: Buffer.from('{"data":{"a":2}}'), cursor: 'x2' };
  expect(eventStream.frame(part)).toBe(eventStream.frame({ ...part }));
  expect(eventStream.frame({ body: Buffer.from(part.body) })).not.toBe(eventStream.frame(part));
  expect(eventStream.frame({ ...part, ending: 'shutdown' }).toString()).toMatch(/^retry/);
});

it('ends with an event that browsers hear of, also after a failure', () => {
  for (const ending of [undefined, 'failed'] as const)
    expect(eventStream.end(ending).toString()).toBe('event: complete\ndata:\n\n');
  expect(eventStream.frame({ body, ending: 'failed' }).toString()).toContain('event: next');
});

it.each([
  ['the gateway stops', () => eventStream.frame({ body, ending: 'shutdown' })],
  ['its time is over', () => eventStream.end('timeout')],
])('asks its client to come back soon when %s, not all at once', (_, last) => {
  const times = Array.from({ length: 100 }, () => {
    const [, time] = /^retry: (\d+)\n\n$/.exec(last().toString())!;
    return Number(time);
  });
  expect(Math.min(...times)).toBeGreaterThanOrEqual(500);
  expect(Math.max(...times)).toBeLessThan(1500);
  expect(new Set(times).size).toBeGreaterThan(10);
  expect(eventStream.end('shutdown').length).toBe(0);
});
