import { readSettings, usage } from '../../../../subgraphs/kit/settings';

const subgraph = {
  name: 'orders',
  port: 4005,
  options: {
    inventoryUrl: { description: 'Where inventory answers.', default: 'http://127.0.0.1:4003/graphql' },
  },
};
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

  it('treat an empty variable as one that is not set', () => {
    expect(
      read([], { PORT: '', DYNAMODB_ENDPOINT: '', LOG_LEVEL: '', INVENTORY_URL: '', WEIR_DATA: '' }),
    ).toEqual(read([]));
  });

  it.each([
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
      'There is no flag --prot; there are --port, --host, --schema, --data, --seed, --inventory-url.',
    ],
    [['--port'], {}, 'The flag --port needs a value.'],
    [['--port', '-1'], {}, 'The port must be a number from 0 to 65535, but got: -1'],
    [['--port', '65536'], {}, 'The port must be a number from 0 to 65535, but got: 65536'],
    [[], { PORT: '4e3' }, 'The port must be a number from 0 to 65535, but got: 4e3'],
    [['serve'], {}, 'There is no argument "serve", only flags.'],
    [
      [],
      { LOG_LEVEL: 'loud' },
      'The setting LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, but got: loud',
    ],
    [['--seed', 'yes'], {}, 'The setting seed must be one of true, false, but got: yes'],
    [
      [],
      { DYNAMODB_ENDPOINT: 'localhost:8000' },
      'DYNAMODB_ENDPOINT must be a URL or "aws", but got: localhost:8000',
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
});
