import { GraphQLError } from 'graphql';
import type { Mode } from '../../../../../gateway/auth/identity';
import { createIdentity } from '../../../../../gateway/auth/identity';
import type { OperationResult } from '../../../../../gateway/cache/responses/response-cache';
import { hmacSha256 } from '../../../../../gateway/net/hmac';
import { Cursors } from '../../../../../gateway/graph/subscriptions/cursor';
import type {
  EventAnswer,
  Prepare,
  PreparedSubscription,
} from '../../../../../gateway/graph/subscriptions/prepared';
import { Subscriptions } from '../../../../../gateway/graph/subscriptions/subscriptions';
import { type OptionsInput, parseOptions } from '../../../../../gateway/options';
import type { IncomingRequest } from '../../../../../gateway/request/incoming-request';
import type { SubgraphEvent } from '../../../../../gateway/subgraph-calls/contract/transport';
import { Meter } from '../../../../../gateway/telemetry/metrics/meter';
import { useFakeTimers } from '../../../../support/fake-timers';
import { eventOf } from '../../../../support/held-upstreams';
import { HeldSource } from '../../../../support/held-source';
import { openRequests } from '../../../../support/requests-in-flight';

const { requests } = openRequests();
const cursors = new Cursors(() => [hmacSha256(Buffer.from('of cursors'))]);
let all: Subscriptions;
let events: HeldSource<SubgraphEvent>;
let counted: IncomingRequest[];
let answer: PreparedSubscription['answer'];
/** What was prepared for generations, and not released. */
let unreleased: number;
const open: Subscribed[] = [];

beforeEach(() => {
  all = new Subscriptions(new Meter());
  events = new HeldSource();
  counted = [];
  answer = ({ body }) => Promise.resolve(answerOf(body, true));
  unreleased = 0;
});
afterEach(() => {
  for (const { request } of open.splice(0)) requests.end(request, 200);
});

useFakeTimers();

interface Subscribed {
  readonly request: IncomingRequest;
  /** What its client was given: data, and at last why it ended. */
  readonly got: unknown[];
}

/** A generation whose answers have its name beside the data. */
function generation(name: string, more: Partial<PreparedSubscription> = {}): Prepare {
  const prepare: Prepare = () => {
    unreleased++;
    const prepared: Partial<PreparedSubscription> = {
      ...{ prepare, key: `k of ${name}`, sourceKey: 's', stream: 'counts', subgraph: 'counts', bounds: {} },
      cursors,
      openSource: () => Promise.resolve(events),
      answer: async (event, subscriber) => {
        const given = await answer(event, subscriber);
        const { data } = JSON.parse(given.answered.body.toString());
        return name === '' ? given : answerOf(Buffer.from(JSON.stringify({ data: [name, data] })), true);
      },
      readmit: () => Promise.resolve(),
      charge: () => undefined,
      count: (who) => counted.push(who),
      release: () => unreleased--,
      ...more,
    };
    return Promise.resolve(prepared as PreparedSubscription);
  };
  return prepare;
}
const first = generation('');

async function subscribe(
  options: OptionsInput['subscriptions'] = {},
  proof?: IncomingRequest['proof'],
  after?: string,
): Promise<Subscribed> {
  const head = { method: 'POST', url: '/graphql', headers: {} };
  const request = requests.begin(head, '127.0.0.1', {} as never, performance.now());
  request.proof = proof;
  const prepared = await first({} as never, {} as never);
  const { subscriptions } = parseOptions({ subscriptions: options });
  const bounds = { ...subscriptions, allUnread: 1000 };
  const answers = await all.open(prepared, request, bounds, after);
  const got: unknown[] = [];
  answers
    .forEach(({ body }) => {
      got.push(JSON.parse(body.toString()).data);
      return undefined;
    })
    .then(
      () => got.push('end'),
      (error: unknown) => {
        const { message, extensions } = error as GraphQLError;
        got.push([extensions['code'], message]);
      },
    );
  const subscribed = { request, got };
  open.push(subscribed);
  return subscribed;
}

async function give(data: unknown): Promise<void> {
  events.give(eventOf(data));
  await pass(0);
}
const answerOf = (body: Buffer, isShareable: boolean): EventAnswer => ({
  answered: { body, errorsLeftOut: 0 } as OperationResult,
  isShareable,
});
const inSeconds = (seconds: number): number => Date.now() + seconds * 1000;
const proofOf = (mode: Mode, expires: number | undefined) => ({
  identity: createIdentity({ mode, subject: 'u1' }),
  expires,
});
const pass = (seconds: number): Promise<void> => jest.advanceTimersByTimeAsync(seconds * 1000);

it('ends a subscription after its longest lifetime, whatever comes', async () => {
  const { got } = await subscribe({ lifetime: '10s', idle: '6s' });
  for (let i = 0; i < 3; i++) {
    await pass(3);
    await give(i);
  }
  await pass(3);
  expect(got).toEqual([
    0,
    1,
    2,
    [
      'SUBSCRIPTION_ENDED',
      'The subscription has ended: it has lasted for as long as it may. Subscribe again.',
    ],
  ]);
  expect(events.isClosed).toBe(true);
});

it('ends a subscription for which no event comes', async () => {
  const { got } = await subscribe({ idle: '6s' });
  await pass(5);
  await give(1);
  await pass(5);
  expect(got).toEqual([1]);
  await pass(2);
  expect(got).toEqual([
    1,
    ['SUBSCRIPTION_ENDED', 'The subscription has ended: no event has come for too long. Subscribe again.'],
  ]);
});

it.each([
  ['oidc', 'The token has expired.'],
  ['cognito', 'The token has expired.'],
  ['api-key', 'The API key has expired.'],
] as const)('ends a subscription whose credentials of the mode %s expire', async (mode, sentence) => {
  const ends = await subscribe({}, proofOf(mode, inSeconds(10)));
  const goesOn = await subscribe({}, proofOf(mode, inSeconds(60)));
  await pass(9);
  expect(all.size).toBe(2);
  await pass(2);
  await give(1);
  expect([ends.got, goesOn.got]).toEqual([[['UNAUTHENTICATED', sentence]], [1]]);
});

it.each([
  ['credentials that expire, where the options say so', { expired: 'keep' as const }, 10],
  ['credentials that do not expire', {}, undefined],
])('keeps a subscription with %s', async (_, options, seconds) => {
  await subscribe(options, proofOf('oidc', seconds === undefined ? undefined : inSeconds(seconds)));
  await pass(100);
  expect(all.size).toBe(1);
});

it('counts each as used once an hour', async () => {
  const one = await subscribe();
  await pass(1800);
  const other = await subscribe();
  await pass(1801);
  expect(counted).toEqual([one.request]);
  await pass(1800);
  expect(counted).toEqual([one.request, other.request]);
  requests.end(one.request, 200);
  await pass(3601);
  expect(counted).toEqual([one.request, other.request, other.request]);
});

it('executes what is for one client alone for some clients at once, each in the order of its events', async () => {
  const held: (() => void)[] = [];
  answer = async ({ body }, subscriber) => {
    // The execution for all is that of the first client.
    if (open.some(({ request }) => request === subscriber)) await new Promise<void>((go) => held.push(go));
    return answerOf(body, false);
  };
  const clients = [];
  for (let i = 0; i < 4; i++) clients.push(await subscribe({ concurrency: 2 }));
  await give(1);
  await give(2);
  expect([held.length, clients[0]!.got]).toEqual([2, [1]]);
  held[0]!();
  await pass(0);
  expect([held.length, clients.map(({ got }) => got)]).toEqual([3, [[1], [1], [], []]]);
  for (let i = 1; i < 6; i++) {
    held[i]!();
    await pass(0);
  }
  expect(clients.map(({ got }) => got)).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});

describe('a generation that was replaced', () => {
  const refusal = new GraphQLError('This user is blocked.', { extensions: { code: 'BLOCKED' } });

  it('has its subscriptions moved that were only prepared by then', async () => {
    await all.moveTo(generation('second'));
    const late = await subscribe();
    await pass(0);
    await give(1);
    expect(late.got).toEqual([['second', 1]]);
    expect(unreleased).toBe(1);
  });

  it('lets nobody join those that were only prepared by then, whom the new one might refuse', async () => {
    let asked = 0;
    const readmit = (): Promise<void> => (++asked === 1 ? Promise.resolve() : Promise.reject(refusal));
    await all.moveTo(generation('second', { readmit }));
    const admitted = await subscribe();
    await pass(0);
    const refused = await subscribe();
    await pass(0);
    expect([admitted.got, refused.got]).toEqual([[], [['BLOCKED', 'This user is blocked.']]]);
  });

  it('merges none that the new one has not admitted yet', async () => {
    const open = async (position: string): Promise<[Subscribed, typeof events]> => {
      events = new HeldSource();
      const opening = subscribe({}, undefined, await cursors.of('counts', position));
      await pass(1);
      return [await opening, events];
    };
    const [[, one], [refused, other]] = [await open('p1'), await open('p0')];
    let asked = 0;
    const admit = generation('second', {
      readmit: () => (++asked === 1 ? Promise.resolve() : Promise.reject(refusal)),
    });
    const waiting: (() => void)[] = [];
    void all.moveTo(async (text, subscriber) => {
      await new Promise<void>((go) => waiting.push(go));
      return admit(text, subscriber);
    });
    for (const [i, source] of [one, other].entries()) {
      source.give(eventOf(1, { position: 'p2' }));
      await pass(0);
      waiting[i]!();
      await pass(0);
    }
    expect(refused.got).toEqual([1, ['BLOCKED', 'This user is blocked.']]);
  });

  it('ends no subscription any more: the newest one says whether it is valid', async () => {
    const { got } = await subscribe();
    let fail!: (error: Error) => void;
    const moved = all.moveTo(() => new Promise((_, reject) => (fail = reject)));
    await all.moveTo(generation('third'));
    fail(refusal);
    await moved;
    await give(1);
    expect(got).toEqual([['third', 1]]);
    expect(unreleased).toBe(1);
  });
});
