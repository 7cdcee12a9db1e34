/** Whatever gateway/subgraph-calls/interceptors share, each caller gets the answer that it would have got alone. */
import fc from 'fast-check';
import { batchAsArrays } from '../../../../../gateway/subgraph-calls/interceptors/array-batch';
import { batchEntities } from '../../../../../gateway/subgraph-calls/interceptors/batch';
import { dedupe } from '../../../../../gateway/subgraph-calls/interceptors/dedupe';
import { PendingCalls } from '../../../../../gateway/subgraph-calls/sharing/pending-calls';
import { bodyOf } from '../../../../../gateway/subgraph-calls/wire/request-body';
import { ScopesInFlight } from '../../../../../gateway/subgraph-calls/sharing/scopes-in-flight';
import {
  type Caller,
  compose,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';
import type { Json } from '../../../../support/running-gateway';
import { entitiesRequestOf, requestOf } from '../../../../support/subgraph-request';

/** Milliseconds: what a call takes, and what it may take. */
const latency = 200;
const timeout = 1000;

/** What comes of an entity, by its id. */
const fates = [
  'data',
  'data',
  'data',
  'data',
  'data',
  'null',
  'error',
  'nested error',
  'fails all',
  'too large together',
] as const;

interface Client {
  /** When it comes, in milliseconds. */
  readonly at: number;
  readonly identity: string;
  /** Milliseconds that it has, or stays. */
  readonly patience: number | undefined;
  readonly stays: number | undefined;
  readonly asks:
    | { readonly root: number }
    | { readonly ids: readonly number[]; readonly selection: string; readonly first: number };
}

const clients: fc.Arbitrary<Client[]> = fc.array(
  fc.record({
    at: fc.constantFrom(0, 0, 0, 0, 0, 1, 100, 199, 230),
    identity: fc.constantFrom('', '', 'Ada', 'Alan'),
    patience: fc.constantFrom(undefined, undefined, 60, 120, 600),
    stays: fc.constantFrom(undefined, undefined, undefined, 40, 120),
    asks: fc.oneof(
      fc.record({ root: fc.integer({ min: 0, max: 2 }) }),
      fc.record({
        ids: fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 5 }),
        selection: fc.constantFrom('name', 'name', 'price'),
        first: fc.constantFrom(1, 1, 2),
      }),
    ),
  }),
  { minLength: 1, maxLength: 12 },
);

function requestFor({ asks }: Client, caller: Caller): SubgraphRequest {
  if ('root' in asks) return requestOf('{products}', { number: asks.root }, caller);
  const { ids, selection, first } = asks;
  const representations = ids.map((id) => ({ __typename: 'Product', id }));
  return entitiesRequestOf({ representations, selection, variables: { first }, caller });
}

/** Answers one operation; who asks is told in everything that is answered. */
function execute({ query, variables }: Json, who: string): { status: number; body: Json } {
  const extensions = { who };
  if (query === '{products}') return { status: 200, body: { data: { who, ...variables }, extensions } };
  const { representations } = variables;
  const fateOf = ({ id }: Json) => fates[id % fates.length]!;
  if (representations.some((each: Json) => fateOf(each) === 'fails all')) {
    return { status: 200, body: { data: null, errors: [{ message: `${who} fails`, path: ['_entities'] }] } };
  }
  if (representations.filter((each: Json) => fateOf(each) === 'too large together').length > 2) {
    return { status: 413, body: 'Payload Too Large' };
  }
  const errors: Json[] = who === 'Alan' ? [{ message: 'Alan is slow' }] : [];
  const entities = representations.map((each: Json, i: number) => {
    const message = `${who} ${each.id}`;
    switch (fateOf(each)) {
      case 'null':
        return null;
      case 'error':
        errors.push({ message, path: ['_entities', i] });
        return null;
      case 'nested error':
        errors.push({ message, path: ['_entities', i, 'name'], extensions: { code: 'X' } });
        return { ...each, name: null };
      default:
        return { ...each, who, query: query.includes('price'), first: variables.first };
    }
  });
  const told = errors.length === 0 ? {} : { errors };
  return { status: 200, body: { data: { _entities: entities }, ...told, extensions } };
}

function respond(request: SubgraphRequest): SubgraphResponse {
  const who = request.caller.headers['authorization'] ?? 'nobody';
  const asked = JSON.parse(bodyOf(request).toString());
  const { status, body } = Array.isArray(asked)
    ? { status: 200, body: asked.map((each) => execute(each, who).body) }
    : execute(asked, who);
  return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
}

/** A subgraph that gives up as every transport does. */
function slowSubgraph() {
  const calls: SubgraphRequest[] = [];
  const pending = new PendingCalls();
  const send: Send = (request) =>
    new Promise((resolve, reject) => {
      calls.push(request);
      const call = {
        indexInSet: -1,
        caller: request.caller,
        expires: performance.now() + timeout,
        giveUp: (failure: TransportError['failure']) => {
          clearTimeout(timer);
          pending.delete(call);
          reject(new TransportError('reviews', failure));
        },
      };
      const timer = setTimeout(() => {
        pending.delete(call);
        resolve(respond(request));
      }, latency);
      const failure = pending.add(call);
      if (failure !== undefined) call.giveUp(failure);
    });
  return { send, calls };
}

type Outcome = { readonly status: number; readonly body: Json } | TransportError['failure'];

const outcomeOf = (call: Promise<SubgraphResponse>): Promise<Outcome> =>
  call.then(answered, (error: unknown) => (error as TransportError).failure);

const answered = ({ status, body }: SubgraphResponse): Outcome => ({
  status,
  body: JSON.parse(body.toString()),
});

/** What each client gets, and when. */
async function serve(all: readonly Client[], send: Send, scopes?: ScopesInFlight) {
  const start = performance.now();
  const outcomes: { outcome: Outcome; after: number }[] = [];
  const callers: Caller[] = [];
  all.forEach((client, i) => {
    const { at, identity, patience, stays } = client;
    setTimeout(() => {
      const caller = {
        ...callerOf({
          headers: identity === '' ? {} : { authorization: identity },
          deadline: patience === undefined ? undefined : performance.now() + patience,
        }),
        isGone: false,
      };
      callers[i] = caller;
      if (stays !== undefined) setTimeout(() => (caller.isGone = true), stays);
      scopes?.enter(caller.scope);
      void outcomeOf(send(requestFor(client, caller))).then((outcome) => {
        scopes?.leave(caller.scope);
        outcomes[i] = { outcome, after: performance.now() - start - at };
      });
    }, at);
  });
  await jest.advanceTimersByTimeAsync(10 * timeout);
  return { outcomes, callers };
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

it.each([
  ['', false],
  [' and sent in arrays', true],
])(
  'each caller gets the answer that it would have got alone, however calls are joined%s',
  async (_, asArrays) => {
    let asked = 0;
    let saved = 0;
    await fc.assert(
      fc.asyncProperty(clients, fc.constantFrom('turn', '1ms'), async (all, window) => {
        const alone = await serve(all, slowSubgraph().send);
        const scopes = new ScopesInFlight();
        const pending = new PendingCalls();
        const subgraph = slowSubgraph();
        const send = compose(subgraph.send, [
          batchEntities({ window, maxRepresentations: 8, timeout, scopes, pending }),
          dedupe({ timeout, pending, changes: { count: 0 } }),
          ...(asArrays ? [batchAsArrays({ maxRequests: 3, timeout, pending })] : []),
        ]);
        const shared = await serve(all, send, scopes);

        all.forEach((client, i) => {
          const { outcome, after } = shared.outcomes[i]!;
          const { outcome: expected } = alone.outcomes[i]!;
          // Who joins a call that began earlier may have its answer before its patience is at an end.
          if (typeof expected === 'string' && typeof outcome === 'object') {
            const headers = client.identity === '' ? {} : { authorization: client.identity };
            expect(outcome).toEqual(answered(respond(requestFor(client, callerOf({ headers })))));
          } else if (typeof expected === 'string') {
            // Both at once may be said in either way.
            expect(['timeout', 'aborted']).toContain(outcome);
          } else expect(outcome).toEqual(expected);
          const latest = Math.min(client.patience ?? Infinity, client.stays ?? Infinity) + 60;
          expect(after).toBeLessThanOrEqual(latest);
        });
        for (const { caller } of subgraph.calls) {
          const authorization = caller.headers['authorization'];
          expect(caller.scope).toBe(authorization === undefined ? '' : `authorization:${authorization}\n`);
        }
        expect(jest.getTimerCount()).toBe(0);
        asked += all.length;
        for (const { calls } of shared.callers) saved += calls.batched + calls.deduplicated;
      }),
      { numRuns: 300 },
    );
    expect(saved).toBeGreaterThan(asked / 20);
  },
);
