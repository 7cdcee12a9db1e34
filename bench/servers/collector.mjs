/**
 * A collector of spans (OTLP over HTTP, in Protobuf) that takes everything at once and keeps nothing. Messages from the
 * parent are answered by the function of `commands` that they name.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';

let spans = 0;

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    spans += spansIn(Buffer.concat(chunks));
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
});

const commands = {
  async listen() {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return { port: server.address().port };
  },
  count: () => ({ spans }),
};

process.on('message', async ({ id, command }) => process.send({ id, ...(await commands[command]()) }));
process.on('disconnect', () => process.exit());

/** Counts the fields `resource_spans` (1), in them `scope_spans` (2), in them `spans` (2). */
function spansIn(body) {
  let count = 0;
  const walk = (from, to, depth) => {
    let at = from;
    const varint = () => {
      let value = 0;
      for (let factor = 1; ; factor *= 128) {
        const byte = body[at++];
        value += (byte & 0x7f) * factor;
        if (byte < 0x80) return value;
      }
    };
    while (at < to) {
      const tag = varint();
      if ((tag & 7) !== 2) throw new Error(`A field of type ${tag & 7} is not expected here.`);
      const end = varint() + at;
      if (tag >> 3 === (depth === 0 ? 1 : 2)) {
        if (depth === 2) count += 1;
        else walk(at, end, depth + 1);
      }
      at = end;
    }
  };
  walk(0, body.length, 0);
  return count;
}
