import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { UnsentRequests } from '../../../../gateway/limits/unsent-requests';

let responses: ServerResponse[];
let givenUp: ServerResponse[];
let unsent: UnsentRequests;

beforeEach(() => {
  responses = [];
  givenUp = [];
  unsent = new UnsentRequests({
    limit: 1000,
    bodyLimit: 800,
    responses: () => responses,
    giveUp(response) {
      givenUp.push(response);
      responses = responses.filter((each) => each !== response);
    },
    logger: { warn: () => undefined } as never,
  });
});

function arrives(request: { arrived?: number; headers?: IncomingHttpHeaders; complete?: boolean }) {
  const response = { req: { headers: {}, complete: false, ...request } } as unknown as ServerResponse;
  responses.push(response);
  return response;
}

it('lets requests arrive as slowly as they like while there is place and memory', () => {
  arrives({ arrived: 500 });
  arrives({ arrived: 500 });
  for (const now of [0, 1000, 60_000]) unsent.look(now, false);
  expect([unsent.isTooMuch, givenUp]).toEqual([false, []]);
});

it('gives up all that have been arriving for a second when there is no place', () => {
  const [one, other] = [arrives({ arrived: 0 }), arrives({ arrived: 0 })];
  unsent.look(0, false);
  const late = arrives({ arrived: 0 });
  unsent.look(900, true);
  expect(givenUp).toEqual([]);
  unsent.look(1000, true);
  expect(givenUp).toEqual([one, other]);
  expect(responses).toEqual([late]);
});

it('says at once that too much is kept, and gives up those of which the most is kept', () => {
  arrives({ arrived: 300 });
  const large = arrives({ arrived: 600 });
  arrives({ arrived: 400 });
  unsent.look(0, false);
  expect([unsent.isTooMuch, givenUp]).toEqual([true, []]);
  unsent.look(1000, false);
  expect([unsent.isTooMuch, givenUp]).toEqual([false, [large]]);
});

it('counts nothing that has arrived whole', () => {
  arrives({ arrived: 800, complete: true });
  arrives({ arrived: 800 });
  unsent.look(0, false);
  expect(unsent.isTooMuch).toBe(false);
});

it.each([
  ['a packed body', { arrived: 10, headers: { 'content-encoding': 'gzip' } }],
  ['one that says no length over HTTP/2', {}],
])('counts what %s may become', (_, request) => {
  arrives(request);
  arrives({ headers: { 'content-length': '200' } });
  unsent.look(0, false);
  expect(unsent.isTooMuch).toBe(false);
  arrives({ arrived: 1 });
  unsent.look(100, false);
  expect(unsent.isTooMuch).toBe(true);
});
