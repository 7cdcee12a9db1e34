/**
 * What Node can do at most with the events of a subscription: takes each from the subgraph, and sends its bytes to
 * everybody who has subscribed. `node limit-events.mjs websocket|sse|multipart PORT SUBGRAPH`: over `ws`, with what stands
 * before a result for each subscription, or over bare `node:http`.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';

const [over, port, subgraph] = process.argv.slice(2);

/** Each sends a result to one client. */
const subscribers = new Set();

const framings = {
  sse: (result) => `event: next\ndata: ${result}\n\n`,
  multipart: (result) =>
    `\r\ncontent-type: application/json; charset=utf-8\r\n\r\n{"payload":${result}}\r\n--graphql`,
};
/** Of the event that is being sent. */
let framed;

const server = createServer((request, response) => {
  if (request.headers.accept === 'application/json') {
    response.end('{}');
    return;
  }
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.write('\n');
  const send = () => response.write(framed);
  subscribers.add(send);
  response.on('close', () => subscribers.delete(send));
});
const clients = new WebSocketServer({ server, perMessageDeflate: false });
clients.on('connection', (socket) => {
  socket.on('message', (text) => {
    const { type, id } = JSON.parse(text);
    if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
    if (type !== 'subscribe') return;
    const head = `{"id":"${id}","type":"next","payload":`;
    const send = (result) => socket.send(`${head}${result}}`);
    subscribers.add(send);
    socket.on('close', () => subscribers.delete(send));
  });
});

const id = randomUUID();
const source = new WebSocket(subgraph.replace('http', 'ws'), 'graphql-transport-ws');
source.on('open', () => source.send('{"type":"connection_init"}'));
source.on('message', (data) => {
  const text = data.toString();
  if (text === '{"type":"connection_ack"}') {
    source.send(JSON.stringify({ id, type: 'subscribe', payload: {} }));
    server.listen(Number(port), '127.0.0.1');
    return;
  }
  const result = text.slice(`{"id":"${id}","type":"next","payload":`.length, -1);
  if (over !== 'websocket') framed = Buffer.from(framings[over](result));
  for (const send of subscribers) send(result);
});
