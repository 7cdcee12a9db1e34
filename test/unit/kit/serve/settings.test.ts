import { readSettings, standInUsage, usage } from '../../../../kit/serve/settings';

const subgraph = {
  name: 'orders',
  port: 4005,
  options: {
    inventoryUrl: { description: 'Where inventory answers.', default: 'http://127.0.0.1:4003/graphql' },
  },
};
const stateMachines = 'arn:aws:states:eu-west-1:123456789012:stateMachine:shop-';
const read = (args: string[], env: Record<string, string> = {}) => readSettings(subgraph, args, env);

describe('settings', () => {
  it('leave everything to the defaults but the data folder', () => {
    expect(read([])).toEqual({ database: { kind: 'embedded', folder: '.weir/dynamodb' }, options: {} });
  });

  it('are read from flags before the environment', () => {
    const env = {
      PORT: '1',
      HOST: '0.0.0.0',
      WEIR_DATA: 'a',
      LOG_LEVEL: 'warn',
      INVENTORY_URL: 'http://env',
      WEIR_SEED: 'true',
    };
    expect(read([], env)).toEqual({
      host: '0.0.0.0',
      port: 1,
      seed: true,
      logLevel: 'warn',
      database: { kind: 'embedded', folder: 'a' },
      options: { inventoryUrl: 'http://env' },
    });
    const args = [
      '--port=2',
      '--data',
      'b',
      '--inventory-url',
      'http://flag',
      '--seed',
      'false',
      '--schema',
      's.graphql',
    ];
    expect(read(args, env)).toMatchObject({
      port: 2,
      seed: false,
      schema: 's.graphql',
      database: { folder: 'b' },
      options: { inventoryUrl: 'http://flag' },
    });
  });

  it('choose the channel of events, and name what it needs', () => {
    const env = { EVENTS_CHANNEL: 'sns-sqs', EVENTS_TOPIC: 'prod-{source}.fifo', EVENTS_CREATE: 'true' };
    expect(read([], env).events).toEqual({ channel: 'sns-sqs', topic: 'prod-{source}.fifo', create: true });
    const flags = ['--events-channel', 'sns-sqs', '--events-queue', 'q.fifo', '--events-create', 'false'];
    expect(read(flags, env).events).toEqual({
      channel: 'sns-sqs',
      topic: 'prod-{source}.fifo',
      queue: 'q.fifo',
      create: false,
    });
    expect(read(['--events-channel', 'table'], env).events).toBeUndefined();
  });

  it('wait for an archive where they say for how long', () => {
    expect(read([]).archiveWait).toBeUndefined();
    expect(read([], { WEIR_ARCHIVE_WAIT: '5000' }).archiveWait).toBe(5000);
  });

  it('treat an empty variable as one that is not set', () => {
    const names = [
      ...['PORT', 'DYNAMODB_ENDPOINT', 'LOG_LEVEL', 'INVENTORY_URL', 'WEIR_DATA', 'WEIR_SEED', 'HOST'],
      ...['EVENTS_CHANNEL', 'EVENTS_TOPIC', 'EVENTS_QUEUE', 'EVENTS_CREATE'],
      ...['WEIR_STATE_MACHINES', 'WEIR_TASK_QUEUE', 'WEIR_ARCHIVE_WAIT'],
      ...['WEIR_DEVELOPMENT', 'WEIR_LINK_KEYS', 'WEIR_LINK_KEYS_FILE', 'AWS_LAMBDA_FUNCTION_NAME'],
    ];
    expect(read([], Object.fromEntries(names.map((name) => [name, ''])))).toEqual(read([]));
    const endpoint = { DYNAMODB_ENDPOINT: 'http://db:8000' };
    expect(read([], { ...endpoint, AWS_REGION: '', AWS_DEFAULT_REGION: '', AWS_PROFILE: '' })).toEqual(
      read([], endpoint),
    );
  });

  it.each([
    ['true', true],
    ['false', false],
  ])('are for development where that is said: %s', (text, development) => {
    expect(read([], { WEIR_DEVELOPMENT: text })).toMatchObject({ development });
  });

  it('take link keys, or the file that holds them', () => {
    expect(read([], { WEIR_LINK_KEYS: 'a, b ,c' })).toMatchObject({ link: { keys: ['a', 'b', 'c'] } });
    expect(read([], { WEIR_LINK_KEYS_FILE: '/run/keys' })).toMatchObject({ link: { file: '/run/keys' } });
  });

  it('take the state machines of workflows and the queue of their tasks', () => {
    expect(
      read([], { WEIR_STATE_MACHINES: stateMachines, WEIR_TASK_QUEUE: 'https://sqs.test/q' }),
    ).toMatchObject({
      stepFunctions: { stateMachines, taskQueue: 'https://sqs.test/q' },
    });
  });

  it.each(['0', '65535', '4001'])('take the port %s', (port) => {
    expect(read(['--port', port])).toMatchObject({ port: Number(port) });
  });

  it('need no options of their own', () => {
    expect(readSettings({}, [], {})).toEqual({ database: expect.anything(), options: {} });
  });

  it.each([
    [
      { DYNAMODB_ENDPOINT: 'http://db:8000', AWS_PROFILE: 'work', AWS_DEFAULT_REGION: 'eu-west-2' },
      { kind: 'endpoint', endpoint: 'http://db:8000', credentials: true, region: 'eu-west-2' },
    ],
    [
      { DYNAMODB_ENDPOINT: 'https://db', AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2' },
      { kind: 'endpoint', endpoint: 'https://db', credentials: false, region: 'eu-west-1' },
    ],
    [
      { DYNAMODB_ENDPOINT: 'http://db:8000', AWS_LAMBDA_FUNCTION_NAME: 'orders' },
      { kind: 'endpoint', endpoint: 'http://db:8000', credentials: false },
    ],
    [
      { DYNAMODB_ENDPOINT: 'http://127.0.0.1:8000' },
      { kind: 'endpoint', endpoint: 'http://127.0.0.1:8000', credentials: false },
    ],
    [
      { DYNAMODB_ENDPOINT: 'http://db:8000', AWS_ACCESS_KEY_ID: 'x', AWS_REGION: 'eu-west-1' },
      { kind: 'endpoint', endpoint: 'http://db:8000', credentials: true, region: 'eu-west-1' },
    ],
    [{ DYNAMODB_ENDPOINT: 'aws' }, { kind: 'aws' }],
    [{ AWS_LAMBDA_FUNCTION_NAME: 'orders' }, { kind: 'aws' }],
    [
      { AWS_PROFILE: 'work', AWS_REGION: 'eu-west-1' },
      { kind: 'embedded', folder: '.weir/dynamodb' },
    ],
  ])('select a database: %j', (env, database) => {
    expect(read([], env as unknown as Record<string, string>).database).toEqual(database);
  });

  it.each([
    [
      ['--prot', '1'],
      {},
      'There is no flag --prot; there are --port, --host, --schema, --data, --seed, --events-channel, --events-topic, --events-queue, --events-create, --inventory-url.',
    ],
    [['--port'], {}, 'The flag --port needs a value.'],
    [['--port', '-1'], {}, '--port must be a whole number from 0 to 65535, but got: "-1".'],
    [['--port', '65536'], {}, '--port must be a whole number from 0 to 65535, but got: "65536".'],
    [[], { PORT: '4e3' }, 'PORT must be a whole number from 0 to 65535, but got: "4e3".'],
    [['serve'], {}, 'There is no argument "serve", only flags.'],
    [
      [],
      { LOG_LEVEL: 'loud' },
      'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, but got: "loud".',
    ],
    [['--events-channel', 'kafka'], {}, '--events-channel must be one of table, sns-sqs, but got: "kafka".'],
    [[], { EVENTS_CREATE: 'yes' }, 'EVENTS_CREATE must be one of true, false, but got: "yes".'],
    ...['0', '5s', '100000'].map((text): [string[], object, string] => [
      [],
      { WEIR_ARCHIVE_WAIT: text },
      `WEIR_ARCHIVE_WAIT must be milliseconds from 1 to 99999, but got: "${text}".`,
    ]),
    [[], { PORT: 'x8' }, 'PORT must be a whole number from 0 to 65535, but got: "x8".'],
    [[], { PORT: '8x' }, 'PORT must be a whole number from 0 to 65535, but got: "8x".'],
    [['--host='], {}, 'The flag --host needs a value.'],
    [['--port=1', 'a', 'b'], {}, 'There is no argument "a", only flags.'],
    [[], { WEIR_DEVELOPMENT: 'yes' }, 'WEIR_DEVELOPMENT must be one of true, false, but got: "yes".'],
    [
      [],
      { WEIR_LINK_KEYS: 'a', WEIR_LINK_KEYS_FILE: 'b' },
      'Only one of WEIR_LINK_KEYS and WEIR_LINK_KEYS_FILE may be set.',
    ],
    [
      [],
      { WEIR_TASK_QUEUE: 'https://sqs.test/q' },
      'WEIR_STATE_MACHINES and WEIR_TASK_QUEUE must both be set, or none of them.',
    ],
    [
      [],
      { WEIR_STATE_MACHINES: 'shop-', WEIR_TASK_QUEUE: 'https://sqs.test/q' },
      'WEIR_STATE_MACHINES must be like arn:aws:states:eu-west-1:123456789012:stateMachine:shop-, but got: "shop-".',
    ],
    [
      [],
      { WEIR_STATE_MACHINES: stateMachines, WEIR_TASK_QUEUE: 'q' },
      'WEIR_TASK_QUEUE must be the URL of an SQS queue, but got: "q".',
    ],
    [[], { DYNAMODB_ENDPOINT: 'http://' }, 'DYNAMODB_ENDPOINT must be a URL or "aws", but got: "http://".'],
    [
      [],
      { DYNAMODB_ENDPOINT: 'ftp://http://x' },
      'DYNAMODB_ENDPOINT must be a URL or "aws", but got: "ftp://http://x".',
    ],
    [['--seed', 'yes'], {}, '--seed must be one of true, false, but got: "yes".'],
    [
      [],
      { DYNAMODB_ENDPOINT: 'localhost:8000' },
      'DYNAMODB_ENDPOINT must be a URL or "aws", but got: "localhost:8000".',
    ],
  ])('refuse %j %j in one sentence', (args, env, message) => {
    expect(() => read(args, env as unknown as Record<string, string>)).toThrow(
      expect.objectContaining({ name: 'StartError', message }),
    );
  });

  it('are explained with their own options', () => {
    expect(usage(subgraph)).toContain(
      '--inventory-url VALUE, INVENTORY_URL: Where inventory answers. (default: http://127.0.0.1:4003/graphql)',
    );
    expect(usage(subgraph)).toContain('4005');
  });

  it('are explained as they are read', () => {
    const flags = [
      '--port N        PORT ',
      '--host HOST     HOST ',
      '--schema FILE ',
      '--data DIR      WEIR_DATA ',
    ];
    for (const line of [
      ...flags,
      'WEIR_LINK_KEYS_FILE',
      'WEIR_DEVELOPMENT',
      'DYNAMODB_ENDPOINT',
      'LOG_LEVEL',
      '--events-topic VALUE, EVENTS_TOPIC: for sns-sqs, the name or ARN of the SNS topic of a subgraph (default: {source}-events.fifo)',
    ])
      expect(usage(subgraph)).toContain(line);
    expect(usage({ name: 'plain' })).toContain('(default: 4001)');
    expect(usage({ name: 'plain' })).toContain('The subgraph "plain".');
    expect(usage({ name: 'plain' })).not.toContain('INVENTORY_URL');
  });

  it('of a stand-in are explained without those of the private link', () => {
    const text = standInUsage(subgraph);
    expect(text).toContain('The subgraph "orders": a stand-in for an API of AWS AppSync.');
    expect(text).toContain('--inventory-url VALUE, INVENTORY_URL: Where inventory answers. (default: http');
    expect(text).toContain('(default: 4005)');
    for (const word of ['--data', 'DYNAMODB_ENDPOINT']) expect(text).toContain(word);
    for (const word of ['--seed', 'LINK_KEYS']) expect(text).not.toContain(word);
    expect(standInUsage({ name: 'plain' })).toContain('(default: 4001)');
    expect(standInUsage({ name: 'plain' })).not.toContain('VALUE');
  });
});
