/** Answers over HTTP/1.1 for clients of subgraphs. Over 300 lines: each way to desynchronise a connection is named. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Client } from 'undici';

/** What a parser makes of the bytes of one response and its connection. */
export interface ReadAnswer {
  readonly status: number;
  /** Names in lower case; what occurs several times is joined, cookies with a line break. */
  readonly headers: Readonly<Record<string, string>>;
  /** In Latin-1. */
  readonly body: string;
  readonly isReusable: boolean;
}

/** Random numbers that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number) {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (end: number): number => Math.floor(next() * end);
  const among = <Each>(list: readonly Each[]): Each => list[below(list.length)]!;
  return { below, among };
}

type Random = ReturnType<typeof randomFrom>;

/** A response that the strict client understands, in Latin-1. */
export function plainAnswer({ below, among }: Random): string {
  const body = 'x{"data":null}'.repeat(4).slice(0, below(40));
  const fields = Array.from({ length: below(4) }, () => among(plainFields));
  if (below(8) === 0) fields.push(among(['Connection: keep-alive', 'connection:close']));
  const isChunked = below(3) === 0;
  const framing = isChunked
    ? among(['Transfer-Encoding: chunked', 'transfer-encoding:Chunked'])
    : among([`Content-Length: ${body.length}`, `content-length:${'0'.repeat(below(3))}${body.length}`]);
  fields.splice(below(fields.length + 1), 0, framing);
  const head = [
    `HTTP/1.1 ${among([200, 200, 400, 500, 299])} ${among(['OK', '', 'No\tOK \xe9'])}`,
    ...fields,
  ];
  return `${head.join('\r\n')}\r\n\r\n${isChunked ? inChunks(body, below) : body}`;
}

const plainFields = [
  ...['Content-Type: application/json', 'Cache-Control: max-age=5', 'cache-control: private', 'X-A:'],
  ...[
    'Set-Cookie: a=1',
    'set-cookie: b=2; Path=/',
    'Date: Fri, 27 Nov 2026 00:00:00 GMT',
    "!#$%&'*+-.^_`|~: \xff",
  ],
  ...[
    'Keep-Alive: timeout=5',
    'Keep-Alive: timeout=72, max=100',
    'X-Long: '.padEnd(300, 'y'),
    'x-b: \t c:d \t ',
  ],
];

function inChunks(body: string, below: Random['below']): string {
  let chunks = '';
  for (let at = 0; at < body.length;) {
    const chunk = body.slice(at, (at += 1 + below(20)));
    chunks += `${'0'.repeat(below(2))}${chunk.length.toString(16)}\r\n${chunk}\r\n`;
  }
  return `${chunks}${'0'.repeat(1 + below(2))}\r\n\r\n`;
}

/** Changes up to three things in a response. */
export function changedAnswer(answer: string, { below, among }: Random): string {
  let changed = answer;
  for (let count = below(4); count > 0; count--) {
    const at = below(changed.length + 1);
    const [before, after] = [changed.slice(0, at), changed.slice(at)];
    switch (below(6)) {
      case 0:
        changed = before + String.fromCharCode(below(256)) + after.slice(1);
        break;
      case 1:
        changed = before + after.slice(1 + below(4));
        break;
      case 2:
        changed = before + among(oddBytes) + after;
        break;
      case 3:
        changed = among([before, `${changed}${among(oddBytes)}`, changed + answer]);
        break;
      default: {
        // In front of a line, where most of the meaning is.
        const lines = changed.split('\r\n');
        lines.splice(below(lines.length), below(2), among([...oddLines, among(lines)]));
        changed = lines.join('\r\n');
      }
    }
  }
  return changed;
}

const oddBytes = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  ' ',
  '\t',
  ':',
  '\0',
  '\x0b',
  '\x7f',
  '\xa0',
  '\xff',
  '+',
  '-',
  ',',
];
oddBytes.push('0', '1', 'x', '0x', ';a=b', '_', 'f', '0\r\n\r\n', '\n\n', 'HTTP/1.1 200 OK\r\n');

const oddLines = [
  ...[
    'Content-Length: 0',
    'Content-Length: 3',
    'content-length : 3',
    'Content-Length: +3',
    'Content-Length: 3, 3',
  ],
  ...[
    'Content-Length: 0x3',
    'Content-Length:',
    'Content-Length: 3 3',
    'Content-Length: 18446744073709551617',
  ],
  ...['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: chunked, gzip'],
  ...[
    'Transfer-Encoding: identity',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding:',
  ],
  ...[
    'Transfer-Encoding: \x0bchunked',
    'Transfer-Encoding: chunked\x0b',
    ' Transfer-Encoding: chunked',
    '\tfolded',
  ],
  ...[
    'Connection: close',
    'Connection: upgrade',
    'Connection: close, keep-alive',
    'Upgrade: h2c',
    'Trailer: x-a',
  ],
  ...[
    'HTTP/1.1 100 Continue',
    'HTTP/1.1 101 Switching',
    'HTTP/1.1 204 None',
    'HTTP/1.1 304 Same',
    'HTTP/1.0 200 OK',
  ],
  ...[
    'HTTP/1.1 200',
    'HTTP/1.1  200 OK',
    'HTTP/2 200',
    'http/1.1 200 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 099 ?',
  ],
  ...[
    ': no name',
    'no colon',
    'x y: z',
    'x-a: b\nx-c: d',
    'x-a: b\rx-c: d',
    '__proto__: x',
    'constructor: x',
    '',
  ],
  ...[
    '5',
    '0',
    '-1',
    '+5',
    '0x5',
    ' 5',
    '5 ',
    '5;a=b',
    '5;a="\r\n"',
    '00000000005',
    'fffffffff',
    '0 ',
    '0;a',
  ],
];

/** Joins what occurs several times as `ReadAnswer.headers` says. @param list names and values in turn */
function joined(list: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!.toLowerCase();
    const before = headers.get(name);
    const separator = name === 'set-cookie' ? '\n' : ', ';
    headers.set(name, before === undefined ? list[i + 1]! : before + separator + list[i + 1]!);
  }
  return Object.fromEntries(headers);
}

/** What Node's own parser reads: undefined unless the bytes are one whole response, without any byte more. */
export function readByNode(bytes: Buffer): ReadAnswer | undefined {
  const list: string[] = [];
  const answers: { status: number; isReusable: boolean; body: string; isComplete: boolean }[] = [];
  const parser = new NodeParser();
  parser.initialize(NodeParser.RESPONSE, {});
  parser[NodeParser.kOnHeaders] = (headers) => void list.push(...headers);
  parser[NodeParser.kOnHeadersComplete] = (...[, , headers = [], , , status, , , isReusable]) => {
    list.push(...headers);
    answers.push({ status, isReusable, body: '', isComplete: false });
    return 0;
  };
  parser[NodeParser.kOnBody] = (piece) => void (answers.at(-1)!.body += piece.toString('latin1'));
  parser[NodeParser.kOnMessageComplete] = () => void (answers.at(-1)!.isComplete = true);
  const read = parser.execute(bytes);
  const isRefused = read !== bytes.length;
  parser.close();
  const [answer] = answers;
  if (isRefused || answers.length !== 1 || answer?.isComplete !== true) return undefined;
  const { status, isReusable, body } = answer;
  return { status, headers: joined(list), body, isReusable };
}

/** The binding of llhttp that `node:http` is made of. */
const { HTTPParser: NodeParser } = jest.requireActual<{ HTTPParser: NodeParserClass }>('_http_common');

interface NodeParserClass {
  new (): NodeParserBinding;
  readonly RESPONSE: number;
  readonly kOnHeaders: 1;
  readonly kOnHeadersComplete: 2;
  readonly kOnBody: 3;
  readonly kOnMessageComplete: 4;
}

interface NodeParserBinding {
  initialize(type: number, resource: object): void;
  execute(bytes: Buffer): number | Error;
  close(): void;
  1: (headers: string[]) => void;
  2: (
    major: number,
    minor: number,
    headers: string[] | undefined,
    method: unknown,
    url: unknown,
    status: number,
    reason: string,
    upgrade: boolean,
    isReusable: boolean,
  ) => number;
  3: (piece: Buffer) => void;
  4: () => void;
}

/** What undici reads: undefined if that is no response. It ignores bytes that follow, and keeps blanks after values. */
export async function readByUndici(bytes: Buffer): Promise<Omit<ReadAnswer, 'isReusable'> | undefined> {
  let isSent = false;
  const socket = new Duplex({
    read: () => undefined,
    write(_request, _encoding, done) {
      if (!isSent) this.push(bytes);
      isSent = true;
      setImmediate(() => this.push(null));
      done();
    },
  });
  const client = new Client('http://subgraph.test', {
    connect: (_target, connected) => setImmediate(() => connected(null, socket as unknown as Socket)),
  });
  const answer = await new Promise<Omit<ReadAnswer, 'isReusable'> | undefined>((resolve) => {
    let status = 0;
    let headers: Record<string, string> = {};
    let body = '';
    client.dispatch(
      { path: '/', method: 'POST', body: '{}' },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, code, got) => {
          status = code;
          headers = joined(
            Object.entries(got).flatMap(([name, value]) =>
              [value!].flat().flatMap((each) => [name, each.replace(/[\t ]+$/, '')]),
            ),
          );
        },
        onResponseData: (_controller, piece) => void (body += piece.toString('latin1')),
        onResponseEnd: () => resolve({ status, headers, body }),
        onResponseError: () => resolve(undefined),
      },
    );
  });
  await client.destroy();
  return answer;
}
