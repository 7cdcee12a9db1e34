import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { UnsentHeads } from '../../../../gateway/admission/unsent-heads';
import { answerClientError } from '../../../../gateway/http/connection-errors';
import { maxHandshakeSize } from '../../../../gateway/http/header-limits';

let server: Server;
let unsent: UnsentHeads;
let clients: Socket[];
let answered: number;
const said: { readonly connections: number }[] = [];
const limit = 256 * 1024;

beforeEach(async () => {
  clients = [];
  said.length = answers.length = answered = 0;
  server = createServer({ maxHeaderSize: maxHandshakeSize }, (request, response) => {
    request.resume();
    answered++;
    response.end();
  });
  server.on('clientError', answerClientError);
  unsent = new UnsentHeads({
    server,
    limit: () => limit,
    logger: { warn: (facts: (typeof said)[0]) => said.push(facts) } as never,
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  unsent.close();
  for (const client of clients) client.destroy();
  await new Promise((closed) => server.close(closed));
});

function open(): Socket {
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

/** What clients were answered that had not finished. */
const answers: string[] = [];

/** Begins a head with so many bytes. */
function begin(bytes: number): Socket {
  const client = open();
  client.write(`GET / HTTP/1.1\r\nhost: a\r\nx-long: ${'x'.repeat(bytes)}`);
  void text(client).then(
    (answer) => answers.push(answer),
    () => undefined,
  );
  return client;
}

/** How many connections the log says were closed. */
const cut = (): number => said.reduce((sum, { connections }) => sum + connections, 0);

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10));
};

it('answers just enough of the largest heads with 408 when all together are too much', async () => {
  const small = [1, 2, 3, 4].map((n) => begin(n * 1000));
  // 10,000 and 360,000 bytes: 108,000 too many.
  for (let i = 0; i < 6; i++) begin(60_000);
  await until(() => answers.length === 2);
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 408 [^]*"REQUEST_TIMEOUT"/);
  expect(cut()).toBe(2);
  for (const client of small) client.end('\r\nconnection: close\r\n\r\n');
  await until(() => answers.length === 6);
  expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 200 '))).toHaveLength(4);
});

it('counts no request that has been answered, and none whose head is there', async () => {
  const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n';
  for (let i = 0; i < 6; i++) open().write(head + 'x'.repeat(100_000));
  for (let i = 0; i < 3; i++) open().write(head + 'x'.repeat(90_000));
  await until(() => answered === 9);
  const before = [...clients];
  for (let i = 0; i < 6; i++) begin(60_000);
  await until(() => answers.length === 2);
  expect(cut()).toBe(2);
  expect(before.filter(({ destroyed }) => destroyed)).toEqual([]);
});

it('counts nothing of a connection that it forgets', async () => {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    if (sockets.length <= 10) unsent.forget(socket);
  });
  for (let i = 0; i < 10; i++) begin(60_000);
  await until(() => sockets.length === 10);
  for (let i = 0; i < 6; i++) begin(60_000);
  await until(() => answers.length === 2);
  expect(cut()).toBe(2);
  expect(sockets.slice(0, 10).filter(({ destroyed }) => destroyed)).toEqual([]);
});
