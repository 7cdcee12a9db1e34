import fc from 'fast-check';
import {
  EventStreamParser,
  EventTooLarge,
} from '../../../../../gateway/subgraph-calls/subscriptions/event-stream-parser';

function parse(text: string | Buffer, { sizes = [Infinity], most = 1_000_000 } = {}): [string, string][] {
  const events: [string, string][] = [];
  const parser = new EventStreamParser(most, {
    onEvent: (name, data) => events.push([name, data.toString()]),
  });
  const bytes = Buffer.from(text);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    parser.push(bytes.subarray(at, at + size));
    at += size;
  }
  return events;
}

it.each([
  ['an event', 'event: next\ndata: {"a":1}\n\n', [['next', '{"a":1}']]],
  ['an event without spaces', 'event:next\ndata:{"a":1}\n\n', [['next', '{"a":1}']]],
  ['an event of one field', 'event: complete\n\n', [['complete', '']]],
  ['data of several lines', 'data: {\ndata: "a":1}\n\n', [['', '{\n"a":1}']]],
  ['one leading space at most', 'data:  a\n\n', [['', ' a']]],
  ['comments between and within', ':ping\n\n: a\nevent: next\n:b\ndata: 1\n\n', [['next', '1']]],
  ['other fields', 'id: 7\nretry: 1\nodd\nevent: next\ndata: 1\n\n', [['next', '1']]],
  [
    'line ends of every kind',
    'event: a\rdata: 1\r\revent: b\r\ndata: 2\r\n\r\n',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  ['a byte order mark', '\ufeffevent: a\ndata: 1\n\n', [['a', '1']]],
  ['no event that has no end', 'event: a\ndata: 1\n', []],
  [
    'several events',
    'event: a\ndata: 1\n\ndata: 2\n\n',
    [
      ['a', '1'],
      ['', '2'],
    ],
  ],
])('reads %s', (_, text, events) => {
  expect(parse(text)).toEqual(events);
});

it('reads the same however the stream is cut', () => {
  const line = fc.constantFrom(
    'event: next',
    'data: {"ä":1}',
    'data:',
    ':',
    ': ping',
    '',
    'id: 7',
    'data: x',
  );
  const end = fc.constantFrom('\n', '\r\n', '\r');
  const lines = fc.array(fc.tuple(line, end));
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  fc.assert(
    fc.property(lines, sizes, (each, cuts) => {
      const text = each.flat().join('');
      expect(parse(text, { sizes: cuts })).toEqual(parse(text));
    }),
  );
});

it.each([
  ['a line without end', `data: ${'x'.repeat(200)}`],
  ['a comment without end', `: ${'x'.repeat(200)}`],
  ['many short lines', 'data:\n'.repeat(50)],
  ['many fields that say nothing', 'x\n'.repeat(150)],
])('refuses an event of %s', (_, text) => {
  for (const sizes of [[Infinity], [1]])
    expect(() => parse(text, { sizes, most: 100 })).toThrow(EventTooLarge);
});

it('counts neither comments nor what came before', () => {
  const text = `: ${'x'.repeat(90)}\n`.repeat(5) + `data: ${'x'.repeat(80)}\n\n`.repeat(5);
  expect(parse(text, { most: 100 })).toHaveLength(5);
});

it.each(['\n', '\r\n', '\r'])('searches each byte a few times at most where lines end with %j', (end) => {
  const text = `data:x${end}`.repeat(1_000);
  const { calls, contexts, results } = jest.spyOn(Buffer.prototype, 'indexOf').mock;
  parse(text);
  jest.restoreAllMocks();
  const searched = calls.map(([, from], i) => {
    const found = results[i]!.value as number;
    return (found === -1 ? contexts[i]!.length : found) - Number(from ?? 0);
  });
  expect(searched.length).toBeGreaterThan(1_000);
  expect(searched.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(4 * text.length);
});
