/** Identical queries in flight that share one execution, whether or not a cache keeps the answer, over real sockets. */
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayOptions } from '../../gateway';
import { amountOf, timeFor } from '../support/amounts';
import {
  sampleSum,
  sourceOf,
  startTestGateway,
  type Json,
  type TestGateway,
} from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

const rounds = amountOf('WEIR_ROUNDS', 10, 200);

/** The value of each name, which mutations raise. */
const values = new Map<string, number>();
let subgraph: TestSubgraph;
let gateway: TestGateway | undefined;
/** Answers of queries that are held back. */
const held: (() => void)[] = [];
let isHolding = false;

beforeAll(async () => {
  subgraph = await startSubgraph({
    name: 'counters',
    typeDefs:
      'type Query { value(name: String!): Int  broken: Int! } type Mutation { raise(name: String!): Int }',
    resolvers: {
      Query: {
        // What is read is read at once, and told later.
        value: async (_: unknown, { name }: Json) => {
          const read = values.get(name) ?? 0;
          if (isHolding) await new Promise<void>((resolve) => held.push(resolve));
          return read;
        },
        broken: async () => {
          if (isHolding) await new Promise<void>((resolve) => held.push(resolve));
          throw new Error('No luck.');
        },
      },
      Mutation: {
        raise: (_: unknown, { name }: Json) => {
          values.set(name, (values.get(name) ?? 0) + 1);
          return values.get(name);
        },
      },
    },
  });
});
beforeEach(() => {
  values.clear();
  subgraph.requests.length = 0;
  isHolding = false;
});
afterEach(async () => {
  subgraph.headers = {};
  letGo();
  await gateway?.stop();
  gateway = undefined;
});
afterAll(() => subgraph.close());

async function start(options: Omit<GatewayOptions, 'supergraph'> = {}): Promise<TestGateway> {
  gateway = await startTestGateway({
    ...options,
    supergraph: sourceOf(compose([subgraph])),
  });
  // It is planned.
  await gateway.query(query, { name: 'none' });
  subgraph.requests.length = 0;
  return gateway;
}

const query = 'query Value($name: String!) { value(name: $name) }';
const raise = 'mutation ($name: String!) { raise(name: $name) }';

interface Asking {
  readonly name?: string;
  readonly as?: string;
  readonly signal?: AbortSignal;
}

async function ask({ name = 'a', as, signal }: Asking = {}): Promise<Json> {
  const headers = as === undefined ? {} : { authorization: as };
  const answer = await gateway!.post({ query, variables: { name } }, { headers, ...(signal && { signal }) });
  return answer.json();
}

/** Asks at once, and lets the answers go when all wait. Returns the answers, and how many calls were sent. */
async function askAtOnce(all: readonly Asking[], calls: number): Promise<[Json[], number]> {
  isHolding = true;
  const answers = all.map((each) => ask(each));
  while ((await gateway!.inFlight()) < all.length || held.length < calls) await sleep(5);
  letGo();
  return [await Promise.all(answers), subgraph.requests.length];
}

function letGo(): void {
  isHolding = false;
  for (const go of held.splice(0)) go();
}

const uncached: Omit<GatewayOptions, 'supergraph'>[] = [
  {},
  { cache: { responses: { enabled: false } } },
  { calls: { dedupe: false } },
];

it.each(uncached)('share one execution and one answer: %j', async (options) => {
  await start(options);
  const [answers, calls] = await askAtOnce([{}, {}, {}, {}], 1);
  expect(answers).toEqual(Array.from({ length: 4 }, () => ({ data: { value: 0 } })));
  expect(calls).toBe(1);
  expect(await gateway!.metrics()).toMatch(/weir_response_cache_requests_total\{result="coalesced"\} 3/);
  // Each query is counted once, with the one that was planned for. What no cache is asked for is not counted.
  const total = sampleSum(await gateway!.metrics(), 'weir_response_cache_requests_total');
  expect(total).toBe(options.cache === undefined ? 5 : 3);
});

it.each([
  ['variables', [{ name: 'a' }, { name: 'b' }]],
  ['forwarded headers', [{ as: 'Ada' }, { as: 'Alan' }]],
])('share nothing if their %s differ', async (_, all) => {
  await start();
  expect((await askAtOnce(all, 2))[1]).toBe(2);
});

it('share nothing if an option says so', async () => {
  await start({ calls: { coalesce: false, dedupe: false } });
  expect((await askAtOnce([{}, {}], 2))[1]).toBe(2);
});

it('share the second execution when the first answer turns out not to be cacheable', async () => {
  await start({ calls: { dedupe: false } });
  const fresh = `${query} # not known yet`;
  isHolding = true;
  const answers = [1, 2, 3, 4, 5].map(() => gateway!.query(fresh, { name: 'a' }));
  while ((await gateway!.inFlight()) < 5 || held.length < 1) await sleep(5);
  letGo();
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 5 }, () => ({ data: { value: 0 } })));
  expect(subgraph.requests.length).toBeLessThanOrEqual(2);
});

it('share errors, too', async () => {
  await start();
  // It is planned.
  await gateway!.query('{ broken }');
  isHolding = true;
  const answers = [1, 2, 3].map(() => gateway!.query('{ broken }'));
  while ((await gateway!.inFlight()) < 3 || held.length < 1) await sleep(5);
  letGo();
  for (const { data, errors } of await Promise.all(answers)) {
    expect(data).toBeNull();
    expect(errors).toHaveLength(1);
  }
  expect(await gateway!.metrics()).toMatch(/weir_response_cache_requests_total\{result="coalesced"\} 2/);
});

it('go on for the others when the first client leaves, and end with the last one', async () => {
  await start();
  isHolding = true;
  const first = new AbortController();
  const left = ask({ signal: first.signal }).catch(() => 'left');
  while (held.length < 1) await sleep(5);
  const stays = ask();
  while ((await gateway!.inFlight()) < 2) await sleep(5);
  first.abort();
  expect(await left).toBe('left');
  while ((await gateway!.inFlight()) > 1) await sleep(5);
  letGo();
  expect(await stays).toEqual({ data: { value: 0 } });
  expect(subgraph.requests).toHaveLength(1);

  isHolding = true;
  const last = new AbortController();
  const gone = ask({ signal: last.signal }).catch(() => 'left');
  while (subgraph.requests.length < 2) await sleep(5);
  last.abort();
  expect(await gone).toBe('left');
  while (!subgraph.requests[1]!.aborted) await sleep(5);
});

it('each get an answer of their own if it is for one client alone', async () => {
  subgraph.headers = () => ({ 'set-cookie': 'id=1' });
  await start({ headers: { response: { 'set-cookie': 'append' } } });
  const [answers] = await askAtOnce([{}, {}], 1);
  expect(answers).toEqual([{ data: { value: 0 } }, { data: { value: 0 } }]);
  expect(subgraph.requests).toHaveLength(2);
});

it.each([
  ['execution', {}],
  ['call', { calls: { coalesce: false } }],
])('join no %s that began before the answer to a mutation, or before an invalidation', async (_, options) => {
  await start({ ...options, admin: { port: 0, token: 'a-token-of-the-tests' } });
  isHolding = true;
  const before = ask();
  while (held.length < 1) await sleep(5);
  expect(await gateway!.query(raise, { name: 'a' })).toEqual({ data: { raise: 1 } });
  const after = ask();
  while (held.length < 2) await sleep(5);
  values.set('a', 2);
  await gateway!.invalidate({ subgraphs: ['counters'] }, 'test');
  const last = ask();
  while (held.length < 3) await sleep(5);
  letGo();
  expect(await Promise.all([before, after, last])).toEqual([0, 1, 2].map((value) => ({ data: { value } })));
});

/** What clients do: each waits for its own answers, and those of others are on their way meanwhile. */
type Step =
  | { readonly kind: 'ask'; readonly name: string; readonly as: string }
  | { readonly kind: 'raise'; readonly name: string; readonly as: string }
  | { readonly kind: 'answer' };

const who = { name: fc.constantFrom('a', 'b'), as: fc.constantFrom('Ada', 'Alan', 'Mary') };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('ask' as const), ...who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('raise' as const), ...who }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('answer' as const) }) },
);

it(
  'never tell a client less than what any mutation had told before it asked',
  async () => {
    await start();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        values.clear();
        isHolding = true;
        const told = new Map<string, number>();
        const waiting: Promise<void>[] = [];
        for (const each of steps) {
          if (each.kind === 'answer') held.shift()?.();
          else if (each.kind === 'raise') {
            const { data } = await gateway!.query(raise, { name: each.name });
            told.set(each.name, data.raise);
          } else {
            const least = told.get(each.name) ?? 0;
            waiting.push(
              ask(each).then(({ data }) => {
                expect(data.value).toBeGreaterThanOrEqual(least);
                expect(data.value).toBeLessThanOrEqual(values.get(each.name) ?? 0);
              }),
            );
          }
          await sleep(1);
        }
        while ((await gateway!.inFlight()) > 0) {
          letGo();
          await sleep(2);
        }
        await Promise.all(waiting);
      }),
      { numRuns: rounds },
    );
  },
  timeFor(rounds, 10),
);
