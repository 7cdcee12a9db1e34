/** The headers of an event, of gateway/lambda/event.ts. */
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { joinHeaders } from '../../../../gateway/lambda/event';

it("joins what is repeated as Node's server does", async () => {
  const raw = [
    ...['Host', 'a', 'Accept', 'x', 'accept', 'y', 'Cookie', 'a=1', 'cookie', 'b=2', 'Authorization', 'one'],
    ...['authorization', 'two', 'User-Agent', 'u', 'user-agent', 'v', 'X-A', '1', 'x-a', '2', 'From', 'p'],
    ...[
      'from',
      'q',
      'Set-Cookie',
      'c',
      'Referer',
      'r',
      'referer',
      's',
      'Content-Type',
      't',
      'content-type',
      'u',
    ],
  ];
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const lines = Array.from({ length: raw.length / 2 }, (_, i) => `${raw[2 * i]}: ${raw[2 * i + 1]}\r\n`);
  socket.write(`GET / HTTP/1.1\r\n${lines.join('')}\r\n`);
  const [request] = await once(server, 'request');
  expect(joinHeaders(raw)).toEqual({ ...request.headers });
  socket.destroy();
  server.close();
});
