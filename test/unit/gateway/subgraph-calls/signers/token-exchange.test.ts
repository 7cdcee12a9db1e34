import { jwtVerify } from 'jose';
import { SigningError } from '../../../../../gateway/subgraph-calls/contract/signer';
import { subjectTokenHeader } from '../../../../../gateway/subgraph-calls/header-rules';
import {
  tokenExchange,
  type TokenExchangeOptions,
} from '../../../../../gateway/subgraph-calls/signers/token-exchange';
import { serveHttp1 } from '../../../../support/subgraph-servers';
import {
  clientKeys,
  exchanged,
  exchangedFor,
  startTokenEndpoint,
  type TokenEndpoint,
  tokenWith,
} from '../../../../support/token-endpoint';

let endpoint: TokenEndpoint;
let clock: jest.SpyInstance<number, []>;
beforeEach(async () => {
  clock = jest.spyOn(Date, 'now');
  endpoint = await startTokenEndpoint();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await endpoint.stop();
});

const url = new URL('http://orders.test/graphql');
const token = 'token-of-ada-0123456789';

/** Signs calls of callers by their tokens. */
function signing(options: Partial<TokenExchangeOptions> = {}) {
  const signer = tokenExchange({
    ...{ tokenUrl: endpoint.url, clientId: 'weir', clientAuthentication: 'client_secret_basic' },
    ...{ clientSecret: 'secret', audience: 'orders', scopes: [], ...options },
  });
  return async (of: string | null = token) => {
    const headers: Record<string, string> = of === null ? {} : { [subjectTokenHeader]: of };
    return signer.sign({ url, body: Buffer.alloc(0), caller: { headers, signedIdentity: undefined } });
  };
}
const failureOf = async (signed: Promise<unknown>): Promise<SigningError> => {
  const error: unknown = await signed.catch((reason: unknown) => reason);
  if (error instanceof SigningError) return error;
  throw new Error('It was signed.');
};
const reasonOf = async (signed: Promise<unknown>) => ((await failureOf(signed)).cause as Error).message;

describe('the exchange of a token', () => {
  it('sends the exchanged token, with its audience and scopes', async () => {
    const sign = signing({ scopes: ['orders:read', 'orders:write'] });
    expect(await sign()).toEqual(['authorization', `Bearer ${exchangedFor(token, 'orders')}`]);
    expect(endpoint.requests).toEqual([
      {
        authorization: `Basic ${Buffer.from('weir:secret').toString('base64')}`,
        form: {
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          audience: 'orders',
          scope: 'orders:read orders:write',
        },
      },
    ]);
  });

  it('sends the secret of the client in the body, where that is configured', async () => {
    await signing({ clientAuthentication: 'client_secret_post' })();
    expect(endpoint.requests[0]).toMatchObject({
      authorization: undefined,
      form: { client_id: 'weir', client_secret: 'secret' },
    });
  });

  it('proves the client by a token that its key signs, a new one for each request', async () => {
    const { clientKey, publicKey } = await clientKeys();
    const sign = signing({ clientAuthentication: 'private_key_jwt', clientSecret: clientKey });
    await Promise.all([sign('one'), sign('two')]);
    const proofs = endpoint.requests.map(({ form }) => form['client_assertion']!);
    expect(endpoint.requests[0]!.form).toMatchObject({
      client_id: 'weir',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    const found = await Promise.all(
      proofs.map((each) =>
        jwtVerify(each, publicKey, { issuer: 'weir', subject: 'weir', audience: endpoint.url }),
      ),
    );
    expect(found[0]!.protectedHeader).toEqual({ alg: 'ES256', kid: 'one' });
    expect(found[0]!.payload.jti).not.toBe(found[1]!.payload.jti);
  });

  it('is made once for all calls that wait for it, and for later ones', async () => {
    const sign = signing();
    const all = await Promise.all([sign(), sign(), sign()]);
    expect(new Set(all.map(String)).size).toBe(1);
    await sign();
    expect(endpoint.requests).toHaveLength(1);
  });

  it('is made for each caller', async () => {
    const sign = signing();
    const [ada, bram] = await Promise.all([sign('of-ada-000'), sign('of-bram-00')]);
    expect(ada).not.toEqual(bram);
    expect(await sign('of-ada-000')).toEqual(ada);
    expect(endpoint.requests).toHaveLength(2);
  });

  it('is made again before the token ends, and the old token is sent meanwhile', async () => {
    const sign = signing();
    const now = Date.now();
    endpoint.answer = () => ({ body: exchanged('first', { expires_in: 100 }) });
    await sign();
    endpoint.answer = () => ({ body: exchanged('second') });
    clock.mockReturnValue(now + 85_000);
    expect(await sign()).toContain('Bearer first');
    clock.mockReturnValue(now + 101_000);
    expect(await sign()).toContain('Bearer second');
  });

  it('that is refused is not tried again for ten seconds, by this caller alone', async () => {
    const sign = signing();
    const now = Date.now();
    endpoint.answer = ({ form }) =>
      form['subject_token'] === token
        ? { status: 400, body: { error: 'invalid_grant', error_description: token } }
        : { body: exchanged('other') };
    expect(await reasonOf(sign())).toBe(
      `${new URL(endpoint.url).origin} gave no token, but status 400 (invalid_grant)`,
    );
    clock.mockReturnValue(now + 9_000);
    expect(await failureOf(sign())).toMatchObject({ failure: 'not-exchanged' });
    expect(endpoint.requests).toHaveLength(1);
    expect(await sign('of-bram')).toContain('Bearer other');
    clock.mockReturnValue(now + 11_000);
    await failureOf(sign());
    expect(endpoint.requests).toHaveLength(3);
  });

  it('that failed is tried again after a second', async () => {
    const sign = signing();
    const now = Date.now();
    endpoint.answer = () => ({ status: 503, body: 'down' });
    expect(await reasonOf(sign())).toMatch(/status 503$/);
    endpoint.answer = () => ({ body: exchanged('there') });
    clock.mockReturnValue(now + 1_500);
    expect(await sign()).toContain('Bearer there');
  });

  it('is not made for a caller without a token', async () => {
    expect(await failureOf(signing()(null))).toMatchObject({ failure: 'no-token' });
    expect(endpoint.requests).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['the token of the caller itself', async () => exchanged(token), /the token of the caller itself/],
    ['a token of another type', async () => exchanged('t', { token_type: 'N_A' }), /`token_type`/],
    ['a token without a type', async () => exchanged('t', { token_type: undefined }), /`token_type`/],
    [
      'an id token',
      async () => exchanged('t', { issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }),
      /`issued_token_type`/,
    ],
    ['no issued type', async () => exchanged('t', { issued_token_type: undefined }), /`issued_token_type`/],
    ['a negative lifetime', async () => exchanged('t', { expires_in: -1 }), /`expires_in`/],
    ['a lifetime that is no number', async () => exchanged('t', { expires_in: 'soon' }), /`expires_in`/],
    ['a token for another audience', async () => exchanged(await tokenWith({ aud: 'billing' })), /audience/],
    ['a token for no audience', async () => exchanged(await tokenWith({ sub: 'u1' })), /audience/],
    [
      'a token whose audience is no text',
      async () => exchanged(await tokenWith({ aud: { orders: 1 } as unknown as string })),
      /audience/,
    ],
    ['an expired token', async () => exchanged(await tokenWith({ aud: 'orders', exp: 1 })), /has expired/],
    ['a token with a line break', async () => exchanged('t\r\nx-admin: 1'), /gave no token/],
    ['a token of 17,000 characters', async () => exchanged('t'.repeat(17_000)), /gave no token/],
    ['more than 64 KiB', async () => exchanged('t', { more: 'x'.repeat(70_000) }), /more than 65536 bytes/],
    ['no JSON', async () => '<html>', /gave no token, but status 200$/],
    ['null', async () => null, /gave no token, but status 200$/],
  ])('refuses an answer with %s', async (_, body, reason) => {
    endpoint.answer = async () => ({ body: await body() });
    const error = await failureOf(signing()());
    expect(error).toMatchObject({ failure: 'not-exchanged' });
    expect((error.cause as Error).message).toMatch(reason);
    expect(`${error.stack} ${(error.cause as Error).stack}`).not.toContain(token);
  });

  it('takes a token for several audiences, until its `exp`', async () => {
    const now = Date.now();
    const exp = Math.floor(now / 1000) + 60;
    endpoint.answer = async () => ({ body: exchanged(await tokenWith({ aud: ['billing', 'orders'], exp })) });
    const sign = signing();
    await sign();
    clock.mockReturnValue(now + 61_000);
    await failureOf(sign());
    expect(endpoint.requests).toHaveLength(2);
  });

  it('follows no redirect', async () => {
    const redirecting = await serveHttp1((_request, response) => {
      response.writeHead(307, { location: endpoint.url } as never);
      response.end();
    });
    expect(await reasonOf(signing({ tokenUrl: redirecting.url })())).toMatch(/status 307$/);
    expect(endpoint.requests).toEqual([]);
    await redirecting.stop();
  });
});
