import { connect } from 'node:net';

export interface PipelinedAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A request as its bytes. */
export function requestBytes(
  line: string,
  headers: readonly (readonly [name: string, value: string])[],
  body: string | Buffer = '',
): Buffer {
  const content = Buffer.from(body);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = `${line} HTTP/1.1\r\nhost: x\r\n${lines}content-length: ${content.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), content]);
}

/**
 * Sends requests over one connection without waiting for answers, at a fraction of what `fetch` costs; the answers in
 * order. There are fewer when the server has closed the connection before.
 */
export function askPipelined(url: string, requests: readonly Buffer[]): Promise<PipelinedAnswer[]> {
  const { hostname, port } = new URL(url);
  const last = Buffer.from('GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(Buffer.concat([...requests, last])));
    socket.setTimeout(30_000, () => socket.destroy(new Error('Nothing came for 30 s.')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      const answers = readAnswers(Buffer.concat(chunks));
      resolve(answers.length > requests.length ? answers.slice(0, requests.length) : answers);
    });
  });
}

function readAnswers(bytes: Buffer): PipelinedAnswer[] {
  const answers: PipelinedAnswer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n\r\n', at) + 4;
    const head = bytes.toString('latin1', at, end);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    if (end < 4 || Number.isNaN(status))
      throw new Error(`This is no HTTP: ${bytes.toString('latin1', at, at + 200)}`);
    const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? 0);
    // 1xx is not the answer yet.
    if (status >= 200) answers.push({ status, head, body: bytes.toString('utf8', end, end + length) });
    at = end + length;
  }
  return answers;
}
