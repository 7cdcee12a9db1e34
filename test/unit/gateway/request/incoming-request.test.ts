import { ClientGone, IncomingRequest } from '../../../../gateway/request/incoming-request';
import { heapUsed } from '../../../support/heap';

let now: number;
/** How many requests are not worked on any more. */
let settled: number;

beforeEach(() => {
  now = 1000;
  settled = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});

afterEach(() => {
  jest.restoreAllMocks();
});

function begin(headers: Record<string, string> = {}): IncomingRequest {
  return new IncomingRequest(
    {
      forwardIn: () => () => ({ headers: {}, own: undefined, shared: undefined }),
      signIdentity: () => undefined,
      timeout: 200,
      reportsTimes: false,
      datadog: false,
      onSettle: () => settled++,
    },
    { method: 'POST', url: '/graphql', headers },
    '127.0.0.1',
    {
      ...{
        isAnswered: false,
        carriesParts: true,
        events: undefined,
        takesGaps: false,
        incremental: undefined,
        refusesInEvents: false,
      },
      answer: () => undefined,
      ...{ upload: undefined, download: undefined, messages: undefined },
    },
    now,
  );
}

const run = <Result>(request: IncomingRequest, work: () => Promise<Result>): Promise<Result> =>
  new Promise((resolve, reject) => request.run(work, resolve, reject));

const timeout = {
  message: 'The request took longer than 200 ms.',
  extensions: { code: 'GATEWAY_TIMEOUT', http: { status: 504 } },
};

describe('work for a request', () => {
  it('settles within the timeout of the request', async () => {
    const request = begin();
    const answer = run(request, async () => {
      now += 199;
      return 'in time';
    });
    expect(await answer).toBe('in time');
    request.end();
  });

  // A call may be given up at the deadline a moment before the timer of the request comes.
  it.each([
    ['answers', async () => 'late'],
    ['fails', async () => Promise.reject(new Error('late'))],
  ])('is a timeout if it %s at its deadline, whichever timer fires first', async (_, settle) => {
    const request = begin();
    const answer = run(request, () => {
      now += 200;
      return settle();
    });
    await expect(answer).rejects.toMatchObject(timeout);
    expect(request.isGone).toBe(true);
    request.end();
  });

  it('is not begun after its deadline', async () => {
    const request = begin();
    now += 200;
    const work = jest.fn();
    await expect(run(request, work)).rejects.toMatchObject(timeout);
    expect(work).not.toHaveBeenCalled();
  });

  it('rejects with the abort reason before the deadline', async () => {
    const request = begin();
    const answer = run(request, async () => {
      request.abort(new ClientGone());
      now += 200;
    });
    await expect(answer).rejects.toBeInstanceOf(ClientGone);
    request.end();
  });
});

it('is unsettled until its answer is known, whenever the answer is read', async () => {
  const request = begin();
  let answer!: (value: string) => void;
  const known = run(request, () => new Promise<string>((resolve) => (answer = resolve)));
  expect(settled).toBe(0);
  answer('known');
  await known;
  expect(settled).toBe(1);
  request.end();
  expect(settled).toBe(1);
});

it('is unsettled after the first part of its answer until the work for others has ended', async () => {
  const request = begin();
  let ended!: () => void;
  await run(request, async () => {
    ended = request.workOn();
  });
  request.settle();
  expect(settled).toBe(0);
  ended();
  expect(settled).toBe(1);
  request.end();
  expect(settled).toBe(1);
});

it.each([
  ['is aborted', (request: IncomingRequest) => request.abort(new ClientGone())],
  ['ends', (request: IncomingRequest) => request.end()],
])('is settled when it %s while work for others goes on', (_, end) => {
  const request = begin();
  request.workOn();
  end(request);
  expect(settled).toBe(1);
});

it('is settled when it is aborted', async () => {
  const request = begin();
  const never = run(request, () => new Promise(() => undefined));
  request.abort(new ClientGone());
  expect(settled).toBe(1);
  await expect(never).rejects.toBeInstanceOf(ClientGone);
});

it('is settled when it ends without having been run', () => {
  begin().end();
  expect(settled).toBe(1);
});

it('is settled when `settle` is called', () => {
  const request = begin();
  request.settle();
  expect(settled).toBe(1);
  request.end();
  expect(settled).toBe(1);
});

it('calls a release function at once if it is settled', () => {
  const request = begin();
  const release = jest.fn();
  request.settle();
  request.onSettle(release);
  expect(release).toHaveBeenCalledTimes(1);
  request.end();
  expect(release).toHaveBeenCalledTimes(1);
});

it('calls a release function at once if it is over', () => {
  const request = begin();
  const release = jest.fn();
  request.end();
  request.onEnd(release);
  expect(release).toHaveBeenCalledTimes(1);
});

it('keeps 64 characters of the name of a client, and not the header that they are from', async () => {
  // A text of its own for each request, as the parser of HTTP makes it.
  const header = (): string => Buffer.alloc(16_000, 'n').toString('latin1');
  const before = await heapUsed();
  const names = Array.from(
    { length: 500 },
    () => begin({ 'apollographql-client-name': header() }).clientName,
  );
  expect((await heapUsed()) - before).toBeLessThan(4e6);
  expect(new Set(names)).toEqual(new Set(['n'.repeat(64)]));
});
