import { buildSchema } from 'graphql';
import {
  createInProcessSubscribe,
  subscribeBySchema,
} from '../../../../../gateway/subgraph-calls/wire/in-process';
import { callerOf } from '../../../../support/caller';
import { operationOf } from '../../../../support/subgraph-request';

const schema = buildSchema('type Query { a: Int }  type Subscription { count(from: Int): Int }');
const operation = operationOf('subscription($from:Int){count(from:$from)}', { kind: 'subscription' });
const request = { operation, variables: Buffer.from('{"from":3}'), caller: callerOf() };

/** Counts until it is left. */
let isLeft: boolean;
beforeEach(() => (isLeft = false));
schema.getSubscriptionType()!.getFields()['count']!.subscribe = async function* (
  _root: unknown,
  { from }: { from: number },
) {
  try {
    for (let count = from; count < from + 2; count++) yield { count };
    if (from === 7) throw new Error('It breaks.');
  } finally {
    isLeft = true;
  }
};
const textOf = async (source: Awaited<ReturnType<ReturnType<typeof createInProcessSubscribe>>>) =>
  (await source.next())?.body.toString();

describe('a subscription in the process', () => {
  const subscribe = createInProcessSubscribe({ name: 'counts', subscribe: subscribeBySchema(schema) });

  it('has the events of a schema, and ends with them', async () => {
    const source = await subscribe(request);
    expect(await textOf(source)).toBe('{"data":{"count":3}}');
    expect(await textOf(source)).toBe('{"data":{"count":4}}');
    expect(await source.next()).toBeUndefined();
  });

  it('leaves when it is closed', async () => {
    const source = await subscribe(request);
    await source.next();
    source.close();
    expect(await source.next()).toBeUndefined();
    while (!isLeft) await new Promise(setImmediate);
  });

  it('has what is refused as one event', async () => {
    const source = await subscribe({ ...request, variables: Buffer.from('{"from":"x"}') });
    expect(await textOf(source)).toContain('"errors"');
    expect(await source.next()).toBeUndefined();
  });

  it('fails with a failure that says nothing of the cause', async () => {
    const source = await subscribe({ ...request, variables: Buffer.from('{"from":7}') });
    await source.next();
    await source.next();
    await expect(source.next()).rejects.toMatchObject({
      failure: 'failed',
      message: 'Subgraph "counts" failed to answer.',
    });
  });

  it('rejects at the deadline of its caller, and leaves what opens later', async () => {
    let open!: () => void;
    const late = new Promise<void>((resolve) => (open = resolve));
    const left = jest.fn(() => Promise.resolve({ done: true as const, value: undefined }));
    const events = { next: () => new Promise<never>(() => undefined), return: left };
    const slow = createInProcessSubscribe({
      name: 'counts',
      subscribe: () => late.then(() => ({ [Symbol.asyncIterator]: () => events })),
    });
    const caller = callerOf({ deadline: performance.now() + 30 });
    await expect(slow({ ...request, caller })).rejects.toMatchObject({ failure: 'timeout' });
    open();
    await new Promise(setImmediate);
    expect(left).toHaveBeenCalledTimes(1);
  });
});
