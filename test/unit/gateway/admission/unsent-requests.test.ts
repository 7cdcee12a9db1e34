import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { WholeRequest } from '../../../../gateway/http/whole-messages';
import { HttpSink } from '../../../../gateway/http/http-sink';
import { UnsentRequests } from '../../../../gateway/admission/unsent-requests';
import { sinkOptions } from '../../../support/sink-options';

interface Client {
  readonly sink: HttpSink;
  readonly sender: string;
  readonly start: number;
  received: number;
  isAdmitted: boolean;
}

let clients: Client[];
let givenUp: Client[];
let unsent: UnsentRequests;
const said: object[] = [];

beforeEach(() => {
  jest.useFakeTimers();
  clients = [];
  givenUp = [];
  said.length = 0;
  unsent = new UnsentRequests({
    requests: 4,
    limit: 1000,
    bodyLimit: 800,
    inFlight: { [Symbol.iterator]: () => clients.values() },
    logger: { warn: (facts: object) => said.push(facts) } as never,
  });
});
afterEach(() => {
  unsent.close();
  jest.useRealTimers();
});

interface Request {
  readonly arrived?: number;
  readonly headers?: IncomingHttpHeaders;
  readonly complete?: boolean;
  /** Of HTTP/2. */
  readonly stream?: { readonly endAfterHeaders: boolean };
}

function arrives(request: Request, sender = 'a'): Client {
  const req = Object.assign(Object.create(WholeRequest.prototype) as WholeRequest, {
    ...{ complete: false, ...request },
    headers: { 'transfer-encoding': 'chunked', ...request.headers },
  });
  const sink = new HttpSink(req, { req } as unknown as ServerResponse, sinkOptions());
  const client = { sink, sender, start: clients.length, received: 0, isAdmitted: false };
  sink.giveUp = () => givenUp.push(client);
  clients.push(client);
  return client;
}

function look(): void {
  jest.advanceTimersByTime(100);
  clients = clients.filter((each) => !givenUp.includes(each));
}

it('lets requests arrive slowly while they are few and small', () => {
  for (let i = 0; i < 4; i++) arrives({ arrived: 250 });
  for (let i = 0; i < 100; i++) look();
  expect([unsent.isTooMuch, givenUp, said]).toEqual([false, [], []]);
});

it('drops the oldest requests of the sender with the most when there are too many', () => {
  const other = [arrives({ arrived: 0 }, 'b'), arrives({ arrived: 0 }, 'b')];
  const many = Array.from({ length: 5 }, () => arrives({ arrived: 0 }));
  look();
  expect(new Set(givenUp)).toEqual(new Set(many.slice(0, 3)));
  expect(clients).toEqual([...other, ...many.slice(3)]);
  expect(said).toEqual([{ requests: 3 }]);
});

it('drops requests that hold too much memory, after it dropped some of too many', () => {
  const others = [arrives({ arrived: 500 }, 'b'), arrives({ arrived: 500 }, 'b')];
  const many = Array.from({ length: 4 }, () => arrives({ arrived: 100 }));
  look();
  // Two of the many for their number; then one of the others, who keep the most.
  expect(givenUp).toHaveLength(3);
  expect(clients.filter((each) => many.includes(each))).toHaveLength(2);
  expect(clients.filter((each) => others.includes(each))).toHaveLength(1);
  expect([said, unsent.isTooMuch]).toEqual([[{ requests: 3 }], false]);
});

const sizes = [100, 300, 350, 400];
it.each(sizes.flatMap((_, i) => sizes.map((__, j) => [i, j])))(
  'drops the request that holds the most memory, in any order of arrival: %d, %d',
  (i, j) => {
    const order = [...sizes];
    order.push(...order.splice(i, 1));
    order.unshift(...order.splice(j, 1));
    const arriving = new Map(order.map((arrived) => [arrived, arrives({ arrived })]));
    look();
    expect(givenUp).toEqual([arriving.get(400)]);
  },
);

it('ignores requests without a body', () => {
  const client = arrives({ arrived: 900 });
  Object.defineProperty(client.sink, 'upload', { value: undefined });
  arrives({ arrived: 200 });
  look();
  expect([unsent.isTooMuch, givenUp]).toEqual([false, []]);
});

it('counts a request over HTTP/2 without a body as nothing', () => {
  for (let i = 0; i < 3; i++) arrives({ stream: { endAfterHeaders: true }, complete: true });
  look();
  expect(unsent.isTooMuch).toBe(false);
});

it('counts a request that came in one piece and waits for a slot', () => {
  const client = arrives({});
  Object.defineProperty(client.sink, 'upload', { value: undefined });
  client.received = 1001;
  look();
  expect([unsent.isTooMuch, givenUp]).toEqual([true, []]);
  client.isAdmitted = true;
  look();
  expect(unsent.isTooMuch).toBe(false);
});

it('counts a compressed body by its decompressed size, once that is known', () => {
  const packed = arrives({ complete: true, headers: { 'content-encoding': 'gzip', 'content-length': '10' } });
  const arriving = arrives({ arrived: 300 });
  look();
  expect(unsent.isTooMuch).toBe(true);
  packed.received = 100;
  look();
  expect([unsent.isTooMuch, clients]).toEqual([false, [packed, arriving]]);
});

it('stops checking when it is closed', () => {
  unsent.close();
  expect(jest.getTimerCount()).toBe(0);
});

it('drops the largest requests of the sender that holds the most, when that is too much', () => {
  const other = arrives({ arrived: 450 }, 'b');
  const [small, large] = [arrives({ arrived: 200 }), arrives({ arrived: 400 })];
  look();
  expect(givenUp).toEqual([large]);
  expect(clients).toEqual([other, small]);
  expect(unsent.isTooMuch).toBe(false);
});

it('drops no request that has arrived, but reports when waiting requests hold too much', () => {
  for (let i = 0; i < 5; i++) arrives({ arrived: 190, complete: true });
  const arriving = arrives({ arrived: 190 });
  look();
  expect([unsent.isTooMuch, givenUp]).toEqual([true, []]);
  clients[0]!.isAdmitted = true;
  look();
  expect([unsent.isTooMuch, givenUp]).toEqual([false, []]);
  expect(clients).toContain(arriving);
});

it.each([
  ['a packed body', { arrived: 10, headers: { 'content-encoding': 'gzip' } }],
  ['one that says no length over HTTP/2', { stream: { endAfterHeaders: false } }],
])('counts the possible size of %s', (_, request) => {
  arrives(request);
  arrives({ headers: { 'content-length': '200' } });
  look();
  expect(givenUp).toEqual([]);
  arrives({ arrived: 1 });
  look();
  expect(givenUp).toHaveLength(1);
});
