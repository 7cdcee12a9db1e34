import { connect } from 'node:net';

/** Sends a request with `Expect: 100-continue`, and its body when it gets leave to; the statuses that come. */
export async function askForLeave(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<number[]> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = Object.entries({
    host: 'x',
    connection: 'close',
    'content-type': 'application/json',
    expect: '100-continue',
    'content-length': String(body.length),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST /graphql HTTP/1.1\r\n${lines.join('')}\r\n`);
  let answer = '';
  for await (const piece of socket) {
    answer += String(piece);
    if (answer.endsWith(' 100 Continue\r\n\r\n')) socket.write(body);
  }
  return [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));
}
