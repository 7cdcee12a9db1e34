/**
 * `node bench/chaos.mjs [--seconds 10] [--rate 200] [--subgraphs accounts,products]`: what do clients notice of what breaks?
 *
 * A steady load on two workers while each subgraph in turn is killed, cuts connections, hangs, becomes slow, answers
 * with garbage and with 503, while the cache store stops, and while a worker is killed; then SIGTERM under load. An
 * answer must be the right one unless its operation needs what is broken; then its errors must name that, and nothing
 * else. Two seconds after its return all must be right again. Calls of a broken subgraph must not be more than 1.1 times
 * those that the load needs; one that is killed cannot count them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { subgraphNames, supergraphSdl } from './fixture/subgraphs.mjs';
import { workloads } from './fixture/workloads.mjs';
import { withHelpers } from './lib/own-bench.mjs';
import { processTree } from './lib/processes.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    rate: { type: 'string', default: '200' },
    subgraphs: { type: 'string', default: subgraphNames.join() },
  },
});
const faultSeconds = Number(values.seconds);
const rate = Number(values.rate);
/** Each request has its own authorization, so that none shares the calls of another. */
let caller = 0;
const agent = new Agent({ connections: 100 });
/** Seconds of load before the first fault. */
const warmUp = 10;
/** Seconds after which all must be well again. */
const recovery = 2;

const operations = {
  tiny: workloads.tiny.operation,
  page: workloads.page.operation,
  stock: { query: 'query Stock { topProducts { name inStock } }' },
  opinions: { query: 'query Opinions { topProducts { name reviews { title author { name } } } }' },
};

await withHelpers(async ({ urls, folder }) => {
  const proxies = Object.fromEntries(
    await Promise.all(subgraphNames.map(async (name) => [name, await startProxy(urls[name])])),
  );
  const store = await startStore();
  const gateway = await startGateway(folder, proxies, store);
  try {
    await run({ proxies, store, gateway });
  } finally {
    gateway.process.kill('SIGKILL');
    store?.process.kill('SIGKILL');
    for (const proxy of Object.values(proxies)) proxy.close();
  }
});

async function run({ proxies, store, gateway }) {
  const needs = {};
  const expected = {};
  for (const [name, operation] of Object.entries(operations)) {
    const before = counts(proxies);
    expected[name] = (await ask(gateway, operation)).text;
    const after = counts(proxies);
    needs[name] = new Set(subgraphNames.filter((each) => after[each] > before[each]));
    say(`${name} needs ${[...needs[name]].join(', ')}`);
  }
  const load = startLoad({ gateway, expected, needs });
  // All of it is cold yet, this process included: what is late now says nothing of a fault.
  await pause(warmUp * 1000);
  say(`warm now; until then: ${load.take().problems.join('; ') || 'all well'}`);
  const usual = await perSecond(proxies, 3);
  report('no fault', load.take().problems, '');

  for (const name of values.subgraphs.split(',')) {
    for (const mode of ['killed', 'cutting', 'hung', 'slow', 'garbage', 'failing']) {
      const before = counts(proxies)[name];
      load.fault = { subgraph: name, from: performance.now(), until: Infinity };
      await proxies[name].become(mode);
      await pause(faultSeconds * 1000);
      await proxies[name].become('well');
      load.fault.until = performance.now() + recovery * 1000;
      const calls = (counts(proxies)[name] - before) / (usual[name] * faultSeconds);
      await pause((recovery + 2) * 1000);
      const { affected, problems } = load.take();
      const amplified = calls > 1.1 ? ['calls were amplified'] : [];
      report(
        `${name} ${mode}`,
        [...problems, ...amplified],
        `${affected} answers with errors, calls × ${calls.toFixed(2)}`,
      );
    }
  }
  if (store !== undefined) {
    store.process.kill('SIGSTOP');
    await pause(faultSeconds * 500);
    store.process.kill('SIGCONT');
    store.process.kill('SIGKILL');
    await pause(faultSeconds * 500);
    report('cache store hung, then killed', load.take().problems, '');
  }
  const [, worker] = processTree(gateway.process.pid);
  load.fault = { worker: true, from: performance.now() - 5, until: performance.now() + 500 };
  process.kill(worker, 'SIGKILL');
  await pause((recovery + 2) * 1000);
  const { affected, problems } = load.take();
  report('worker killed', problems, `${affected} requests lost that it had`);

  gateway.process.kill('SIGTERM');
  load.fault = { leaving: true, from: performance.now(), until: Infinity };
  const [code] = await once(gateway.process, 'exit');
  await load.stop();
  const last = load.take();
  report(
    'SIGTERM',
    [...last.problems, ...(code === 0 ? [] : [`exit code ${code}`])],
    `${last.refused} not accepted any more`,
  );
}

/** Requests at fixed times, whatever becomes of them; `fault` says what may go wrong at this moment. */
function startLoad({ gateway, expected, needs }) {
  const names = Object.keys(operations);
  const open = new Set();
  const found = { affected: 0, refused: 0, problems: new Map() };
  const load = {
    fault: undefined,
    take() {
      const { affected, refused, problems } = found;
      const told = [...problems].map(([what, count]) => `${count} × ${what}`);
      Object.assign(found, { affected: 0, refused: 0, problems: new Map() });
      return { affected, refused, problems: told };
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
  const wrong = (what) => found.problems.set(what, (found.problems.get(what) ?? 0) + 1);
  let sent = 0;
  const started = performance.now();
  const timer = setInterval(() => {
    while (sent < ((performance.now() - started) / 1000) * rate) {
      const name = names[sent % names.length];
      sent += 1;
      const one = check(name).finally(() => open.delete(one));
      open.add(one);
    }
  }, 5);

  async function check(name) {
    const { fault } = load;
    let answer;
    try {
      answer = await ask(gateway, operations[name]);
    } catch (error) {
      const now = load.fault;
      if (now?.worker && performance.now() < now.until) found.affected += 1;
      else if (now?.leaving && ['ECONNREFUSED', 'UND_ERR_SOCKET', 'ECONNRESET'].includes(error.code)) {
        if (error.code === 'ECONNREFUSED') found.refused += 1;
        else wrong(`an accepted request was lost (${error.code})`);
      } else wrong(`${name}: no answer (${error.code ?? error.message})`);
      return;
    }
    if (answer.status === 200 && answer.text === expected[name]) return;
    const now = load.fault ?? fault;
    const excused = [fault, now].some(
      (each) => each?.subgraph && needs[name].has(each.subgraph) && performance.now() < each.until,
    );
    const services = [...answer.text.matchAll(/"service":"(\w+)"/g)].map((match) => match[1]);
    const named = services.length > 0 && services.every((service) => service === now?.subgraph);
    if (answer.status === 200 && excused && named) found.affected += 1;
    else wrong(`${name}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }
  return load;
}

async function ask({ port }, operation) {
  caller += 1;
  const { statusCode, body } = await request(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${caller}` },
    body: JSON.stringify(operation),
  });
  return { status: statusCode, text: await body.text() };
}

/** Stands before a subgraph, and breaks when it is told to. */
async function startProxy(target) {
  let mode = 'well';
  const proxy = { calls: 0, port: 0, become, close: () => server.close() };
  const connections = new Set();
  const server = createServer(async (incoming, response) => {
    proxy.calls += 1;
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    if (mode === 'cutting') return incoming.socket.destroy();
    if (mode === 'hung') return;
    if (mode === 'slow') await pause(5000);
    if (mode === 'garbage') return response.end('<html>Service unavailable</html>');
    if (mode === 'failing') return response.writeHead(503).end();
    const { authorization } = incoming.headers;
    const { statusCode, headers, body } = await request(target, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: Buffer.concat(chunks),
    });
    response.writeHead(statusCode, { 'content-type': headers['content-type'] });
    response.end(Buffer.from(await body.arrayBuffer()));
  });
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  const listen = async (port) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    proxy.port = server.address().port;
  };
  async function become(next) {
    if (mode === 'killed') await listen(proxy.port);
    // What hung has no answers any more when it is back: it was restarted.
    if (next === 'killed' || mode === 'hung') {
      if (next === 'killed') server.close();
      for (const socket of connections) socket.destroy();
    }
    mode = next;
  }
  await listen(0);
  return proxy;
}

async function startStore() {
  const command = ['valkey-server', 'redis-server'].find((name) => spawnSync('which', [name]).status === 0);
  if (command === undefined) return say('no valkey-server or redis-server here: the cache store is left out');
  const port = await freePort();
  const child = spawn(command, ['--port', port, '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
  return { process: child, url: `redis://127.0.0.1:${port}` };
}

async function startGateway(folder, proxies, store) {
  const supergraph = join(folder, 'supergraph.graphql');
  const at = Object.entries(proxies).map(([name, { port }]) => [name, `http://127.0.0.1:${port}/graphql`]);
  writeFileSync(supergraph, supergraphSdl(Object.fromEntries(at)));
  const config = join(folder, 'chaos.yaml');
  const cache = store === undefined ? {} : { store: store.url };
  const options = { admin: { port: 0 }, logging: { level: 'silent' }, timeouts: { subgraph: '1s' }, cache };
  writeFileSync(config, JSON.stringify(options));
  const port = await freePort();
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const args = [
    main,
    'gateway',
    '--supergraph',
    supergraph,
    '--config',
    config,
    '--port',
    port,
    '--workers',
    2,
  ];
  const child = spawn(process.execPath, args.map(String), {
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.on('exit', () => child.kill('SIGKILL'));
  const gateway = { process: child, port };
  for (let i = 0; ; i++) {
    const answer = await ask(gateway, operations.tiny).catch((error) => ({ text: error.message }));
    if (answer.status === 200) return gateway;
    if (i > 300 || child.exitCode !== null) throw new Error(`The gateway did not start: ${answer.text}`);
    await pause(100);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

function counts(proxies) {
  return Object.fromEntries(Object.entries(proxies).map(([name, { calls }]) => [name, calls]));
}

async function perSecond(proxies, seconds) {
  const before = counts(proxies);
  await pause(seconds * 1000);
  const after = counts(proxies);
  return Object.fromEntries(subgraphNames.map((name) => [name, (after[name] - before[name]) / seconds]));
}

function report(what, problems, facts) {
  say(`${problems.length === 0 ? 'well' : 'NOT WELL'}  ${what}  ${facts}`);
  for (const problem of problems) say(`    ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
