/**
 * Stands in front of the replay for `features.mjs`: the same answers over HTTP/2 with TLS, or compressed. What it was asked
 * once it answers from memory.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { gzipSync } from 'node:zlib';

const commands = {
  /** @returns the URLs of the subgraphs that are at `urls`: over HTTP/2, or over HTTP/1.1 and compressed */
  async listen({ urls, certificate, key }) {
    const open = async ([name, url]) => {
      const [options, scheme] = [
        { cert: readFileSync(certificate), key: readFileSync(key) },
        'https://localhost',
      ];
      const h2 = createSecureServer(options, answering(url, false)).listen(0, '127.0.0.1');
      const gzip = createServer(answering(url, true)).listen(0, '127.0.0.1');
      await Promise.all([once(h2, 'listening'), once(gzip, 'listening')]);
      return [
        name,
        {
          h2: `${scheme}:${h2.address().port}/graphql`,
          gzip: `http://127.0.0.1:${gzip.address().port}/graphql`,
        },
      ];
    };
    return { fronts: Object.fromEntries(await Promise.all(Object.entries(urls).map(open))) };
  },
};

function answering(url, isCompressed) {
  const answers = new Map();
  return (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks).latin1Slice();
      let answer = answers.get(body);
      if (answer === undefined) {
        const headers = { 'content-type': 'application/json' };
        const replayed = await fetch(url, { method: 'POST', headers, body: Buffer.from(body, 'latin1') });
        const bytes = Buffer.from(await replayed.arrayBuffer());
        answer = isCompressed ? gzipSync(bytes) : bytes;
        answers.set(body, answer);
      }
      response.writeHead(200, {
        ...{ 'content-type': 'application/json', 'content-length': answer.length },
        ...(isCompressed && { 'content-encoding': 'gzip' }),
      });
      response.end(answer);
    });
  };
}

process.on('message', async ({ id, command, ...options }) =>
  process.send({ id, ...(await commands[command](options)) }),
);
process.on('disconnect', () => process.exit());
