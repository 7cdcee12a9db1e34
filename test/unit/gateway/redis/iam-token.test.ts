/** Tokens of IAM, of gateway/redis/open-redis.ts. */
import { iamTokens } from '../../../../gateway/redis/open-redis';
import { problemOfToken } from '../../../support/iam-redis';

const key = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const made = { cache: 'Shop-Cache', user: 'weir', region: 'eu-central-1', serverless: false } as const;
const expected = { host: 'shop-cache', user: 'weir', region: 'eu-central-1', key };

it.each(['elasticache', 'memorydb'] as const)(
  'is signed for %s as another signer does it',
  async (service) => {
    const token = await iamTokens({ ...made, service }, () => key)();
    expect(problemOfToken(token, { ...expected, service })).toBeUndefined();
    expect(token).toMatch(/^shop-cache\/\?Action=connect&User=weir&X-Amz-/);
    expect(token).not.toContain('ResourceType');
  },
);

it('names a serverless cache as one', async () => {
  const token = await iamTokens({ ...made, service: 'elasticache', serverless: true }, () => key)();
  expect(token).toContain('&ResourceType=ServerlessCache&');
  expect(problemOfToken(token, { ...expected, service: 'elasticache' })).toBeUndefined();
});

it('has the session token of temporary credentials, and a user with unusual letters', async () => {
  const temporary = { ...key, sessionToken: 'Fwo/GZXIvYXdzE+x=' };
  const user = "o'neil (ops)*!";
  const token = await iamTokens({ ...made, user, service: 'memorydb' }, () => temporary)();
  expect(problemOfToken(token, { ...expected, user, service: 'memorydb', key: temporary })).toBeUndefined();
});

it('fails the check of the tests where its secret, region or service is another one', async () => {
  const token = await iamTokens({ ...made, service: 'elasticache' }, () => key)();
  const cache = { ...expected, service: 'elasticache' };
  for (const other of [
    { ...cache, region: 'eu-west-1' },
    { ...cache, service: 'memorydb' },
    { ...cache, key: { ...key, secretAccessKey: 'another' } },
  ])
    expect(problemOfToken(token, other)).toBe('Its signature is wrong.');
});

it('uses the credentials of the moment', async () => {
  let id = 'FIRST';
  const next = iamTokens({ ...made, service: 'elasticache' }, () => ({ ...key, accessKeyId: id }));
  expect(await next()).toContain('X-Amz-Credential=FIRST%2F');
  id = 'SECOND';
  expect(await next()).toContain('X-Amz-Credential=SECOND%2F');
});

it('rejects where there are no credentials', async () => {
  const next = iamTokens({ ...made, service: 'elasticache' }, () => Promise.reject(new Error('none here')));
  await expect(next()).rejects.toThrow('none here');
});
