import { type AddressInfo, connect } from 'node:net';
import { longestInText } from '../../../../gateway/http/answer-text';
import { createBeginRequest } from '../../../../gateway/http/begin-request';
import { parseOptions } from '../../../../gateway/options';
import { createListener } from '../../../../gateway/process/clients/listener';
import type { ClientAnswer } from '../../../../gateway/request/sink';
import { openRequests } from '../../../support/requests-in-flight';
import { sinkOptions } from '../../../support/sink-options';

const { requests, log } = openRequests();
const options = parseOptions({ supergraph: 'none.graphql' });
/** What is answered to the requests that come, in turn. */
const answers: (ClientAnswer | ((send: (answer: ClientAnswer) => void) => void))[] = [];
const begin = createBeginRequest(
  options,
  requests,
  sinkOptions(() => ['vary', 'Origin']),
);
const server = createListener(options, (message, response) => {
  const { request } = begin(message, response);
  const next = answers.shift()!;
  if (typeof next === 'function') next((answer) => request.sink.answer(answer));
  else request.sink.answer(next);
});
beforeAll(() => new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening)));
afterAll(() => new Promise((closed) => server.close(closed)));
beforeEach(() => {
  log.length = 0;
});

const answer = (body: Buffer): ClientAnswer => ({
  status: 200,
  headers: ['x-a', 'ä', 'content-type', 'application/json', 'content-length', String(body.length)],
  body,
});
const small = Buffer.from('{"data":{"a":"ä€𝄞"}}');

/** All that is sent on a connection for these requests, until `end` of it is there. */
async function ask(sent: string, end: Buffer | string, count = 1): Promise<Buffer> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(sent, 'latin1');
  let got = Buffer.alloc(0);
  for await (const piece of socket) {
    got = Buffer.concat([got, piece as Buffer]);
    if (occurrences(got, end) === count && got.subarray(-end.length).equals(Buffer.from(end))) break;
  }
  return got;
}

const occurrences = (bytes: Buffer, part: Buffer | string): number =>
  bytes.toString('latin1').split(Buffer.from(part).toString('latin1')).length - 1;

const get = (more = '', version = '1.1', method = 'GET'): string =>
  `${method} /graphql HTTP/${version}\r\nhost: a\r\n${more}\r\n`;

/** The lines of a head, without what differs from answer to answer. */
const headOf = (message: Buffer): string[] =>
  message
    .subarray(0, message.indexOf('\r\n\r\n'))
    .toString('latin1')
    .replace(/Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/, 'Date: then')
    .replace(/content-length: \d+/, 'content-length: n')
    .split('\r\n');

describe('a small answer over HTTP/1.1', () => {
  it.each([
    ['1.1', ''],
    ['1.0', 'connection: keep-alive\r\n'],
    ['1.1', 'connection: close\r\n'],
  ])('has the head that Node gives to large ones, for HTTP/%s %s', async (version, more) => {
    const large = Buffer.alloc(longestInText + 1, '1');
    answers.push(answer(small), answer(large));
    const [one, other] = [
      await ask(get(more, version), small),
      await ask(get(more, version), large.subarray(0, 100), (longestInText / 100) | 0),
    ];
    expect(headOf(one)).toEqual(headOf(other));
    expect(headOf(one)).toContain('Date: then');
    expect(one.subarray(one.indexOf('\r\n\r\n') + 4)).toEqual(small);
  });

  it('has its own value of a header that an earlier one had, too', async () => {
    const values = ['one', 'one', 'other', 'one'];
    for (const value of values)
      answers.push({ ...answer(small), headers: ['x-a', value, 'content-length', String(small.length)] });
    const heads = [];
    while (answers.length > 0) heads.push(headOf(await ask(get(), small))[2]);
    expect(heads).toEqual(values.map((value) => `x-a: ${value}`));
  });

  it('has no body for HEAD', async () => {
    answers.push(answer(small));
    const got = await ask(get('connection: close\r\n', '1.1', 'HEAD'), '\r\n\r\n');
    expect(got.toString('latin1')).toContain(`content-length: ${small.length}`);
    expect(got.includes(small)).toBe(false);
  });

  it('waits for its turn behind the answer of an earlier request', async () => {
    let answerFirst!: () => void;
    answers.push(
      (send) => (answerFirst = () => send(answer(Buffer.from('"first"')))),
      (send) => {
        send(answer(small));
        setImmediate(answerFirst);
      },
    );
    const got = await ask(get() + get(), small);
    expect(got.indexOf('"first"')).toBeLessThan(got.indexOf(small));
  });

  it('gives its body back at once, as it was copied', async () => {
    const release = jest.fn();
    let releasedAtOnce = 0;
    answers.push((send) => {
      send({ ...answer(small), release });
      releasedAtOnce = release.mock.calls.length;
    });
    await ask(get(), small);
    expect([releasedAtOnce, release.mock.calls.length]).toEqual([1, 1]);
  });

  it.each(['a\r\nset-cookie: b', 'a\nb', '€'])('is not sent with the header value %j', async (value) => {
    let thrown: unknown;
    answers.push((send) => {
      try {
        send({ ...answer(small), headers: ['x-a', value, 'content-length', '2'] });
      } catch (error) {
        thrown = error;
      }
      send(answer(small));
    });
    const got = await ask(get(), small);
    expect(thrown).toMatchObject({ code: 'ERR_INVALID_CHAR' });
    expect(headOf(got)[1]).toBe('vary: Origin');
    expect(occurrences(got, 'HTTP/1.1')).toBe(1);
  });
});

it('counts a small answer as sent', async () => {
  answers.push(answer(small));
  await ask(get(), small);
  expect(log).toMatchObject([{ status: 200 }]);
});
