import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { urlSource, type UrlSourceOptions } from '../../../../gateway/supergraph/url';
import type { SupergraphSource } from '../../../../gateway/supergraph/source';

let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: IncomingMessage[];
let source: SupergraphSource | undefined;
let heard: string[];
let news: (() => void) | undefined;

beforeEach(async () => {
  asked = [];
  heard = [];
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
    news?.();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/supergraph`;
});

afterEach(async () => {
  await source?.stop();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const start = (options: Partial<UrlSourceOptions> = {}) => {
  source = urlSource({ url, pollInterval: 10, ...options });
  return source.start({
    onSupergraph: (sdl) => hear(sdl),
    onUnavailable: ({ message }) => hear(`unavailable: ${message.replace(url, 'URL')}`),
  });
};

function hear(text: string): void {
  heard.push(text);
  news?.();
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => (news = resolve));
}

it('resolves with the answer, and reports another one', async () => {
  let content = 'first';
  answer = (_, response) => response.end(content);
  expect(await start()).toBe('first');
  content = 'second';
  await until(() => heard.length > 0);
  const looks = asked.length;
  await until(() => asked.length > looks + 2);
  expect(heard).toEqual(['second']);
});

it('sends its headers, and asks for the answer only if it changed', async () => {
  answer = ({ headers }, response) => {
    if (headers['if-none-match'] === '"v1"') response.writeHead(304).end();
    else response.setHeader('etag', '"v1"').end('first');
  };
  expect(await start({ headers: { authorization: 'Bearer t' } })).toBe('first');
  await until(() => asked.length >= 3);
  expect(asked[2]!.headers).toMatchObject({ authorization: 'Bearer t', 'if-none-match': '"v1"' });
  expect(heard).toEqual([]);
});

it.each([
  ['an error', (response: ServerResponse) => response.writeHead(503).end('<html>'), 'HTTP status 503'],
  ['nothing', (response: ServerResponse) => response.end(''), 'is empty'],
  ['no connection', (response: ServerResponse) => response.destroy(), 'cannot be fetched'],
  ['silence', () => undefined, 'cannot be fetched'],
])('starts without a supergraph when the answer is %s, and goes on trying', async (_, fail, reason) => {
  answer = (__, response) => fail(response);
  expect(await start({ timeout: 1000 })).toBeUndefined();
  expect(heard[0]).toContain(reason);
  answer = (__, response) => response.end('at last');
  await until(() => heard.includes('at last'));
});

it('stops at once, also in the middle of a look', async () => {
  answer = (_, response) => response.end('first');
  await start();
  answer = () => undefined;
  const looks = asked.length;
  await until(() => asked.length > looks);
  await source!.stop();
  expect(heard).toEqual([]);
});
