import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fetchJson } from '../../../../../gateway/auth/modes/fetch-json';

let server: Server;
let url: string;
let answer: { readonly status?: number; readonly body?: string; readonly location?: string };

beforeAll(async () => {
  server = createServer((_, response) => {
    const { status = 200, body = '', location } = answer;
    response.writeHead(status, location === undefined ? {} : { location }).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/document`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});
afterEach(() => jest.restoreAllMocks());

it.each<[string, typeof answer, string | RegExp]>([
  ['another status', { status: 201 }, /answered with status 201/],
  ['a redirect', { status: 302, location: '/elsewhere' }, /fetch failed/],
  ['more than 1 MiB', { body: JSON.stringify('x'.repeat(2 ** 20)) }, /more than 1048576 bytes/],
  ['no JSON', { body: 'x' }, /JSON/],
  ['an empty body', {}, /end of JSON/],
])('refuses %s', async (_, given, reason) => {
  answer = given;
  await expect(fetchJson(url, {})).rejects.toThrow(reason);
});

it('refuses an answer without any body as one that is empty', async () => {
  jest.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(null));
  await expect(fetchJson(url, {})).rejects.toThrow(/end of JSON/);
});

it('reads up to 1 MiB', async () => {
  const text = 'x'.repeat(2 ** 20 - 2);
  answer = { body: JSON.stringify(text) };
  expect(await fetchJson(url, {})).toBe(text);
});
