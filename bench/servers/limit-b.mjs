/**
 * Limit B: what a gateway on `undici` and `JSON` can do at most. For each request it makes the subgraph calls that a
 * gateway was seen to make, each as soon as the calls that it waits for are back, parses every answer and stringifies
 * one object as large as the client's answer. It plans, joins and checks nothing.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Pool } from 'undici';

const [port, scriptFile] = process.argv.slice(2);
/** @type {{ urls: Record<string, string>, waves: { subgraph: string, body: string }[][], answer: string, stamp?: string }} */
const { urls, waves, answer, stamp } = JSON.parse(readFileSync(scriptFile, 'utf8'));
const data = JSON.parse(answer);
const pattern = stamp && new RegExp(`\\b${stamp.replace(/\d+/, '\\d+')}\\b`);
const pools = Object.fromEntries(
  Object.entries(urls).map(([name, url]) => [name, new Pool(new URL(url).origin, { connections: 256 })]),
);

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    const name = stamp && pattern.exec(Buffer.concat(chunks).latin1Slice())[0];
    const { authorization } = request.headers;
    for (const wave of waves) {
      if (wave.length === 1) await call(wave[0], authorization, name);
      else await Promise.all(wave.map((one) => call(one, authorization, name)));
    }
    const text = JSON.stringify(data);
    const body = Buffer.from(name ? text.replaceAll(stamp, name) : text);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
}).listen(Number(port), '127.0.0.1');

async function call({ subgraph, body }, authorization, name) {
  const response = await pools[subgraph].request({
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json', accept: 'application/json', authorization },
    body: name ? body.replaceAll(stamp, name) : body,
  });
  return response.body.json();
}
