/**
 * Limit B with a feature, for `features.mjs`: what Node and the usual libraries cost alone, around the calls that Weir makes.
 * The script says which feature.
 */
import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Pool } from 'undici';

const [port, file] = process.argv.slice(2);
/**
 * `answer` and `kept` are in base64; `kept` is sent as it is. `serves` is `h1` or `h2`, over TLS; `calls` is `h2` or `gzip`.
 */
const script = JSON.parse(readFileSync(file, 'utf8'));
const { waves, serves, calls, jwt, redis, traces, workers = 1 } = script;
const answer = Buffer.from(script.answer, 'base64');
const kept = script.kept && Buffer.from(script.kept, 'base64');
const data = script.kept || script.isInParts ? undefined : JSON.parse(answer);
const unpack = promisify(gunzip);

if (workers > 1 && cluster.isPrimary) for (let i = 0; i < workers; i += 1) cluster.fork();
else await serve();

async function serve() {
  const call = calls === 'h2' ? overHttp2() : overHttp1();
  const admit = jwt && (await import('../lib/admit-by-jose.mjs')).admitByJose(jwt);
  const store = redis && new (await import('ioredis')).Redis(redis);
  await store?.set('answer', answer);
  const tracer = traces && (await openTracer());
  const parts = script.isInParts && inParts();

  const handle = async (request, response, body) => {
    const { authorization } = request.headers;
    const span = tracer?.begin();
    const { query, variables } = JSON.parse(body);
    await admit?.(authorization, query);
    if (kept !== undefined) return reply(response, kept);
    if (store !== undefined) return reply(response, await store.getBuffer('answer'));
    if (parts) response.writeHead(200, { 'content-type': 'multipart/mixed; boundary="-"' });
    for (const [i, wave] of waves.entries()) {
      await Promise.all(
        wave.map((one) => {
          const sent = script.passesVariables ? passOn(one.body, variables) : one.body;
          const send = () => call(one.subgraph, sent, authorization);
          return tracer ? tracer.around(span, send) : send();
        }),
      );
      if (parts && i === 0) response.write(parts[0]);
    }
    if (parts) return response.end(parts[1]);
    reply(response, Buffer.from(JSON.stringify(data)));
    span?.end();
  };
  const listener = (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => handle(request, response, Buffer.concat(chunks)));
  };
  const files = serves && { cert: readFileSync(script.certificate), key: readFileSync(script.key) };
  const server =
    serves === undefined
      ? createServer(listener)
      : serves === 'h1'
        ? https.createServer(files, listener)
        : http2.createSecureServer({ ...files, allowHTTP1: true }, listener);
  server.listen(Number(port), '127.0.0.1');
}

function reply(response, body) {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

/** The first part of an answer in parts, and the others. */
function inParts() {
  const text = answer.toString();
  const end = text.indexOf('\r\n---', 5);
  return [text.slice(0, end), text.slice(end)];
}

/** The call with what the client has sent in its variables. */
function passOn(body, variables) {
  const call = JSON.parse(body.length > 10_000 ? `${body.slice(0, body.indexOf(',"variables"'))}}` : body);
  return JSON.stringify({ query: call.query, variables });
}

function overHttp1() {
  const pools = byName(script.urls, (origin) => new Pool(origin, { connections: 256 }));
  return async (subgraph, body, authorization) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json', authorization };
    if (calls === 'gzip') headers['accept-encoding'] = 'gzip';
    const response = await pools[subgraph].request({ method: 'POST', path: '/graphql', headers, body });
    if (calls !== 'gzip') return response.body.json();
    return JSON.parse(await unpack(await response.body.arrayBuffer()));
  };
}

function overHttp2() {
  const sessions = byName(script.urls, (origin) =>
    http2.connect(origin, { ca: readFileSync(script.certificate) }),
  );
  return (subgraph, body, authorization) =>
    new Promise((resolve, reject) => {
      const headers = { ':method': 'POST', ':path': '/graphql', 'content-type': 'application/json' };
      const stream = sessions[subgraph].request({ ...headers, authorization });
      const chunks = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', () => resolve(JSON.parse(Buffer.concat(chunks))));
      stream.on('error', reject);
      stream.end(body);
    });
}

function byName(urls, open) {
  return Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, open(new URL(url).origin)]));
}

/** OpenTelemetry's SDK, with a span for the request and two for each call, as its instrumentations make. */
async function openTracer() {
  const { context, trace } = await import('@opentelemetry/api');
  const { openTelemetry } = await import('../lib/open-telemetry.mjs');
  const tracer = openTelemetry(traces).getTracer('limit');
  const attributes = {
    ...{ 'http.request.method': 'POST', 'url.path': '/graphql', 'http.response.status_code': 200 },
    ...{ 'server.address': '127.0.0.1', 'url.scheme': 'http' },
  };
  return {
    begin: () => tracer.startSpan('POST /graphql', { kind: 1, attributes }),
    async around(parent, send) {
      const outer = tracer.startSpan('fetch', { attributes }, trace.setSpan(context.active(), parent));
      const inner = tracer.startSpan('POST', { kind: 2, attributes }, trace.setSpan(context.active(), outer));
      const result = await send();
      inner.end();
      outer.end();
      return result;
    },
  };
}
