import { createCommands, isOutage, unavailable, type Command } from '../../../../kit/table/commands';

const failure = (facts: object) => Object.assign(new Error('It failed.'), facts);
const client = {} as never;
const command: Command = { name: 'Query', table: 'books', size: 1 };

describe('an outage', () => {
  it.each([
    'InternalServerError',
    'LimitExceededException',
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'ServiceUnavailable',
    'ThrottlingException',
    'TimeoutError',
  ])('is an error with the name %s', (name) => {
    expect(isOutage(failure({ name }))).toBe(true);
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'])('is an error with the code %s', (code) => {
    expect(isOutage(failure({ code }))).toBe(true);
  });

  it.each([500, 503])('is an answer with the status %d', (httpStatusCode) => {
    expect(isOutage(failure({ $metadata: { httpStatusCode } }))).toBe(true);
  });

  it.each([
    failure({ name: 'ValidationException', $metadata: { httpStatusCode: 400 } }),
    failure({ $metadata: { httpStatusCode: 499 } }),
    failure({ code: 'ENOENT' }),
    failure({}),
    { name: 'ThrottlingException' },
    null,
    undefined,
  ])('is nothing else: %p', (error) => {
    expect(isOutage(error)).toBe(false);
  });
});

describe('a command', () => {
  const commands = createCommands({ client, retryMilliseconds: 1 });
  const told: string[] = [];
  beforeAll(() => {
    commands.observers.add(({ name, table, size }) => {
      told.push(`${name} ${table} ${size}`);
      return () => told.push('over');
    });
    commands.observers.add(() => undefined);
  });
  beforeEach(() => told.splice(0));

  it('is answered, and told of when it begins and when it is over', async () => {
    const answer = await commands.run(command, () => {
      told.push('sent');
      return Promise.resolve(7);
    });
    expect(answer).toBe(7);
    expect(told).toEqual(['Query books 1', 'sent', 'over']);
  });

  it('is told of as over when it fails, too', async () => {
    const error = failure({ name: 'ValidationException' });
    await expect(commands.run(command, () => Promise.reject(error))).rejects.toBe(error);
    expect(told).toEqual(['Query books 1', 'over']);
  });

  it('is unavailable when the store does not answer, and keeps why for the log', async () => {
    const error = failure({ code: 'ECONNREFUSED' });
    await expect(commands.run(command, () => Promise.reject(error))).rejects.toMatchObject({
      message: unavailable(error).message,
      code: 'UNAVAILABLE',
      cause: error,
      extensions: { code: 'UNAVAILABLE' },
    });
  });
});
