import type { GraphQLError } from 'graphql';
import { PlanWaits, type PlanWaiter } from '../../../../gateway/admission/plan-waits';

let waits: PlanWaits;
let freed = 0;
beforeEach(() => {
  freed = 0;
  waits = new PlanWaits({ limit: 3 });
  waits.onWait = () => freed++;
});

/** A request that waits until its plan is there, or it is ended. */
function waiter(sender: string, received = 100) {
  const releases: (() => void)[] = [];
  const request = {
    sender,
    received,
    isGone: false as boolean,
    abortion: undefined as unknown[] | undefined,
    releases,
    abort(reason: Error) {
      request.isGone = true;
      request.abortion = plain(reason);
      request.settle();
    },
    onSettle: (release: () => void) => void releases.push(release),
    settle: () => {
      for (const release of releases.splice(0)) release();
    },
  } satisfies PlanWaiter & Record<string, unknown>;
  return request;
}

const never = new Promise<string>(() => undefined);
/** What a client is told: `expect.objectContaining` would not look into the map of headers. */
function plain(error: unknown): unknown[] {
  const { code, http } = (error as GraphQLError).extensions as {
    code: string;
    http: { status: number; headers: Map<string, string> };
  };
  return [code, http.status, ...http.headers];
}
const busy = ['REQUEST_CONCURRENCY_LIMITED', 503, ['retry-after', '1']];

/** Waits for a plan that does not come; says how that ended. */
function waitInVain(request: PlanWaiter): Promise<unknown> {
  return waits.wait(request, never).catch(plain);
}

it('releases the slot as soon as a request waits, and settles as the plan does', async () => {
  const planned = waits.wait(waiter('a'), Promise.resolve('plan'));
  const failed = waits.wait(waiter('a'), Promise.reject(new Error('too complex')));
  expect([waits.size, freed]).toEqual([2, 2]);
  await expect(planned).resolves.toBe('plan');
  await expect(failed).rejects.toThrow('too complex');
  await new Promise(setImmediate);
  expect(waits.size).toBe(0);
});

it('counts a request that waits for several plans once, until it has the last one', async () => {
  const request = waiter('a');
  let done!: (plan: string) => void;
  void waits.wait(request, new Promise<string>((resolve) => (done = resolve)));
  await waits.wait(request, Promise.resolve('plan'));
  await new Promise(setImmediate);
  expect([waits.size, freed, request.releases.length]).toEqual([1, 1, 1]);
  done('plan');
  await new Promise(setImmediate);
  expect(waits.size).toBe(0);
});

it('stops waiting when the request is over', async () => {
  const request = waiter('a');
  const waited = waitInVain(request);
  request.settle();
  expect(waits.size).toBe(0);
  expect(await waited).toEqual(busy);
  request.isGone = true;
  expect(await waitInVain(request)).toEqual(busy);
  expect(waits.size).toBe(0);
});

it('stops waiting when the request is settled, such as the rest of a failed batch', async () => {
  const request = { ...waiter('a'), onSettle: (release: () => void) => release() };
  expect(await waitInVain(request)).toEqual(busy);
  expect(waits.size).toBe(0);
});

it('refuses the newest request of the sender with the most when there are too many', async () => {
  const [first, second, newest] = [waiter('a'), waiter('a'), waiter('a')];
  void waitInVain(first);
  void waitInVain(second);
  const waited = waitInVain(newest);
  const other = waiter('b');
  void waitInVain(other);
  expect([first, second, newest, other].map(({ abortion }) => abortion)).toEqual([
    undefined,
    undefined,
    busy,
    undefined,
  ]);
  expect(await waited).toEqual(busy);
  const another = waiter('a');
  void waitInVain(another);
  expect(another.abortion).toEqual(busy);
  expect(waits.size).toBe(3);
});

it('counts a large request as several, and accepts one that is alone', async () => {
  const large = waiter('a', 1_000_000);
  void waitInVain(large);
  expect(large.abortion).toBeUndefined();
  const small = waiter('b');
  void waitInVain(small);
  expect([large.abortion, small.abortion]).toEqual([busy, undefined]);
  const [one, two] = [waiter('c', 4096), waiter('c', 4097)];
  void waitInVain(one);
  void waitInVain(two);
  expect([one.abortion, two.abortion]).toEqual([undefined, busy]);
});
