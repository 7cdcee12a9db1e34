import fc from 'fast-check';
import { type Progress, ResponseParser } from '../../../../../gateway/transports/http1/response-parser';

/** Hands a response over in pieces, in one buffer that is used again for each of them. */
function parse(text: string, sizes: Iterable<number> = [Infinity], maxBodySize = 1000) {
  const parser = new ResponseParser(maxBodySize);
  const bytes = Buffer.from(text, 'latin1');
  const lent = Buffer.alloc(bytes.length);
  let progress: Progress = 'more';
  let at = 0;
  for (const size of sizes) {
    const piece = bytes.subarray(at, at + size);
    at += piece.length;
    lent.set(piece);
    progress = parser.push(lent.subarray(0, piece.length));
    lent.fill(0);
    if (progress !== 'more' || at === bytes.length) break;
  }
  return { parser, progress, bodyText: parser.body.toString('latin1') };
}

const head = (...lines: string[]): string => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');

const responses: Record<string, { text: string; body: string }> = {
  'a length': { text: `${head('Content-Length: 5', 'X-A:  b ')}hello`, body: 'hello' },
  'a length of nothing': { text: head('content-length: 0'), body: '' },
  chunks: {
    text: `${head('transfer-encoding: Chunked')}5\r\nhello\r\nA;x="y"\r\n0123456789\r\n0\r\nt: 1\r\n\r\n`,
    body: 'hello0123456789',
  },
  'no status text': { text: 'HTTP/1.1 200\r\ncontent-length: 1\r\n\r\na', body: 'a' },
  'an informational response before it': {
    text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n${head('content-length: 2')}{}`,
    body: '{}',
  },
};

describe('the parser of HTTP/1.1 responses', () => {
  describe.each(Object.entries(responses))('takes a response with %s', (_what, { text, body }) => {
    it('in one piece', () => {
      const { parser, progress, bodyText } = parse(text);
      expect(progress).toBe('complete');
      expect(bodyText).toBe(body);
      expect(parser).toMatchObject({ status: 200, reusable: true });
    });

    it('cut anywhere', () => {
      for (let at = 1; at < text.length; at++) expect(parse(text, [at, Infinity]).bodyText).toBe(body);
      expect(
        parse(
          text,
          Array.from(text, () => 1),
        ).bodyText,
      ).toBe(body);
    });
  });

  it('takes a response that ends with its connection', () => {
    const { parser, progress } = parse(`${head()}he`);
    expect(progress).toBe('more');
    parser.push(Buffer.from('llo'));
    expect(parser.end()).toBe('complete');
    expect(parser).toMatchObject({ body: Buffer.from('hello'), reusable: false });
  });

  it.each([204, 304])('takes a response %d without a body, whatever it says', (status) => {
    const { parser, progress } = parse(`HTTP/1.1 ${status} \r\ncontent-length: 5\r\n\r\n`);
    expect(progress).toBe('complete');
    expect(parser.body).toHaveLength(0);
  });

  it('tells headers in lower case, joined where there are many, cookies apart', () => {
    const { parser } = parse(
      head(
        'Cache-Control: a',
        'cache-control:b',
        'Set-Cookie: c=1',
        'set-cookie: d=2',
        'constructor: e',
        'content-length: 0',
      ),
    );
    expect(parser.headers).toEqual({
      'cache-control': 'a, b',
      'set-cookie': ['c=1', 'd=2'],
      constructor: 'e',
      'content-length': '0',
    });
  });

  it.each([
    ['connection: close', head('connection: close', 'content-length: 0')],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n'],
    ['bytes after it', `${head('content-length: 1')}ab`],
    ['bytes after its chunks', `${head('transfer-encoding: chunked')}0\r\n\r\nb`],
    ['bytes after no body', 'HTTP/1.1 204 No Content\r\n\r\nb'],
  ])('does not use a connection again for %s', (_what, text) => {
    const { parser, progress } = parse(text);
    expect(progress).toBe('complete');
    expect(parser.reusable).toBe(false);
  });

  it.each<[string, string, Progress]>([
    ['another protocol', 'SSH-2.0-x\r\n', 'not-http'],
    ['the beginning of another protocol', 'HTTQ', 'not-http'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n', 'not-http'],
    ['a status that is none', 'HTTP/1.1 999 OK\r\n\r\n', 'not-http'],
    ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'not-http'],
    ['a folded header', head('a: b', ' c', 'content-length: 0'), 'not-http'],
    ['a space before the colon', head('content-length : 0'), 'not-http'],
    ['a header without a name', head(': a'), 'not-http'],
    ['a bare line end', head('a: b\nc: d'), 'not-http'],
    ['a bare carriage return', head('a: b\rc: d'), 'not-http'],
    ['a zero byte', head('a: \0'), 'not-http'],
    ['two lengths', head('content-length: 1', 'content-length: 1'), 'not-http'],
    ['a length and chunks', head('content-length: 1', 'transfer-encoding: chunked'), 'not-http'],
    ['a negative length', head('content-length: -1'), 'not-http'],
    ['a length in hexadecimal', head('content-length: 0x1'), 'not-http'],
    ['an endless length', head(`content-length: ${'9'.repeat(20)}`), 'not-http'],
    ['a coding it does not know', head('transfer-encoding: gzip, chunked'), 'not-http'],
    ['a length over the limit', head('content-length: 1001'), 'too-large'],
    ['more than the limit, until the connection ends', `${head()}${'x'.repeat(1001)}`, 'too-large'],
    ['a chunk over the limit', `${head('transfer-encoding: chunked')}3e9\r\n`, 'too-large'],
    ['a chunk size that is none', `${head('transfer-encoding: chunked')}x\r\n`, 'not-http'],
    ['no chunk size', `${head('transfer-encoding: chunked')}\r\n`, 'not-http'],
    ['a chunk size of many digits', `${head('transfer-encoding: chunked')}000000001\r\n`, 'not-http'],
    ['a negative chunk size', `${head('transfer-encoding: chunked')}-1\r\n`, 'not-http'],
    ['a chunk that is longer than it says', `${head('transfer-encoding: chunked')}1\r\nab\r\n`, 'not-http'],
    ['a bare line end after a chunk size', `${head('transfer-encoding: chunked')}1\na\r\n`, 'not-http'],
    ['a bare line end in an extension', `${head('transfer-encoding: chunked')}1;a\nb\r\n`, 'not-http'],
    ['a bare line end in a trailer', `${head('transfer-encoding: chunked')}0\r\na: b\n\r\n`, 'not-http'],
    ['endless extensions', `${head('transfer-encoding: chunked')}1;${'x'.repeat(20_000)}`, 'too-large'],
    ['endless trailers', `${head('transfer-encoding: chunked')}0\r\n${'a: b\r\n'.repeat(5000)}`, 'too-large'],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(5000)}`, 'too-large'],
    ['a head over the limit', head('a: ' + 'b'.repeat(17_000)), 'too-large'],
  ])('refuses %s', (_what, text, failure) => {
    expect(parse(text).progress).toBe(failure);
    expect(
      parse(
        text,
        Array.from(text, () => 1),
      ).progress,
    ).toBe(failure);
  });

  it.each([
    ['a head', 'HTTP/1.1 200 OK\r\ncontent'],
    ['a body', `${head('content-length: 5')}hell`],
    ['a chunk', `${head('transfer-encoding: chunked')}5\r\nhell`],
    ['the last chunk', `${head('transfer-encoding: chunked')}5\r\nhello\r\n`],
    ['nothing', ''],
  ])('calls %s that is cut off a reset', (_what, text) => {
    const { parser, progress } = parse(text);
    expect(progress).toBe('more');
    expect(parser.end()).toBe('reset');
  });

  it('takes a body of a million chunks, byte by byte, without keeping an object for each', () => {
    const parser = new ResponseParser(2_000_000);
    const before = process.memoryUsage().heapUsed;
    parser.push(Buffer.from(head('transfer-encoding: chunked')));
    const chunks = Buffer.from('1\r\na\r\n'.repeat(1000));
    for (let index = 0; index < 1000; index++) parser.push(chunks);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
    expect(parser.push(Buffer.from('0\r\n\r\n'))).toBe('complete');
    expect(parser.body).toHaveLength(1_000_000);
  });

  it('takes any body in chunks of any size, in pieces of any size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        (chunks, sizes) => {
          const encoded = chunks
            .map((chunk) => `${chunk.length.toString(16)}\r\n${Buffer.from(chunk).toString('latin1')}\r\n`)
            .join('');
          const text = `${head('transfer-encoding: chunked')}${encoded}0\r\n\r\n`;
          const pieces = [...sizes, ...Array.from({ length: text.length }, () => sizes[0]!)];
          const { progress, bodyText, parser } = parse(text, pieces);
          expect(progress).toBe('complete');
          expect(parser.reusable).toBe(true);
          expect(bodyText).toBe(Buffer.concat(chunks).toString('latin1'));
        },
      ),
    );
  });

  it('never throws, and never takes more than the limit, whatever comes', () => {
    const token = fc.oneof(
      fc.constantFrom(
        'HTTP/1.1 200 OK\r\n',
        '\r\n',
        '\r',
        '\n',
        'content-length: 3',
        'transfer-encoding: chunked',
        '5;',
        ': ',
      ),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), (tokens, size) => {
        const text = tokens.join('');
        const { parser } = parse(
          text,
          Array.from({ length: text.length + 1 }, () => size),
          50,
        );
        parser.end();
        expect(parser.body.length).toBeLessThanOrEqual(50);
      }),
    );
  });
});
