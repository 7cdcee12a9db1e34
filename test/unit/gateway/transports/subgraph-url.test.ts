import { promisify } from 'node:util';
import { lookupSubgraph, parseSubgraphUrl } from '../../../../gateway/transports/subgraph-url';

const lookup = (hostname: string, all: boolean): Promise<unknown> =>
  promisify((callback: (error: Error | null, found?: unknown) => void) =>
    lookupSubgraph(hostname, { all }, (error, found) => callback(error, found)),
  )();

describe('the URL of a subgraph', () => {
  it.each([
    'http://127.0.0.1:4001/graphql',
    'https://10.0.0.1/',
    'http://[::1]:4001/',
    'http://reviews.internal/graphql',
  ])('may be %s', (url) => {
    expect(parseSubgraphUrl('reviews', url).href).toBe(url);
  });
});

describe('the address of a subgraph', () => {
  it('is looked up', async () => {
    expect(await lookup('localhost', false)).toMatch(/^127\.|^::1$/);
    expect(await lookup('127.0.0.1', true)).toEqual([{ address: '127.0.0.1', family: 4 }]);
  });

  it('is not found where it is unknown', async () => {
    await expect(lookup('nothing.invalid', false)).rejects.toThrow(/nothing\.invalid/);
  });

  // A name stands for an address; that an address stands for itself saves a name server here.
  it.each([true, false])('is refused where a name stands for a metadata address (all: %s)', async (all) => {
    await expect(lookup('169.254.169.254', all)).rejects.toThrow('The address is refused.');
  });
});
