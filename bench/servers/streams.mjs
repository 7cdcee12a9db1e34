/**
 * Sends events to all connections of a server: the next event when each has taken the one before. Modes: `limit` writes a
 * prepared event to each response of bare `node:http`; `sse` and `multipart` send it as the gateway does.
 */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { sendParts } = require('../../dist/gateway/http/send-parts.js');
const { eventStream } = require('../../dist/gateway/http/event-stream.js');
const { multipartSubscription } = require('../../dist/gateway/http/multipart.js');

const [mode, connections, size] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const json = JSON.stringify({ data: { a: 'x'.repeat(size) } });
const framing = mode === 'multipart' ? multipartSubscription : eventStream;
let deliveries = 0;

/** Responses of `limit`. */
const responses = new Set();
/** Readers of the gateway's sinks, which wait for an event. */
let waiting = [];

function sendToAll() {
  if ([...responses].some((response) => response.writableNeedDrain)) {
    setImmediate(sendToAll);
    return;
  }
  const event = eventStream.frame({ body: Buffer.from(json) });
  for (const response of responses) response.write(event);
  deliveries += responses.size;
  setImmediate(sendToAll);
}

function giveToAll() {
  const part = { body: Buffer.from(json) };
  deliveries += waiting.length;
  for (const take of waiting.splice(0)) take(part);
}

const source = () => ({
  kind: 'events',
  next: () =>
    new Promise((take) => {
      waiting.push(take);
      if (waiting.length === connections) setImmediate(giveToAll);
    }),
  close: () => {
    waiting = [];
  },
});

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': framing.mediaType });
  if (mode !== 'limit') void sendParts(response, source(), framing, { heartbeat: 5000, idle: 40_000 });
  else if (responses.add(response).size === connections) sendToAll();
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ deliveries, seconds: (user + system) / 1e6 });
});
