/** Where a user pool's keys are. What its tokens must be: test/unit/gateway/auth/authentication.test.ts. */
import { cognitoIssuer } from '../../../../../gateway/auth/modes/cognito';
import { parseOptions } from '../../../../../gateway/options';

afterEach(() => jest.restoreAllMocks());

/** What is fetched for a user pool. */
async function fetchedFor(more: object): Promise<unknown[]> {
  const fetch = jest.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('Nothing is there.'));
  const pool = { userPool: 'eu-west-1_AbCdEfGhI', clients: ['app'], ...more };
  const [options] = parseOptions({ auth: { cognito: [pool] } }).auth.cognito;
  const { keys } = cognitoIssuer(options!, { error: () => undefined } as never);
  await new Promise(setImmediate);
  keys.close();
  return fetch.mock.calls.map(([url]) => url);
}

it.each([
  [
    'at Cognito in the region of the pool',
    {},
    ['https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI/.well-known/jwks.json'],
  ],
  [
    'at another issuer that is named',
    { issuer: 'https://pool.example/x' },
    ['https://pool.example/x/.well-known/jwks.json'],
  ],
  [
    'elsewhere where that is named',
    { issuer: 'https://pool.example', jwks: 'https://keys.example/k' },
    ['https://keys.example/k'],
  ],
  ['nowhere where they stand in the configuration', { jwks: { keys: [] } }, []],
])('finds the keys %s', async (_, options, expected) => {
  expect(await fetchedFor(options)).toEqual(expected);
});
