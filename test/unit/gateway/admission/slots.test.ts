import { Slots } from '../../../../gateway/admission/slots';
import { HttpSink } from '../../../../gateway/http/http-sink';
import type { SlotWaiter } from '../../../../gateway/admission/admission-queue';
import type { IncomingRequest } from '../../../../gateway/request/incoming-request';
import { outOfSet } from '../../../../gateway/subgraph-calls/sharing/live-set';
import { sinkOptions } from '../../../support/sink-options';

const told: string[] = [];
let isFree = false;
let isTooMuch = false;
let waiter: SlotWaiter | undefined;
beforeEach(() => {
  told.length = 0;
  isFree = isTooMuch = false;
  waiter = undefined;
});

const slots = new Slots({
  inFlight: {
    admit: () => told.push('has a slot'),
    suspend: () => told.push('has no slot'),
    dismiss: () => told.push('dismissed'),
  },
  overload: {
    get hasFreeSlot() {
      return isFree;
    },
    enqueue: (added) => {
      waiter = added;
      told.push('waits');
    },
    refuse: (refused) => {
      waiter = refused;
      told.push('refused at once');
    },
    slotFreed: () => told.push('one more is free'),
  },
  unsent: {
    get isTooMuch() {
      return isTooMuch;
    },
  },
  bodyLimit: 20_000,
  refuse: () => told.push('told so'),
});

const request = (how: Partial<Pick<IncomingRequest, 'sink' | 'received'>> = {}) =>
  ({
    ...{ sender: 'somebody', indexInSet: 0, received: 0, sink: { upload: undefined } },
    ...how,
  }) as unknown as IncomingRequest & { indexInSet: number };
/** A request over HTTP whose body is still to come. */
function overHttp(message: object): { readonly sink: HttpSink } {
  const req = { headers: {}, complete: false, ...message };
  return { sink: new HttpSink(req as never, { req } as never, sinkOptions()) };
}
const acquire = (client = request()) => slots.acquire(client, () => told.push('served'));

it('admits a request at once when there is a slot', () => {
  isFree = isTooMuch = true;
  acquire();
  expect(told).toEqual(['has a slot', 'served']);
});

it('makes it wait otherwise, until it is admitted', () => {
  jest.spyOn(performance, 'now').mockReturnValue(1234);
  acquire();
  expect(told).toEqual(['waits']);
  expect(waiter).toMatchObject({ sender: 'somebody', since: 1234, isGone: false });
  waiter!.admit();
  expect(told.slice(1)).toEqual(['has a slot', 'served']);
  jest.restoreAllMocks();
});

it('makes it wait otherwise, until it is refused', () => {
  acquire();
  waiter!.refuse();
  expect(told.slice(1)).toEqual(['dismissed', 'told so']);
});

it('notices when its client has left', () => {
  const client = request();
  acquire(client);
  expect(waiter!.isGone).toBe(false);
  client.indexInSet = outOfSet;
  expect(waiter!.isGone).toBe(true);
});

it.each([
  ['without a body', overHttp({}), 'waits'],
  ['of 16 KiB', overHttp({ headers: { 'content-length': '16384' } }), 'waits'],
  ['of more', overHttp({ headers: { 'content-length': '16385' } }), 'refused at once'],
  [
    'that does not say how long it is',
    overHttp({ headers: { 'transfer-encoding': 'chunked' } }),
    'refused at once',
  ],
  [
    'that does not say how long it is over HTTP/2',
    overHttp({ stream: { endAfterHeaders: false } }),
    'refused at once',
  ],
  [
    'of which 16 KiB are there',
    { ...overHttp({ complete: true, headers: { 'transfer-encoding': 'chunked' } }), received: 16_384 },
    'waits',
  ],
  ['of 16 KiB that came in one piece', { received: 16_384 }, 'waits'],
  ['of more that came in one piece', { received: 16_385 }, 'refused at once'],
])('lets a small request %s wait while waiting requests hold too much memory', (_, how, expected) => {
  isTooMuch = true;
  acquire(request(how));
  expect(told).toEqual([expected]);
});

it('lets a large request wait while there is memory', () => {
  acquire(request({ received: 1_000_000 }));
  expect(told).toEqual(['waits']);
});

it('releases the slot of a request that must wait for more of its body', () => {
  slots.release(request());
  expect(told).toEqual(['has no slot', 'one more is free']);
});
