import { RunOperation, type RunOperationOptions } from '../../../../gateway/request/run-operation';

/** Knows one operation. */
function createRunner() {
  const read = jest.fn((_request: unknown, work: () => unknown) => Promise.resolve(work()));
  const refuse = jest.fn();
  const options = {
    persistedOperations: { spellOut: (sent: unknown) => sent, refuse: undefined },
    limits: { refuse },
    gateway: {
      current: {
        known: (document: string) => (document === '{ known }' ? { type: 'query' } : undefined),
        hold: () => () => undefined,
      },
    },
    isPreflighted: () => true,
    readingTurns: { read },
    hooks: {},
  } as unknown as RunOperationOptions;
  const request = { head: { method: 'POST', url: '/', headers: {} }, hold: () => undefined, identity: {} };
  const arrival = { request, body: Buffer.alloc(0) } as never;
  return { runner: new RunOperation(options), read, refuse, arrival };
}

it.each([
  ['{ known }', 0],
  ['{ new }', 1],
])('checks the limits of %s in a batch, after %i turns of reading', async (query, turns) => {
  const { runner, read, refuse, arrival } = createRunner();
  await runner.expand(arrival, { query });
  expect(read).toHaveBeenCalledTimes(turns);
  expect(refuse).toHaveBeenCalledTimes(1);
});
