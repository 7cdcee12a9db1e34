import { connectDynamoDB, type DatabaseSettings } from '../../../../subgraphs/kit/dynamodb';

/** How a client would sign and where it would send. */
async function configured(settings: DatabaseSettings) {
  const { place, client, stop } = await connectDynamoDB(settings);
  const { config } = client;
  const { accessKeyId } = await config.credentials();
  const endpoint = await config.endpoint?.();
  const facts = {
    place,
    region: await config.region(),
    accessKeyId,
    endpoint: endpoint && `${endpoint.protocol}//${endpoint.hostname}:${endpoint.port}`,
    attempts: await config.maxAttempts(),
  };
  await stop();
  return facts;
}

const before = { ...process.env };
beforeAll(() => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'of-the-environment',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'eu-west-1',
  });
});
afterAll(() => {
  process.env = before;
});

describe('a client of DynamoDB', () => {
  it.each(['http://127.0.0.1:8000', 'http://localhost:8000', 'http://[::1]:8000', 'http://127.1.2.3:8000'])(
    'gives nobody credentials that are real at the loopback address %s',
    async (endpoint) => {
      expect(await configured({ kind: 'endpoint', endpoint })).toEqual({
        place: endpoint,
        region: 'us-east-1',
        accessKeyId: 'local',
        endpoint,
        attempts: 3,
      });
    },
  );

  it('signs with the credentials of the environment there, too, when it is told to', async () => {
    const endpoint = 'http://127.0.0.1:8000';
    expect(await configured({ kind: 'endpoint', endpoint, credentials: true })).toMatchObject({
      region: 'us-east-1',
      accessKeyId: 'of-the-environment',
      endpoint,
    });
  });

  it.each(['http://db.test:8000', 'http://127.0.0.1.test:8000', 'http://mylocalhost:8000'])(
    'takes credentials and region of the environment for %s',
    async (endpoint) => {
      expect(await configured({ kind: 'endpoint', endpoint })).toMatchObject({
        region: 'eu-west-1',
        accessKeyId: 'of-the-environment',
        endpoint,
      });
    },
  );

  it.each(['http://127.0.0.1:8000', 'http://db.test:8000'])('takes a region for %s', async (endpoint) => {
    expect(await configured({ kind: 'endpoint', endpoint, region: 'ap-south-1' })).toMatchObject({
      region: 'ap-south-1',
    });
  });

  it('is that of the environment for AWS itself', async () => {
    expect(await configured({ kind: 'aws' })).toEqual({
      place: 'AWS',
      region: 'eu-west-1',
      accessKeyId: 'of-the-environment',
      endpoint: undefined,
      attempts: 3,
    });
  });

  it('starts an embedded one and ends it', async () => {
    const { place, client, stop } = await connectDynamoDB({ kind: 'embedded' });
    expect(await (await fetch(place)).text()).toContain('healthy');
    expect(await client.config.region()).toBe('us-east-1');
    await stop();
    await expect(fetch(place)).rejects.toThrow();
  });
});
