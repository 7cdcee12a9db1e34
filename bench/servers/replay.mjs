/**
 * All subgraphs of a fixture, as cheap as Node can be: an answer is found by the bytes of the request's body and written as
 * it was written before. A body never seen is answered by graphql-js, once, and remembered; warming a gateway up therefore
 * records whatever documents it happens to send. A request without a body is known by its first line.
 *
 * Headers are ignored, but for the length of the body. Messages from the parent are answered by the function of
 * `commands` that they name.
 */
import net from 'node:net';
import { decodeChunks, head, scanHead } from '../lib/http1.mjs';

const counts = { calls: 0, unknown: 0 };
/** @type {{ subgraph: string, body: string, authorization: string | undefined, wave: number }[] | undefined} */
let recorded;
let answeredWave = 0;
/** A name in the bodies that differs from request to request; answers are remembered for the name itself. */
let stamp;
let delays = {};

/** The module in `fixture/`. */
let fixture;

const commands = {
  async listen({ of = 'subgraphs' }) {
    fixture = await import(`../fixture/${of}.mjs`);
    const subgraphs = fixture.subgraphNames.map((name) => ({ name, answersByLength: new Map() }));
    return { ports: Object.fromEntries(await Promise.all(subgraphs.map(listen))) };
  },
  prepare(options) {
    stamp = options.stamp && {
      zero: options.stamp,
      pattern: new RegExp(`\\b${options.stamp.replace(/\d+/, '\\d+')}\\b`, 'g'),
    };
    delays = options.delays ?? {};
    return {};
  },
  count: () => counts,
  /** From now on calls are recorded, each with the number of the wave that it depends on: give it delays for that. */
  record() {
    recorded = [];
    answeredWave = 0;
    return {};
  },
  recorded() {
    const calls = recorded;
    recorded = undefined;
    return { calls };
  },
};

process.on('message', async ({ id, command, ...options }) =>
  process.send({ id, ...(await commands[command](options)) }),
);
process.on('disconnect', () => process.exit());

function listen(subgraph) {
  const server = net.createServer({ noDelay: true }, (socket) => serve(socket, subgraph));
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve([subgraph.name, server.address().port]));
  });
}

function serve(socket, subgraph) {
  let rest;
  socket.on('error', () => socket.destroy());
  socket.on('data', onData);

  function onData(chunk) {
    let at = 0;
    if (rest !== undefined) {
      chunk = Buffer.concat([rest, chunk]);
      rest = undefined;
    }
    while (at < chunk.length) {
      const start = at;
      if (!scanHead(chunk, start, chunk.length)) break;
      const headEnd = head.end;
      let body = chunk;
      let from = headEnd;
      let to = headEnd + Math.max(head.contentLength, 0);
      at = to;
      if (head.chunked) {
        const decoded = decodeChunks(chunk, headEnd);
        if (decoded === undefined) return void (rest = chunk.subarray(start));
        body = decoded.body;
        from = 0;
        to = body.length;
        at = decoded.end;
      } else if (to > chunk.length) {
        return void (rest = chunk.subarray(start));
      }
      if (to === from) {
        body = chunk;
        from = start;
        to = chunk.indexOf(13, start);
      }
      counts.calls += 1;
      const wave =
        recorded === undefined
          ? 0
          : record(subgraph, chunk.latin1Slice(start, headEnd), body.utf8Slice(from, to));
      const bytes = stamp === undefined ? known(subgraph, body, from, to) : undefined;
      if (bytes === undefined) {
        // Answers leave in the order of the requests, so nothing is read from this connection meanwhile.
        rest = at < chunk.length ? chunk.subarray(at) : undefined;
        socket.pause();
        socket.off('data', onData);
        return void unknown(subgraph, Buffer.from(body.subarray(from, to))).then((response) => {
          reply(response, wave);
          const more = rest;
          rest = undefined;
          socket.on('data', onData);
          if (more !== undefined) onData(more);
          socket.resume();
        });
      }
      reply(bytes, wave);
    }
    if (at < chunk.length) rest = chunk.subarray(at);
  }

  function reply(response, wave) {
    const delay = delays[subgraph.name];
    if (delay === undefined) return void socket.write(response);
    setTimeout(() => {
      answeredWave = Math.max(answeredWave, wave);
      socket.write(response);
    }, delay);
  }
}

function record(subgraph, headText, body) {
  const wave = answeredWave + 1;
  const authorization = /^authorization: *(.*)\r$/im.exec(headText)?.[1];
  recorded.push({ subgraph: subgraph.name, body, authorization, wave });
  return wave;
}

function known(subgraph, bytes, from, to) {
  const answers = subgraph.answersByLength.get(to - from);
  if (answers === undefined) return undefined;
  for (const { body, response } of answers) {
    if (body.compare(bytes, from, to) === 0) return response;
  }
  return undefined;
}

/** The slow way: a body with a stamp in it, or one that is new. */
async function unknown(subgraph, body) {
  if (stamp === undefined) return ask(subgraph, body);
  const text = body.latin1Slice();
  const name = text.match(stamp.pattern)?.[0];
  const zeroed = name === undefined ? body : Buffer.from(text.replaceAll(name, stamp.zero), 'latin1');
  const response = known(subgraph, zeroed, 0, zeroed.length) ?? (await ask(subgraph, zeroed));
  return name === undefined
    ? response
    : Buffer.from(response.latin1Slice().replaceAll(stamp.zero, name), 'latin1');
}

async function ask(subgraph, body) {
  counts.unknown += 1;
  subgraph.schema ??= fixture.subgraphSchema(subgraph.name);
  const text = body.utf8Slice();
  const [, get] = /^GET (\S+)/.exec(text) ?? [];
  const request = get === undefined ? JSON.parse(text) : { get };
  const result = JSON.stringify(await fixture.answer(subgraph.schema, request));
  const response = Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(result)}\r\n\r\n${result}`,
  );
  const answers = subgraph.answersByLength.get(body.length);
  if (answers === undefined) subgraph.answersByLength.set(body.length, [{ body, response }]);
  else answers.push({ body, response });
  return response;
}
