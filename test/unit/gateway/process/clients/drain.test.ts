import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { prepareDrain } from '../../../../../gateway/process/clients/drain';

let server: Server;
/** Requests that are not answered yet, by connections that the server knows nothing of. */
let inFlight: number;
const giveUp = jest.fn();
let drain: ReturnType<typeof prepareDrain>;

beforeEach(async () => {
  inFlight = 0;
  giveUp.mockReset();
  server = createServer((_, response) => response.end());
  drain = prepareDrain({ server, inFlight: () => inFlight, giveUp });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

/** Whether a promise is settled by the end of some turns of the event loop. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.finally(() => (settled = true));
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  return settled;
}

it('closes at once where nothing is in flight', async () => {
  await drain({ delay: 0, grace: 60_000 });
  expect([server.listening, giveUp.mock.calls]).toEqual([false, []]);
});

it('waits for requests of all connections, also those that are none of the server', async () => {
  inFlight = 1;
  const drained = drain({ delay: 0, grace: 60_000 });
  expect(await isSettled(drained)).toBe(false);
  inFlight = 0;
  await drained;
  expect(giveUp).not.toHaveBeenCalled();
});

it('waits no longer than the grace for them, and answers them then', async () => {
  inFlight = 1;
  await drain({ delay: 0, grace: 1 });
  expect(giveUp).toHaveBeenCalledTimes(1);
});

it('cuts connections that were upgraded to another protocol after the grace', async () => {
  server.on('upgrade', (_, socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n'),
  );
  const { port } = server.address() as AddressInfo;
  const sent = request({ port, headers: { connection: 'upgrade', upgrade: 'echo' } }).end();
  const [, socket] = (await once(sent, 'upgrade')) as [unknown, NodeJS.ReadableStream];
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await drain({ delay: 0, grace: 1 });
  await closed;
  expect(giveUp).toHaveBeenCalledTimes(1);
});
