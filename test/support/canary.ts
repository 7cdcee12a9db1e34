import { Agent, request } from 'node:http';
import { Agent as SecureAgent, request as requestSecurely } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificate } from './subgraph-servers';

export interface CanaryOptions {
  readonly url: string;
  /** Queries over subgraphs that are not under attack. */
  readonly queries?: readonly string[];
}

/** Somebody else's requests, sent all the while that a gateway is attacked. */
export interface Canary {
  /**
   * Fails unless every request since the last time, and one more of each, was answered with 200 and the same bytes as
   * the first, and what was opened meanwhile is closed again. On a machine that nobody else uses (`WEIR_QUIET=1`) also
   * unless 99 of 100 were answered within 250 ms. Harm that shows later fails the next call, as the requests go on; so
   * the last call of a test file waits for it, for some milliseconds. @default WEIR_CANARY_AFTER, or 0
   */
  expectUnharmed(after?: number): Promise<void>;
  stop(): Promise<void>;
}

const period = 50;
/** The one query asks no subgraph, the other two of the small graph's. */
const usual = ['{__typename}', '{ user(id: "u2") { name reviews { rating } } }'];

export async function startCanary({ url, queries = usual }: CanaryOptions): Promise<Canary> {
  const kept = { keepAlive: true, maxSockets: 4 };
  const agent = url.startsWith('https:') ? new SecureAgent({ ...kept, ca: certificate }) : new Agent(kept);
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => rejections.push(reason);
  process.on('unhandledRejection', onRejection);
  const first = await Promise.all(queries.map((query) => ask(url, query, agent)));
  let harm: string[] = [];
  let times: number[] = [];
  const inFlight = new Set<Promise<void>>();

  async function sing(i: number): Promise<void> {
    const start = performance.now();
    try {
      const answer = await ask(url, queries[i]!, agent);
      times.push(performance.now() - start);
      if (answer !== first[i]) harm.push(`got ${answer.slice(0, 300)}`);
    } catch (error) {
      harm.push(`got no answer: ${String(error)}`);
    }
  }
  const timer = setInterval(() => {
    // A test that keeps the event loop busy is no reason to pile requests up.
    if (inFlight.size > 50) return;
    for (const i of queries.keys()) {
      const song = sing(i).finally(() => inFlight.delete(song));
      inFlight.add(song);
    }
  }, period);
  const baseline = openHandles();

  return {
    async expectUnharmed(after = Number(process.env['WEIR_CANARY_AFTER'] ?? 0)) {
      await sleep(after);
      await Promise.all([...inFlight, ...queries.map((_, i) => sing(i))]);
      // What was opened for an attack is closed when its timeouts are over.
      for (let i = 0; i < 200 && openHandles() > baseline + slack; i++) await sleep(period);
      const found = { harm, rejections: [...rejections], handlesLeft: openHandles() > baseline + slack };
      const slowest = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
      const count = times.length;
      [harm, times, rejections.length] = [[], [], 0];
      expect(found).toEqual({ harm: [], rejections: [], handlesLeft: false });
      expect(count).toBeGreaterThan(0);
      if (process.env['WEIR_QUIET'] === '1') expect(slowest).toBeLessThan(250);
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(inFlight);
      agent.destroy();
      process.off('unhandledRejection', onRejection);
    },
  };
}

/** Connections and timers that come and go with the canary itself and with clients that keep connections. */
const slack = 12;

const openHandles = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap' || kind === 'Timeout').length;

/** Status and body of an answer. */
function ask(url: string, query: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const send = agent instanceof SecureAgent ? requestSecurely : request;
    const sent = send(
      url,
      { method: 'POST', agent, headers: { 'content-type': 'application/json' } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(`${response.statusCode} ${Buffer.concat(chunks).toString()}`));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify({ query }));
  });
}
