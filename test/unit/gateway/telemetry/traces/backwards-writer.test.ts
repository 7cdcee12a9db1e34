import { BackwardsWriter } from '../../../../../gateway/telemetry/traces/backwards-writer';
import { wordsIn } from '../../../../../gateway/telemetry/traces/random-ids';

/** The bytes that are written, in hexadecimal digits. */
function written(write: (writer: BackwardsWriter) => void): string {
  const writer = new BackwardsWriter();
  write(writer);
  return Buffer.from(writer.finish()).toString('hex');
}

// From the documentation of Protobuf's encoding.
it.each<[string, (writer: BackwardsWriter) => void, string]>([
  ['a small number', (writer) => writer.varint(1, 150), '089601'],
  ['a text', (writer) => writer.text(2, 'testing'), '120774657374696e67'],
  ['a text that is not ASCII', (writer) => writer.text(1, 'aä€😀'), '0a0a61c3a4e282acf09f9880'],
  ['half a character as others do', (writer) => writer.text(1, 'a\ud800'), '0a0461efbfbd'],
  ['an empty text', (writer) => writer.text(1, ''), '0a00'],
  ['bytes', (writer) => writer.hex(1, '00ff9a'), '0a0300ff9a'],
  [
    'bytes of numbers',
    (writer) => writer.words(1, wordsIn('0123456789abcdefff000000')),
    '0a0c0123456789abcdefff000000',
  ],
  ['a large number', (writer) => writer.varint(1, Number.MAX_SAFE_INTEGER), '08ffffffffffffff0f'],
  ['a field number above 15', (writer) => writer.fixed32(16, 0x301), '850101030000'],
  ['a double', (writer) => writer.double(4, -0.5), '21000000000000e0bf'],
  ['nanoseconds', (writer) => writer.time(7, 1_700_000_000_123.25), `39${nanos(1_700_000_000_123_250_000n)}`],
  ['the last nanosecond of a millisecond', (writer) => writer.time(7, 0.999999), `39${nanos(999_999n)}`],
])('writes %s', (_, write, expected) => {
  expect(written(write)).toBe(expected);
});

function nanos(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.toString('hex');
}

it('writes messages in messages, each with its length, however long they become', () => {
  for (const length of [0, 10, 126, 127, 128, 5000, 70_000]) {
    const text = 'x'.repeat(length);
    const hex = written((writer) => {
      writer.varint(2, 7);
      const end = writer.size;
      writer.text(1, text);
      writer.close(3, end);
    });
    const inner = written((writer) => writer.text(1, text));
    const size = written((writer) => writer.varint(0, inner.length / 2)).slice(2);
    expect(hex).toBe(`1a${size}${inner}1007`);
  }
});

it('writes times in any order, however far they are apart', () => {
  const times = [1_700_000_000_999.75, 1_700_000_001_000, 1_700_000_004_294.967, 1_699_999_999_000.5, 0];
  const writer = new BackwardsWriter();
  for (const time of times.toReversed()) writer.time(7, time);
  const expected = times.map((time) => {
    const whole = Math.floor(time);
    return `39${nanos(BigInt(whole) * 1_000_000n + BigInt(Math.round((time - whole) * 1e6)))}`;
  });
  expect(Buffer.from(writer.finish()).toString('hex')).toBe(expected.join(''));
});

it.each([10, 3_000, 100_000])(
  'begins anew after %d bytes, and leaves what it has written alone',
  (length) => {
    const writer = new BackwardsWriter();
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(length));
    const all = texts.map((text) => {
      writer.text(1, text);
      return writer.finish();
    });
    expect(all.map((bytes) => Buffer.from(bytes).toString('latin1').slice(-length))).toEqual(texts);
  },
);

it('does not hold the memory of a large message for a small one', () => {
  const writer = new BackwardsWriter();
  writer.text(1, 'x'.repeat(100_000));
  writer.finish();
  writer.text(1, 'small');
  expect(writer.finish().buffer.byteLength).toBeLessThan(1_000);
});
