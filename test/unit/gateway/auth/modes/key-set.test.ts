import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type FlattenedJWSInput, generateKeyPair, type JWK } from 'jose';
import { type KeySet, localKeys, remoteKeys } from '../../../../../gateway/auth/modes/key-set';
import { eventually } from '../../../../support/process';

let server: Server;
let url: string;
let answer: { status?: number; body?: string; location?: string };
/** Those that the issuer publishes, and those that it has. */
let keys: JWK[];
let all: JWK[];
let asked = 0;
let now = 1_000_000;
const failures: object[] = [];
const logger = { error: (facts: object) => failures.push(facts) } as never;

beforeAll(async () => {
  server = createServer((_, response) => {
    asked++;
    const { status = 200, body = JSON.stringify({ keys }), location } = answer;
    response.writeHead(status, location === undefined ? {} : { location }).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  all = await Promise.all(
    ['one', 'two'].map(async (kid) => ({
      ...(await exportJWK((await generateKeyPair('ES256')).publicKey)),
      ...{ kid, alg: 'ES256' },
    })),
  );
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

let set: KeySet | undefined;
beforeEach(() => {
  keys = [all[0]!];
  asked = failures.length = 0;
  answer = {};
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => {
  set?.close();
  jest.restoreAllMocks();
});

const locate = jest.fn(() => Promise.resolve(url));
const open = () => (set = remoteKeys({ issuer: 'the issuer', locate, logger }));
/** What is found for a key: yes, or the code of the error. */
const find = (kid: string): Promise<string> =>
  Promise.resolve(set!.find({ alg: 'ES256', kid }, {} as FlattenedJWSInput)).then(
    () => 'found',
    (error: unknown) => {
      const { code, extensions } = error as { code?: string; extensions?: { code: string } };
      return code ?? extensions!.code;
    },
  );
const unknown = 'ERR_JWKS_NO_MATCHING_KEY';
const pass = (milliseconds: number) => (now += milliseconds);

it('are there at once where the configuration has them', async () => {
  set = localKeys({ keys });
  expect([await find('one'), await find('two')]).toEqual(['found', unknown]);
});

it('are fetched before the first token comes, and once', async () => {
  open();
  await eventually(() => Promise.resolve(asked === 1));
  expect(await Promise.all([find('one'), find('one')])).toEqual(['found', 'found']);
  pass(10 * 60_000);
  expect([await find('one'), asked]).toEqual(['found', 1]);
  expect(failures).toEqual([]);
});

it('are fetched again when they are older than ten minutes, without anybody who waits', async () => {
  open();
  await find('one');
  pass(10 * 60_000 + 1);
  keys = [all[1]!];
  expect(await find('one')).toBe('found');
  await eventually(async () => (await find('two')) === 'found');
  expect([await find('one'), asked]).toEqual([unknown, 2]);
});

it('are fetched again for one that is not there, once in 30 seconds', async () => {
  open();
  await find('one');
  keys = all;
  pass(30_000);
  expect([await find('two'), asked]).toEqual([unknown, 1]);
  pass(1);
  expect(await Promise.all([find('two'), find('two'), find('three')])).toEqual(['found', 'found', unknown]);
  expect(asked).toBe(2);
  expect([await find('three'), asked]).toEqual([unknown, 2]);
});

it('are asked for again after a second while there are none, and nobody is let in', async () => {
  answer = { status: 503 };
  open();
  expect(await find('one')).toBe('AUTHENTICATION_UNAVAILABLE');
  expect(await find('one')).toBe('AUTHENTICATION_UNAVAILABLE');
  expect([asked, failures]).toEqual([
    1,
    [{ err: new Error(`${url} answered with status 503.`), issuer: 'the issuer' }],
  ]);
  answer = {};
  pass(1_000);
  expect([await find('one'), asked]).toEqual(['AUTHENTICATION_UNAVAILABLE', 1]);
  pass(1);
  expect([await find('one'), asked]).toEqual(['found', 2]);
});

it('are used further while the issuer is down', async () => {
  open();
  await find('one');
  answer = { status: 500 };
  pass(11 * 60_000);
  expect([await find('one'), await find('two')]).toEqual(['found', unknown]);
  await eventually(() => Promise.resolve(failures.length === 1));
  expect(await find('one')).toBe('found');
});

it('are asked for no longer when they are closed, which is no failure', async () => {
  open().close();
  expect(await find('one')).toBe('AUTHENTICATION_UNAVAILABLE');
  expect(failures).toEqual([]);
});
