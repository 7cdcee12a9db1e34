import type { KnownLines } from '../../../../../../gateway/subgraph-calls/wire/http1/answer-head';
import type { MisreadReason } from '../../../../../../gateway/subgraph-calls/wire/http1/refusals';
import {
  AnswerParser,
  type Progress,
} from '../../../../../../gateway/subgraph-calls/wire/http1/answer-parser';
import { amountOf, timeFor } from '../../../../../support/amounts';
import {
  changedAnswer,
  plainAnswer,
  randomFrom,
  type ReadAnswer,
  readByNode,
  readByUndici,
} from '../../../../../support/http1-answers';

const maxBody = 1000;

/** Reads pieces until the parser has an opinion. */
function read(
  pieces: Iterable<Buffer>,
  known: KnownLines = [],
): { progress: Progress; size: number; answer: ReadAnswer } {
  const parser = new AnswerParser(known);
  parser.maxBody = maxBody;
  let progress: Progress = 'more';
  let size = 0;
  for (const piece of pieces) {
    // A piece stands in a buffer that is used again.
    const buffer = Buffer.concat([piece, Buffer.from('HTTP/1.1 ')]);
    progress = parser.read(buffer, piece.length);
    buffer.fill('?');
    size += piece.length;
    if (progress !== 'more') break;
  }
  const { status, headers, isReusable } = parser.head;
  const texts = Object.entries(headers).map(([name, value]) => [name, [value].flat().join('\n')]);
  const answer = {
    status,
    headers: Object.fromEntries(texts),
    isReusable,
    body: parser.takeBody().toString('latin1'),
  };
  return { progress, size, answer };
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const progressOf = (text: string): Progress => read([latin1(text)]).progress;

function* inPieces(bytes: Buffer, sizeOf: () => number): Iterable<Buffer> {
  for (let at = 0; at < bytes.length;) yield bytes.subarray(at, (at += sizeOf()));
}

describe('the parser of the strict client', () => {
  it('reads a body of known length, and one in chunks', () => {
    for (const framed of [
      'Content-Length: 4\r\n\r\n{}\r\n',
      'Transfer-Encoding: chunked\r\n\r\n3\r\n{}\r\r\n01\r\n\n\r\n0\r\n\r\n',
    ]) {
      const bytes = latin1(
        `HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nX-A: 1\r\nx-a:2 \r\n${framed}`,
      );
      for (const size of [1, 2, 3, 7, 1000]) {
        const { progress, answer } = read(inPieces(bytes, () => size));
        expect(progress).toBe('complete');
        expect(answer).toMatchObject({ status: 200, body: '{}\r\n', isReusable: true });
        expect(answer.headers).toMatchObject({ 'set-cookie': 'a\nb', 'x-a': '1, 2' });
      }
    }
  });

  it('reads one response after the other, whose lines are equal or differ', () => {
    const parser = new AnswerParser([]);
    parser.maxBody = maxBody;
    const texts = ['HTTP/1.1 200 OK\r\nX-A: a\r\nContent-Length: 1\r\n\r\n1'];
    texts.push(texts[0]!, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\n22');
    texts.push('HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', texts[0]!);
    const answers = texts.map((text) => {
      expect(parser.read(latin1(text), text.length)).toBe('complete');
      return [
        parser.head.status,
        parser.head.headers['x-a'],
        parser.takeBody().toString(),
        parser.head.isReusable,
      ];
    });
    expect(answers).toEqual([
      [200, 'a', '1', true],
      [200, 'a', '1', true],
      [200, 'b', '22', true],
      [503, undefined, '', false],
      [200, 'a', '1', true],
    ]);
  });

  it('keeps no body that was taken, as its connection may be idle for long', () => {
    const parser = new AnswerParser([]);
    parser.maxBody = maxBody;
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1';
    expect(parser.read(latin1(text), text.length)).toBe('complete');
    expect([parser.takeBody().length, parser.takeBody().length]).toEqual([1, 0]);
  });

  it('says how long the subgraph keeps the connection', () => {
    const keepAliveOf = (field: string): number => {
      const parser = new AnswerParser([]);
      const text = `HTTP/1.1 200 OK\r\n${field}\r\nContent-Length: 0\r\n\r\n`;
      expect(parser.read(latin1(text), text.length)).toBe('complete');
      return parser.head.keepAlive;
    };
    expect(keepAliveOf('Keep-Alive: timeout=5')).toBe(5000);
    expect(keepAliveOf('keep-alive: timeout=7, max=3')).toBe(7000);
    expect(keepAliveOf('keep-alive: max=3')).toBe(Infinity);
  });

  const ok = 'HTTP/1.1 200 OK\r\n';
  const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
  it.each<[what: string, refusal: MisreadReason, text: string]>([
    ['two equal lengths', 'framing', `${ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`],
    ['two different lengths', 'framing', `${ok}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    ['a list of lengths', 'framing', `${ok}Content-Length: 2, 2\r\n\r\n{}`],
    ['a length with a sign', 'framing', `${ok}Content-Length: +2\r\n\r\n{}`],
    ['a length below 0', 'framing', `${ok}Content-Length: -2\r\n\r\n{}`],
    ['a length in hexadecimal', 'framing', `${ok}Content-Length: 0x2\r\n\r\n{}`],
    ['a length with a space', 'framing', `${ok}Content-Length: 2 2\r\n\r\n{}`],
    ['an empty length', 'framing', `${ok}Content-Length:\r\n\r\n`],
    ['a length of 20 digits', 'framing', `${ok}Content-Length: 18446744073709551618\r\n\r\n{}`],
    [
      'a length and chunks',
      'framing',
      `${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'chunks and a length',
      'framing',
      `${ok}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n`,
    ],
    [
      'chunked twice',
      'framing',
      `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['chunked in a list', 'framing', `${ok}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
    ['another transfer coding', 'framing', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['the coding identity', 'framing', `${ok}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}`],
    ['a coding with a vertical tab', 'header', `${ok}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
    ['a coding with a tab behind it', 'framing', `${ok}Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n`],
    ['a length with spaces', 'framing', `${ok}Content-Length:  2\r\n\r\n{}`],
    ['neither length nor chunks', 'unframed', `${ok}Content-Type: a/b\r\n\r\n{}`],
    ['a space in front of a colon', 'header', `${ok}Content-Length : 2\r\n\r\n{}`],
    ['a folded line', 'header', `${ok}X-A: a\r\n b\r\nContent-Length: 2\r\n\r\n{}`],
    ['a folded length', 'framing', `${ok}Content-Length:\r\n 2\r\n\r\n{}`],
    ['a line that LF alone ends', 'header', `${ok}X-A: a\nContent-Length: 2\r\n\r\n{}`],
    ['a head that LF LF ends', 'status-line', 'HTTP/1.1 200 OK\nContent-Length: 2\n\n{}\r\n\r\n'],
    ['CR alone in a value', 'header', `${ok}X-A: a\rContent-Length: 3\r\nContent-Length: 2\r\n\r\n{}`],
    ['CR alone at the end', 'header', `${ok}Content-Length: 2\r\n\r{}\r\n\r\n`],
    ['NUL in a value', 'header', `${ok}X-A: \0\r\nContent-Length: 2\r\n\r\n{}`],
    ['a line without colon', 'header', `${ok}X-A\r\nContent-Length: 2\r\n\r\n{}`],
    ['a line without name', 'header', `${ok}: a\r\nContent-Length: 2\r\n\r\n{}`],
    ['a name with a space', 'header', `${ok}X A: a\r\nContent-Length: 2\r\n\r\n{}`],
    ['a name with a byte above ASCII', 'header', `${ok}X\xe9: a\r\nContent-Length: 2\r\n\r\n{}`],
    ['a name of every object', 'header', `${ok}constructor: a\r\nContent-Length: 2\r\n\r\n{}`],
    ['a prototype', 'header', `${ok}__proto__: a\r\nContent-Length: 2\r\n\r\n{}`],
    [
      'trailers that are announced',
      'trailers',
      `${ok}Trailer: x-a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['an upgrade', 'upgrade', `${ok}Upgrade: h2c\r\nContent-Length: 2\r\n\r\n{}`],
    ['an upgrade of the connection', 'upgrade', `${ok}Connection: upgrade\r\nContent-Length: 2\r\n\r\n{}`],
    [
      'another option of the connection',
      'connection',
      `${ok}Connection: keep-alive, x\r\nContent-Length: 2\r\n\r\n{}`,
    ],
    ['100', 'informational', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['101', 'informational', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    [
      '103',
      'informational',
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
    ],
    ['204 with a length', 'bodiless', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}'],
    ['304 with a length', 'bodiless', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n'],
    ['a status of two digits', 'status-line', 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\n{}'],
    ['a status above 599', 'status-line', 'HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\n{}'],
    ['HTTP/1.0', 'status-line', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}'],
    ['HTTP/2.0', 'status-line', 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}'],
    ['http in lower case', 'status-line', 'http/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'],
    ['an empty line in front', 'status-line', `\r\n${ok}Content-Length: 2\r\n\r\n{}`],
    ['another protocol', 'status-line', 'SSH-2.0-OpenSSH_9.7\r\n\r\n'],
    ['a byte after the body', 'excess', `${ok}Content-Length: 2\r\n\r\n{}!`],
    [
      'a response after the body',
      'excess',
      `${ok}Content-Length: 2\r\n\r\n{}${ok}Content-Length: 2\r\n\r\n{}`,
    ],
    ['a byte after the last chunk', 'excess', `${chunked}2\r\n{}\r\n0\r\n\r\n!`],
    ['a chunk with an extension', 'chunk', `${chunked}2;a=b\r\n{}\r\n0\r\n\r\n`],
    ['a last chunk with an extension', 'chunk', `${chunked}2\r\n{}\r\n0;a\r\n\r\n`],
    ['a chunk size with a sign', 'chunk', `${chunked}+2\r\n{}\r\n0\r\n\r\n`],
    ['a chunk size with a prefix', 'chunk', `${chunked}0x2\r\n{}\r\n0\r\n\r\n`],
    ['a chunk size with a space', 'chunk', `${chunked}2 \r\n{}\r\n0\r\n\r\n`],
    ['a chunk size of nine digits', 'chunk', `${chunked}000000002\r\n{}\r\n0\r\n\r\n`],
    ['a chunk without size', 'chunk', `${chunked}\r\n{}\r\n0\r\n\r\n`],
    ['a chunk size that LF ends', 'chunk', `${chunked}2\n{}\r\n0\r\n\r\n`],
    ['a chunk that is longer than its size', 'chunk', `${chunked}2\r\n{}}\r\n0\r\n\r\n`],
    ['a chunk that LF ends', 'chunk', `${chunked}2\r\n{}\n0\r\n\r\n`],
    ['trailers', 'trailers', `${chunked}2\r\n{}\r\n0\r\nX-A: a\r\n\r\n`],
    [
      'a head over the limit',
      'header-size',
      `${ok}${`X-A: ${'a'.repeat(90)}\r\n`.repeat(180)}Content-Length: 2\r\n\r\n{}`,
    ],
  ])('refuses %s (%s), whole and byte by byte', (_what, refusal, text) => {
    expect(progressOf(text)).toBe(refusal);
    const { progress, size } = read(inPieces(latin1(text), () => 1));
    // What follows a response is refused by the connection: a call is over by then.
    expect(progress === refusal || (progress === 'complete' && size < text.length)).toBe(true);
  });

  it('refuses a head without end before it is kept as a whole', () => {
    const line = latin1('x-filler: 0123456789\r\n');
    const lines = [latin1(ok), ...Array<Buffer>(5000).fill(line)];
    expect(read(lines)).toMatchObject({ progress: 'header-size', size: expect.closeTo(16 * 1024, -2) });
  });

  it('takes no body over the limit', () => {
    expect(progressOf(`${ok}Content-Length: ${maxBody + 1}\r\n\r\n`)).toBe('too-large');
    expect(progressOf(`${chunked}${(maxBody + 1).toString(16)}\r\n`)).toBe('too-large');
    const chunk = `200\r\n${'x'.repeat(512)}\r\n`;
    expect(progressOf(`${chunked}${chunk}`)).toBe('more');
    expect(progressOf(`${chunked}${chunk}${chunk}`)).toBe('too-large');
  });

  it('keeps no more of the lines of heads than it must', () => {
    const known: KnownLines = [];
    const many = `${`X-A: a\r\n`.repeat(1000)}X-B: ${'b'.repeat(5000)}\r\n`;
    expect(read([latin1(`${ok}${many}Content-Length: 0\r\n\r\n`)], known).progress).toBe('complete');
    expect(read([latin1(`${ok}X-B: ${'b'.repeat(5000)}\r\nContent-Length: 0\r\n\r\n`)], known).progress).toBe(
      'complete',
    );
    const kept = known.reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(kept).toBeLessThan(32 * 256);
  });

  const wanted = amountOf('WEIR_FUZZ', 5_000, 200_000);
  const seed = Number(process.env['WEIR_SEED'] ?? Date.now() % 1e9);

  it(
    `understands no response otherwise than Node does (seed ${seed})`,
    () => {
      // Shared, as by the connections of a subgraph.
      const known: KnownLines = [];
      const counts = { complete: 0, refused: 0, more: 0, 'too-large': 0 };
      for (let i = 0; i < wanted; i++) {
        const random = randomFrom(seed + i);
        const plain = plainAnswer(random);
        const text = changedAnswer(plain, random);
        const bytes = latin1(text);
        const { progress, answer } = read([bytes], known);
        const byNode = readByNode(bytes);
        if (progress in counts) counts[progress as keyof typeof counts]++;
        else counts.refused++;
        const check = (is: unknown, should: unknown): void => {
          // `expect` alone would take longer than all the parsers.
          if (JSON.stringify(is) !== JSON.stringify(should))
            expect([`seed ${seed + i}`, text, is]).toEqual([`seed ${seed + i}`, text, should]);
        };
        if (text === plain) check(progress, 'complete');
        if (progress === 'complete') check(answer, byNode);
        // Nobody waits for what is there already.
        if (progress === 'more') check(byNode, undefined);
        const parts = read(
          inPieces(bytes, () => 1 + random.below(9)),
          known,
        );
        if (progress === 'complete') check([parts.progress, parts.answer], [progress, answer]);
        else if (parts.progress === 'complete')
          check(parts.answer, readByNode(bytes.subarray(0, parts.size)));
      }
      for (const progress of ['complete', 'refused', 'more'] as const)
        expect(counts[progress]).toBeGreaterThan(wanted / 50);
    },
    timeFor(wanted, 5_000),
  );

  it(
    `understands no response otherwise than undici does (seed ${seed})`,
    async () => {
      for (let i = 0; i < wanted / 20; i++) {
        const random = randomFrom(seed + i);
        const text = changedAnswer(plainAnswer(random), random);
        const { progress, answer } = read([latin1(text)]);
        if (progress !== 'complete') continue;
        const { status, headers, body } = answer;
        expect([text, await readByUndici(latin1(text))]).toEqual([text, { status, headers, body }]);
      }
    },
    timeFor(wanted, 5_000),
  );
});
