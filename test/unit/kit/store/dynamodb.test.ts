import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { readdirSync } from 'node:fs';
import { connectDynamoDB, type DatabaseSettings } from '../../../../kit/store/dynamodb';
import { temporaryFolder } from '../../../support/subgraph-kit';

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
  it.each([
    'http://127.0.0.1:8000',
    'http://localhost:8000',
    'http://[::1]:8000',
    'http://127.10.20.30:8000',
  ])('gives nobody credentials that are real at the loopback address %s', async (endpoint) => {
    expect(await configured({ kind: 'endpoint', endpoint })).toEqual({
      place: endpoint,
      region: 'us-east-1',
      accessKeyId: 'local',
      endpoint,
      attempts: 3,
    });
  });

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

  it('leaves out what is undefined, waits for no answer for ever, and is at rest when it is stopped', async () => {
    const { client, stop } = await connectDynamoDB({ kind: 'embedded' });
    const put = client.send(new PutCommand({ TableName: 'none', Item: { id: '1', note: undefined } }));
    await expect(put).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    // Known once something was sent.
    const handler = client.config.requestHandler as unknown as { httpHandlerConfigs(): object };
    expect(handler.httpHandlerConfigs()).toMatchObject({
      connectionTimeout: 1000,
      requestTimeout: 5000,
      throwOnRequestTimeout: true,
    });
    const destroy = jest.spyOn(client, 'destroy');
    await stop();
    expect(destroy).toHaveBeenCalledTimes(1);
  });

  it('is at rest when one elsewhere is stopped', async () => {
    const { client, stop } = await connectDynamoDB({ kind: 'aws' });
    const destroy = jest.spyOn(client, 'destroy');
    await stop();
    expect(destroy).toHaveBeenCalledTimes(1);
  });

  it('keeps what is in a folder there, and what is in none in memory', async () => {
    const folder = temporaryFolder();
    const kept = await connectDynamoDB({ kind: 'embedded', folder: folder.path });
    expect(readdirSync(folder.path)).toContain('weir.lock');
    const other = await connectDynamoDB({ kind: 'embedded' });
    expect(other.place).not.toBe(kept.place);
    await Promise.all([kept.stop(), other.stop()]);
    expect(readdirSync(folder.path)).not.toContain('weir.lock');
    folder.remove();
  });

  it('starts an embedded one and ends it', async () => {
    const { place, client, stop } = await connectDynamoDB({ kind: 'embedded' });
    expect(await (await fetch(place)).text()).toContain('healthy');
    expect(await client.config.region()).toBe('us-east-1');
    await stop();
    await expect(fetch(place)).rejects.toThrow();
  });
});
