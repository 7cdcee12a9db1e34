import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Acknowledgements } from '../../../../../gateway/events/archive/acknowledgements';
import { eventually } from '../../../../support/process';

let server: Server;
let url: string;
let told: string[];
let answer: () => Promise<number>;
let stopping: AbortController;
let failures: Error[];

beforeEach(async () => {
  [told, failures, stopping] = [[], [], new AbortController()];
  answer = () => Promise.resolve(200);
  server = createServer((request, response) => {
    void text(request).then(async (body) => {
      told.push(`${request.method} ${request.url} ${(JSON.parse(body) as { position: string }).position}`);
      response.writeHead(await answer()).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
});
afterEach(async () => {
  stopping.abort();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const open = (position: string) =>
  new Acknowledgements(position, {
    ...{ url, signal: stopping.signal, pause: 1 },
    onFailure: (reason) => failures.push(reason as Error),
  });

it('tells nothing to a subgraph that has not asked', async () => {
  const acknowledgements = open('a-1');
  acknowledgements.connected(false);
  acknowledgements.archived('a-2');
  acknowledgements.connected(true);
  await eventually(() => told.length > 0);
  expect(told).toEqual(['POST /events/archived a-2']);
});

it('tells a new connection what an earlier one was told, and nothing of an archive that is empty', async () => {
  const acknowledgements = open('');
  acknowledgements.connected(true);
  acknowledgements.archived('a-1');
  await eventually(() => told.length === 1);
  acknowledgements.connected(true);
  await eventually(() => told.length === 2);
  expect(told).toEqual(['POST /events/archived a-1', 'POST /events/archived a-1']);
});

it('tells a connection that begins while an earlier one is told', async () => {
  let release = (): void => undefined;
  answer = () => new Promise((resolve) => (release = () => resolve(200)));
  const acknowledgements = open('a-1');
  acknowledgements.connected(true);
  await eventually(() => told.length === 1);
  acknowledgements.connected(true);
  answer = () => Promise.resolve(200);
  release();
  await eventually(() => told.length === 2);
  expect(told).toEqual(['POST /events/archived a-1', 'POST /events/archived a-1']);
});

it('tells the newest position next, and tries again what has failed', async () => {
  let release = (): void => undefined;
  answer = () => new Promise((resolve) => (release = () => resolve(503)));
  const acknowledgements = open('a-1');
  acknowledgements.connected(true);
  await eventually(() => told.length === 1);
  for (const position of ['a-2', 'a-3']) acknowledgements.archived(position);
  answer = () => Promise.resolve(200);
  release();
  await eventually(() => told.length === 2);
  expect(told).toEqual(['POST /events/archived a-1', 'POST /events/archived a-3']);
  expect(failures.map(({ message }) => message)).toEqual(['POST /events/archived was answered with 503']);
});
