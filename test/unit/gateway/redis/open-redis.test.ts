/** Why there is no connection, and what is sent first. Over a real server: test/integration/redis-secure.test.ts. */
import dns from 'node:dns';
import { RedisServer } from '../../../../gateway/redis/open-redis';
import { freePort } from '../../../support/free-port';

afterEach(() => jest.restoreAllMocks());

it('says why no address of a name takes a connection', async () => {
  const port = await freePort();
  const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  const answer = (_: string, __: object, done: (error: null, found: object[]) => void) =>
    done(null, addresses);
  jest.spyOn(dns, 'lookup').mockImplementation(answer as never);
  const opening = new RedisServer({ url: `redis://cache.test:${port}` }, []).open({ key: 'k' });
  await expect(opening).rejects.toThrow(`cache.test:${port} cannot be used: ECONNREFUSED`);
});
