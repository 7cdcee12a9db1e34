import { ByteWriter } from '../../../../../gateway/execution/json/write';

const source = (text: string) => {
  const bytes = Buffer.alloc(text.length + 4);
  bytes.write(text);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
};
const written = ({ bytes, end }: ByteWriter): string => bytes.toString('utf8', 0, end);

it('grows as it must, byte by byte and at once', () => {
  const writer = new ByteWriter(1);
  for (const byte of Buffer.from('[1,')) writer.byte(byte);
  const long = 'x'.repeat(1000);
  writer.copy(source(long), 0, long.length);
  writer.all(Buffer.from(long));
  writer.all(Buffer.from(']'));
  expect(written(writer)).toBe(`[1,${long}${long}]`);
});

it.each([1, 3, 4, 128, 129])('copies parts of %i bytes, and nothing behind them', (length) => {
  const writer = new ByteWriter(4);
  const text = 'abcdefgh'.repeat(32);
  writer.copy(source(text), 1, 1 + length);
  writer.byte(0x2e);
  writer.copyBehindComma(source(text), 0, length);
  expect(written(writer)).toBe(`${text.slice(1, 1 + length)}.,${text.slice(1, length)}`);
});

it('writes again what stands there', () => {
  const writer = new ByteWriter(4);
  writer.all(Buffer.from('abc'));
  writer.again(1, 3);
  expect(written(writer)).toBe('abcbc');
});
