import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { s3Source } from '../../../../gateway/supergraph/s3';
import type { SupergraphSource } from '../../../../gateway/supergraph/source';
import { eventually } from '../../../support/process';

process.env['AWS_ACCESS_KEY_ID'] ??= 'test';
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'test';

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: IncomingMessage[];
let heard: string[];
let source: SupergraphSource;

beforeEach(async () => {
  asked = [];
  heard = [];
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  source = s3Source({
    url: `s3://schemas/shop/supergraph.graphql?region=eu-west-1&endpoint=${endpoint}`,
    pollInterval: 10,
  });
});
afterEach(async () => {
  await source.stop();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const start = () =>
  source.start({
    onSupergraph: (sdl) => heard.push(sdl),
    onUnavailable: ({ message }) => heard.push(message),
  });

it('signs its requests, and asks for the object only if it changed', async () => {
  let content = 'first';
  answer = ({ headers }, response) => {
    if (headers['if-none-match'] === `"${content}"`) response.writeHead(304).end();
    else response.setHeader('etag', `"${content}"`).end(content);
  };
  expect(await start()).toBe('first');
  expect(asked[0]!.url).toMatch(/^\/schemas\/shop\/supergraph.graphql/);
  expect(asked[0]!.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 .*eu-west-1\/s3/);
  await eventually(() => asked.length > 3);
  expect(heard).toEqual([]);
  content = 'second';
  await eventually(() => heard.length > 0);
  expect(heard).toEqual(['second']);
});

it('says that there is no such object, and goes on trying', async () => {
  answer = (_, response) =>
    response
      .writeHead(404, { 'content-type': 'application/xml' })
      .end('<Error><Code>NoSuchKey</Code></Error>');
  expect(await start()).toBeUndefined();
  expect(heard).toEqual([
    'The supergraph at s3://schemas/shop/supergraph.graphql cannot be fetched: there is no such object.',
  ]);
  answer = (_, response) => response.end('at last');
  await eventually(() => heard.includes('at last'));
});
