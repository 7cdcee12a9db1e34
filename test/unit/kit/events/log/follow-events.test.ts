import { EventEmitter, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { followEvents } from '../../../../../kit/events/log/follow-events';

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Follows a publisher that does this with each connection; gives the positions, and what was said of trouble. */
async function follow(answers: readonly ((response: ServerResponse) => void)[]) {
  const asked: (string | null)[] = [];
  const server = createServer(({ url }, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    answers[asked.length]?.(response);
    asked.push(new URL(url!, 'http://localhost').searchParams.get('after'));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const over = new AbortController();
  closing.push(() => {
    over.abort();
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const trouble: string[] = [];
  const followed = followEvents({
    publisher: { url: `http://127.0.0.1:${port}/events`, headers: () => ({}) },
    ...{ types: ['A'], after: '', signal: over.signal, onTrouble: (reason) => trouble.push(reason) },
  });
  const positions: string[] = [];
  for await (const { position } of followed) {
    positions.push(position);
    if (positions.length === answers.length) break;
  }
  return { asked, positions, trouble };
}

describe('followEvents', () => {
  it('comes back to a publisher that stops, from where it was, and says nothing of it', async () => {
    expect(
      await follow([
        (response) => response.end('id: 1\ndata: {}\n\nretry: 1000\n\n'),
        (response) => response.write('id: 2\ndata: {}\n\n'),
      ]),
    ).toEqual({ asked: ['', '1'], positions: ['1', '2'], trouble: [] });
  });

  it('leaves a connection whose frame does not end', async () => {
    const { asked, trouble } = await follow([
      (response) => response.write(`id: 1\ndata: ${'x'.repeat(2 ** 21)}`),
      (response) => response.write('id: 1\ndata: {}\n\nid: 2\ndata: {}\n\n'),
    ]);
    expect({ asked, trouble }).toEqual({ asked: ['', ''], trouble: [expect.stringMatching(/buffer/i)] });
  });

  it('says why where a connection ends that the publisher has not given up', async () => {
    expect(
      await follow([
        (response) => response.end('id: 1\ndata: {}\n\n'),
        (response) => response.write('id: 2\ndata: {}\n\n'),
      ]),
    ).toMatchObject({ positions: ['1', '2'], trouble: ['it ended'] });
  });
});

describe('a follower that is stopped', () => {
  it.each([
    ['has not answered', () => undefined],
    ['sends nothing', (response: ServerResponse) => response.writeHead(200).flushHeaders()],
    ['refuses, but never to the end', (response: ServerResponse) => response.writeHead(502).flushHeaders()],
  ])('ends at once where the publisher %s, and `fetch` has forgotten its signal', async (_, answer) => {
    // As it does when the request is collected as garbage.
    const real = globalThis.fetch;
    const fetching = jest
      .spyOn(globalThis, 'fetch')
      .mockImplementation((url, { headers } = {}) => real(url, headers ? { headers } : {}));
    const asked = new EventEmitter();
    const server = createServer((__, response) => {
      answer(response);
      asked.emit('request');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    closing.push(() => {
      fetching.mockRestore();
      server.close();
      server.closeAllConnections();
    });
    const over = new AbortController();
    const { port } = server.address() as AddressInfo;
    const followed = followEvents({
      publisher: { url: `http://127.0.0.1:${port}/events`, headers: () => ({}) },
      ...{ types: ['A'], after: '', signal: over.signal, onTrouble: () => undefined },
    });
    const next = followed.next();
    await once(asked, 'request');
    await sleep(50);
    over.abort();
    expect(await next).toMatchObject({ done: true });
  });
});

describe('what is said of a publisher that refuses', () => {
  async function troubleWith(status: number, body: string): Promise<string> {
    const server = createServer((_, response) => response.writeHead(status).end(body));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    closing.push(() => server.close());
    const over = new AbortController();
    let trouble = '';
    const followed = followEvents({
      publisher: {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
        headers: () => ({}),
      },
      ...{ types: ['A'], after: 'elsewhere-1', signal: over.signal },
      onTrouble(reason) {
        trouble = reason;
        over.abort();
      },
    });
    expect(await followed.next()).toMatchObject({ done: true });
    server.closeAllConnections();
    return trouble;
  }
  const answerOf = (message: unknown) => JSON.stringify({ errors: [{ message }] });

  it('is what the publisher says', async () => {
    const message = 'The position "elsewhere-1" is not one of the events of orders.';
    expect(await troubleWith(410, answerOf(message))).toBe(`it answered 410: ${message}`);
  });

  it.each([
    ['is no JSON', 'Bad gateway', 'it answered 502'],
    ['has no message', answerOf(1), 'it answered 502'],
    ['is empty', '', 'it answered 502'],
    ['is long', answerOf('x'.repeat(1000)), `it answered 502: ${'x'.repeat(300)}`],
    ['comes in many pieces', answerOf('x'.repeat(1_000_000)), 'it answered 502'],
  ])('is the status where the answer %s', async (_, body, trouble) => {
    expect(await troubleWith(502, body)).toBe(trouble);
  });
});
