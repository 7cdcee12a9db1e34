/** Publishes to a registry under load: requests, memory and pauses. Over 300 lines: the load, the gateway and what is measured of them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { openRegistryStore, Registry, type SubgraphChange } from '../../schema';
import { heapOf, inspectable } from '../support/inspector';
import { endAll, eventually, startProcess, startWeir, type WeirProcess, weirMain } from '../support/process';
import { amountOf, timeFor } from '../support/amounts';

/**
 * How long there is load. Everyday runs are shorter and hold only to what does not depend on the machine; `60` is a
 * measurement, which a busy machine fails.
 */
const seconds = amountOf('WEIR_SWAP_SECONDS', 12, 20);
const isMeasured = process.env['WEIR_SWAP_SECONDS'] !== undefined;
/** Requests per second. */
const rate = isMeasured ? 200 : 50;
/** Publishes that three gateways must have soon. */
const publishes = isMeasured ? 5 : 2;
const steps = amountOf('WEIR_SWAPS', 9, 27);
// Each version is composed and run, which a busy machine takes seconds for.
jest.setTimeout(timeFor(seconds + steps, 15));
const author = { by: 'ana' };

let folder: string;
let registry: Registry;
let accounts: Served;
let reviews: Served;
const agent = new Agent({ connections: 50 });

interface Served {
  readonly name: string;
  readonly url: string;
  readonly typeDefs: string;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-swaps-'));
  [accounts, reviews] = await Promise.all([serve('accounts'), serve('reviews')]);
});
beforeEach(async () => {
  rmSync(join(folder, 'registry'), { recursive: true, force: true });
  const store = await openRegistryStore(join(folder, 'registry'));
  registry = new Registry({ store, variant: { graph: 'shop', variant: 'prod' } });
});
afterAll(async () => {
  await endAll();
  await agent.close();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(name: string): Promise<Served> {
  const support = join(__dirname, '../support');
  const subgraph = startProcess([
    '-r',
    join(support, 'typescript.cjs'),
    join(support, 'small-graph-process.ts'),
    name,
  ]);
  return JSON.parse((await subgraph.printed(/^\{.*\}$/m))[0]) as Served;
}

/** Both subgraphs, with `changed` in place of what accounts has. */
const schemas = (changed = accounts.typeDefs): SubgraphChange[] => [
  { name: 'accounts', file: 'accounts', routingUrl: accounts.url, sdl: changed },
  { name: 'reviews', file: 'reviews', routingUrl: reviews.url, sdl: reviews.typeDefs },
];
const withField = (field: string) => `${accounts.typeDefs} extend type Query { ${field}: Int }`;
/** Composes, but no gateway runs it: cloud providers hand out credentials there. */
const unbuildable = () =>
  schemas().map((each) =>
    each.name === 'accounts' ? { ...each, routingUrl: 'http://169.254.169.254/graphql' } : each,
  );

interface Gateway {
  readonly weir: WeirProcess;
  readonly url: string;
  readonly admin: string;
}

async function startGateway(name: string): Promise<Gateway> {
  const config = join(folder, `${name}.yaml`);
  writeFileSync(
    config,
    `supergraph:\n  registry: ${join(folder, 'registry')}\n  graph: shop@prod\n  keep: ${name}.graphql\n`,
  );
  const weir = startProcess([
    ...[inspectable, weirMain, 'gateway', '--config', config],
    ...['--port', '0', '--admin-port', '0', '--log-level', 'info'],
  ]);
  const [, url, admin] = await weir.printed(/"url":"([^"]+)","adminUrl":"([^"]+)"/);
  return { weir, url: url!, admin: admin! };
}

async function post(url: string, body: object): Promise<{ status: number; text: string }> {
  const { statusCode, body: answer } = await request(url, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json', 'apollographql-client-name': 'load' },
    body: JSON.stringify(body),
  });
  return { status: statusCode, text: await answer.text() };
}

const operations = [
  {
    query: 'query User($id: ID!) { user(id: $id) { name reviews { rating } } }',
    variables: { id: 'u1' },
    right: ['{"data":{"user":{"name":"Ada","reviews":[{"rating":5},{"rating":3}]}}}'],
  },
  {
    query: '{ latestReviews { rating author { name } } }',
    right: [
      '{"data":{"latestReviews":[{"rating":5,"author":{"name":"Ada"}},{"rating":3,"author":{"name":"Grace"}}]}}',
    ],
  },
  {
    // Every second version is without this field.
    query: 'query Me { me { name } }',
    right: [
      '{"data":{"me":{"name":"Ada"}}}',
      '{"errors":[{"message":"Cannot query field \\"me\\" on type \\"Query\\".","locations":[{"line":1,"column":12}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}',
    ],
  },
];

/** Sends requests at a fixed rate until it is told to stop; then resolves with how many there were, and which were wrong. */
function startLoad(url: string) {
  const stopped = new AbortController();
  const wrong: string[] = [];
  const seen = new Map<string, number>();
  const waiting = new Set<Promise<void>>();
  let sent = 0;
  const send = () => {
    const { right, ...body } = operations[sent++ % operations.length]!;
    const asked = post(url, body)
      .then(({ status, text }) => {
        seen.set(text, (seen.get(text) ?? 0) + 1);
        if (status !== (text.startsWith('{"data"') ? 200 : 400) || !right.includes(text))
          wrong.push(`${status} ${text}`);
      })
      .catch((error: unknown) => void wrong.push(String(error)))
      .finally(() => waiting.delete(asked));
    waiting.add(asked);
  };
  const sending = (async () => {
    const start = performance.now();
    while (!stopped.signal.aborted) {
      const due = Math.floor(((performance.now() - start) / 1000) * rate);
      while (sent < due) send();
      await delay(5);
    }
    await Promise.all(waiting);
  })();
  return {
    async stop() {
      stopped.abort();
      await sending;
      return { sent, wrong, seen };
    },
  };
}

/** The gateway's metrics. Its greatest delay of the event loop is that since the last look. */
async function metricsOf({ admin }: Gateway) {
  const text = await (await request(`${admin}/metrics`)).body.text();
  const numberIn = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    loopDelay: Math.round(numberIn(/event_loop_delay_seconds\{quantile="1"\} (\S+)/) * 1000),
    swapped: numberIn(/updates_total\{result="swapped"\} (\d+)/),
    refused: numberIn(/updates_total\{result="refused"\} (\d+)/),
  };
}

const outcomes = ({ weir }: Gateway) =>
  weir.stdout.split(/"a supergraph (?:is live|was refused)"/).length - 1;

/** Resident megabytes, and threads: each generation has some of its own. */
function sizeOf({ weir }: Gateway): { resident: number; threads: number } {
  const [, kilobytes, threads] = /(\d+)\s+(\d+)/.exec(
    execFileSync('ps', ['-o', 'rss=,nlwp=', '-p', String(weir.pid)], { encoding: 'utf8' }),
  )!;
  return { resident: Math.round(Number(kilobytes) / 1024), threads: Number(threads) };
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

/** The longest that an event loop was held between two looks, in milliseconds: the gateway's, and one beside it. */
interface Held {
  readonly loopDelay: number;
  readonly idle: number;
}

/** A process with nothing to do: it is late only when the machine is busy. */
async function startIdler() {
  const idler = startProcess([
    '-e',
    `const delay = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    process.on('SIGUSR2', () => {
      console.log(Math.max(0, Math.round(delay.max / 1e6 - 10)));
      delay.reset();
    });
    setInterval(() => undefined, 60_000);
    console.log('ready');`,
  ]);
  await idler.printed(/ready/);
  return {
    /** Since the last look. */
    async delay(): Promise<number> {
      const before = idler.stdout.length;
      idler.signal('SIGUSR2');
      await eventually(() => idler.stdout.length > before);
      return Number(idler.stdout.slice(before));
    },
  };
}

function summaryOf(held: readonly Held[]) {
  const worst = held.toSorted((a, b) => b.loopDelay - a.loopDelay).slice(0, 3);
  return { median: median(held.map(({ loopDelay }) => loopDelay)), worst };
}

const say = (figures: object) => process.stderr.write(`${JSON.stringify(figures)}\n`);

describe('a registry that is published to', () => {
  it('costs clients of a gateway no request, and the gateway no memory that it keeps', async () => {
    await registry.publish(schemas(), author);
    const gateway = await startGateway('a');
    const load = startLoad(gateway.url);
    const pause = (seconds * 1000) / steps;
    await delay(2 * pause);
    const outside: Held[] = [];
    const inside: Held[] = [];
    const idler = await startIdler();
    const look = async (): Promise<Held> => {
      const [{ loopDelay }, idle] = await Promise.all([metricsOf(gateway), idler.delay()]);
      return { loopDelay, idle };
    };
    const swapTimes: number[] = [];
    let before: Awaited<ReturnType<typeof measureMemory>> | undefined;
    const measureMemory = async () => ({ heap: await heapOf(gateway.weir), ...sizeOf(gateway) });

    for (let step = 1; step <= steps; step++) {
      // What runs for the first time is compiled, and stays.
      if (step === 4) before = await measureMemory();
      const known = outcomes(gateway);
      const sinceLastSwap = await look();
      if (step > 4) outside.push(sinceLastSwap);
      const began = performance.now();
      if (step === 7) {
        const broken = schemas('type Query { x: Nowhere }');
        expect(await registry.publish(broken, author)).toMatchObject({ outcome: 'rejected' });
      } else {
        const changed = step % 2 === 0 ? accounts.typeDefs.replace('me: User', '') : accounts.typeDefs;
        const change =
          step === 4
            ? registry.publish(unbuildable(), author)
            : step % 5 === 3
              ? registry.rollback({}, author)
              : registry.publish(schemas(`${changed} extend type Query { fresh${step}: Int }`), author);
        expect((await change).outcome).toBe('published');
        await eventually(() => outcomes(gateway) > known, 30_000);
        swapTimes.push(performance.now() - began);
        inside.push(await look());
      }
      await delay(Math.max(0, pause - (performance.now() - began)));
    }
    const { sent, wrong, seen } = await load.stop();
    const { swapped, refused } = await metricsOf(gateway);
    // The generation before the last ends with its last request.
    await eventually(() => sizeOf(gateway).threads <= before!.threads);
    // What was in flight goes by and by; what is kept does not.
    let after = await measureMemory();
    for (let tries = 1; tries < 10 && after.heap >= before!.heap * 1.1; tries++) {
      await delay(1000);
      after = await measureMemory();
    }
    say({
      ...{ sent, wrong: wrong.length, swapped, refused },
      loopDelayOutsideOfSwaps: summaryOf(outside),
      loopDelayOfSwaps: summaryOf(inside),
      publishedAndLive: { median: median(swapTimes), worst: Math.max(...swapTimes) },
      before,
      after,
    });
    expect(wrong.slice(0, 3)).toEqual([]);
    // The load saw schemas with the field and without.
    expect([...seen.keys()].sort()).toEqual(operations.flatMap(({ right }) => right).sort());
    expect(refused).toBe(1);
    // The first, and one for each step but the two that fail.
    expect(swapped).toBe(1 + steps - 2);
    expect(after.heap).toBeLessThan(before!.heap * 1.1);
    if (isMeasured) {
      expect(after.resident).toBeLessThan(before!.resident * 1.1);
      // A machine on which who has nothing to do is late as well holds the loop itself.
      expect(outside.filter(({ loopDelay, idle }) => loopDelay - idle >= 50)).toEqual([]);
    }
    expect(await gateway.weir.stop()).toBe(0);
  });

  it('has its newest version on three gateways soon after `weir publish` has ended', async () => {
    await registry.publish(schemas(), author);
    const gateways = await Promise.all(['a', 'b', 'c'].map(startGateway));
    const latencies: number[] = [];
    for (let round = 1; round <= publishes; round++) {
      const schema = join(folder, 'accounts.graphql');
      writeFileSync(schema, withField(`fresh${round}`));
      const publisher = startWeir([
        ...['publish', 'accounts', '--schema', schema],
        ...['--registry', join(folder, 'registry'), '--graph', 'shop@prod'],
      ]);
      expect(await publisher.exit).toBe(0);
      const published = performance.now();
      await Promise.all(
        gateways.map(async ({ url }) => {
          const asksFresh = { query: `{ fresh${round} __typename }` };
          await eventually(async () => (await post(url, asksFresh)).status === 200, 30_000);
          latencies.push(performance.now() - published);
        }),
      );
    }
    say({ publishedToAnswered: { median: median(latencies), worst: Math.max(...latencies) } });
    expect(latencies).toHaveLength(3 * publishes);
    if (isMeasured) expect(Math.max(...latencies)).toBeLessThan(3_000);
    for (const { weir } of gateways) expect(await weir.stop()).toBe(0);
  });
});
