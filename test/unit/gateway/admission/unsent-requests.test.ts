import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { WholeRequest } from '../../../../gateway/http/whole-messages';
import { HttpSink } from '../../../../gateway/http/http-sink';
import { UnsentRequests } from '../../../../gateway/admission/unsent-requests';

interface Client {
  readonly sink: HttpSink;
  readonly sender: string;
  readonly start: number;
  isAdmitted: boolean;
}

let clients: Client[];
let givenUp: Client[];
let unsent: UnsentRequests;

beforeEach(() => {
  jest.useFakeTimers();
  clients = [];
  givenUp = [];
  unsent = new UnsentRequests({
    requests: 4,
    limit: 1000,
    bodyLimit: 800,
    inFlight: { [Symbol.iterator]: () => clients.values() },
    logger: { warn: () => undefined } as never,
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
}

function arrives(request: Request, sender = 'a'): Client {
  const req = Object.assign(Object.create(WholeRequest.prototype) as WholeRequest, {
    ...{ headers: {}, complete: false },
    ...request,
  });
  const sink = new HttpSink(req, { req } as unknown as ServerResponse, () => []);
  const client = { sink, sender, start: clients.length, isAdmitted: false };
  sink.giveUp = () => givenUp.push(client);
  clients.push(client);
  return client;
}

function look(): void {
  jest.advanceTimersByTime(100);
  clients = clients.filter((each) => !givenUp.includes(each));
}

it('lets requests arrive as slowly as they like while they are few and keep little', () => {
  for (let i = 0; i < 4; i++) arrives({ arrived: 250 });
  for (let i = 0; i < 100; i++) look();
  expect([unsent.isTooMuch, givenUp]).toEqual([false, []]);
});

it('gives up the oldest of who has most of them when there are too many', () => {
  const other = [arrives({ arrived: 0 }, 'b'), arrives({ arrived: 0 }, 'b')];
  const many = Array.from({ length: 5 }, () => arrives({ arrived: 0 }));
  look();
  expect(new Set(givenUp)).toEqual(new Set(many.slice(0, 3)));
  expect(clients).toEqual([...other, ...many.slice(3)]);
});

it('gives up those of which the most is kept, of who keeps the most, when that is too much', () => {
  const other = arrives({ arrived: 450 }, 'b');
  const [small, large] = [arrives({ arrived: 200 }), arrives({ arrived: 400 })];
  look();
  expect(givenUp).toEqual([large]);
  expect(clients).toEqual([other, small]);
  expect(unsent.isTooMuch).toBe(false);
});

it('gives up nothing that has arrived, but says when what waits for its turn keeps too much', () => {
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
  ['one that says no length over HTTP/2', {}],
])('counts what %s may become', (_, request) => {
  arrives(request);
  arrives({ headers: { 'content-length': '200' } });
  look();
  expect(givenUp).toEqual([]);
  arrives({ arrived: 1 });
  look();
  expect(givenUp).toHaveLength(1);
});
