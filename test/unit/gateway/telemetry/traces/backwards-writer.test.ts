import { BackwardsWriter } from '../../../../../gateway/telemetry/traces/backwards-writer';

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

it('begins anew, and leaves what it has written alone', () => {
  const writer = new BackwardsWriter();
  writer.text(1, 'first');
  const first = writer.finish();
  writer.text(1, 'other');
  expect(Buffer.from(writer.finish()).toString('latin1')).toContain('other');
  expect(Buffer.from(first).toString('latin1')).toContain('first');
});
