import fc from 'fast-check';
import { BrokenJson, JsonScanner } from '../../../../cli/replay/json-scanner';

/** The pieces of a text that is read so many bytes at a time. */
function piecesOf(
  text: string,
  step = text.length,
): readonly (readonly [line: number, text: string | undefined])[] {
  const scanner = new JsonScanner();
  const bytes = Buffer.from(text);
  const pieces = [];
  for (let i = 0; i < bytes.length; i += step)
    pieces.push(...scanner.scan(Buffer.from(bytes.subarray(i, i + step))));
  return [...pieces, ...scanner.end()].map(({ line, text }) => [line, text]);
}

const har = (entries: readonly object[]) => ({
  log: { version: '1.2', pages: [{ request: { no: 1 } }], entries, comment: { request: 'no' } },
});

describe.each([1, 3, 1_000_000])('read %d bytes at a time', (step) => {
  it('JSON lines are pieces, each with its line', () => {
    expect(piecesOf('{"a":1}\n\n{"b":\n[2]}{"c":"}\\"{"}\n 3 ', step)).toEqual([
      [1, '{"a":1}'],
      [3, '{"b":\n[2]}'],
      [4, '{"c":"}\\"{"}'],
      [5, '3'],
    ]);
  });

  it('the items of a list are pieces', () => {
    expect(piecesOf('[ {"a":[1,{"log":{}}]} ,\n"x", null, [] ]\n', step)).toEqual([
      [1, '{"a":[1,{"log":{}}]}'],
      [2, '"x"'],
      [2, 'null'],
      [2, '[]'],
    ]);
    expect(piecesOf('[]', step)).toEqual([]);
  });

  it('the requests of a HAR are pieces, and nothing else of it', () => {
    const request = { method: 'POST', postData: { text: '{"query":"{ a }"}' }, request: 1 };
    const text = JSON.stringify(har([{ response: { request: [1] }, request }, { request }, {}]), null, 1);
    const pieces = piecesOf(`${text}\n{"query":"{ b }"}`, step);
    expect(pieces.map(([, piece]) => JSON.parse(piece!) as unknown)).toEqual([
      request,
      request,
      { query: '{ b }' },
    ]);
    expect(pieces.map(([line]) => text.split('\n')[line - 1]?.trim())).toEqual([
      '"request": {',
      '"request": {',
      undefined,
    ]);
  });

  it.each([
    ['{"a":1', 1, 'it ends in the middle'],
    ['{"a":1}\n{"b":\n', 2, 'it ends in the middle'],
    ['[{"a":1},\n{"b":\n1\n', 2, 'it ends in the middle'],
    ['{"a":1}\n{"b":}', 2, 'a value is missing'],
    ['{"log":{"entries":[{"response":\n{"x":01}}]}}', 2, 'a value is missing'],
    ['{"a" 1}', 1, 'a colon is missing'],
    ['{"a":1,}', 1, 'a key is missing'],
    ['[1,]', 1, 'a value is missing'],
    ['[1 2]', 1, 'a comma or bracket is missing'],
    ['{"a":[1}', 1, 'a comma or bracket is missing'],
    ['"a\n"', 1, 'a string does not end'],
    ['"\\x"', 1, 'a string has a wrong escape'],
    ['"\\u00g0"', 1, 'a string has a wrong escape'],
    ['query { a }', 1, 'a value is missing'],
    ['\n\n<html>', 3, 'a value is missing'],
    ['nul', 1, 'a value is missing'],
    ['['.repeat(1001), 1, 'it is nested deeper than 1000 levels'],
  ])('%j is broken in line %d', (text, line, reason) => {
    let error: unknown;
    try {
      piecesOf(text, step);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(BrokenJson);
    expect(error).toMatchObject({ line, message: reason });
  });
});

it('reads what JSON.parse reads, and refuses what it refuses', () => {
  const isJson = (text: string, read: (text: string) => unknown): boolean => {
    try {
      read(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', ',', '"', '}', '0', '\\', ' ', 'e', '-'),
      (json, at, more) => {
        // One character of it is replaced.
        const i = at % json.length;
        const text = `[${json.slice(0, i)}${more}${json.slice(i + 1)}]`;
        expect(isJson(text, (each) => piecesOf(each, 7))).toBe(isJson(text, JSON.parse));
      },
    ),
    { numRuns: 2000 },
  );
});

it('keeps no piece that is longer than 4 MiB', () => {
  const long = JSON.stringify({ query: 'x'.repeat(4 * 1024 * 1024) });
  expect(piecesOf(`${long}\n{"a":1}`, 65_536)).toEqual([
    [1, undefined],
    [2, '{"a":1}'],
  ]);
});

it.each([
  ['{"a":1}\n{"a":"\u00e4"}', 'latin1', 2],
  ['{"a":1}', 'utf16le', 1],
  ['\uFEFF{"a":1}', 'utf16le', 1],
] as const)('%j in %s is refused', (text, encoding, line) => {
  const scanner = new JsonScanner();
  const scan = (): unknown => [...scanner.scan(Buffer.from(text, encoding)), ...scanner.end()];
  expect(scan).toThrow(expect.objectContaining({ line, message: 'it is not UTF-8' }));
});
