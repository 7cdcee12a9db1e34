import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { writeTextFrame } from '../../../../gateway/websocket/text-frame';

/** Two ends of a connection, of which the second one reads nothing before `resume`. */
async function connection(): Promise<{ server: Socket; client: Socket }> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1').pause();
  const [server] = (await once(listener, 'connection')) as [Socket];
  listener.close();
  return { server, client };
}

const head = (id: string): Buffer => Buffer.from(`{"id":"${id}","payload":`);

it('leaves alone what waits for one client while others get the same body', async () => {
  const [slow, other] = [await connection(), await connection()];
  const body = Buffer.from(JSON.stringify('x'.repeat(10_000)));
  let count = 0;
  do {
    writeTextFrame(slow.server, head('a'), body);
    writeTextFrame(other.server, head('b'), body);
    count++;
  } while (slow.server.writableLength < 3 * body.length);
  const read = async ({ server, client }: typeof slow): Promise<string> => {
    server.end();
    const pieces: Buffer[] = [];
    for await (const piece of client) pieces.push(piece as Buffer);
    return Buffer.concat(pieces).toString('latin1');
  };
  const frame = (id: string): string => {
    const text = `${head(id).toString()}${body.toString()}}`;
    return `\x81\x7e${String.fromCharCode(text.length >> 8, text.length & 0xff)}${text}`;
  };
  expect((await read(slow)) === frame('a').repeat(count)).toBe(true);
  expect((await read(other)) === frame('b').repeat(count)).toBe(true);
});
