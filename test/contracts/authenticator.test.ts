/** What every auth mode does. What each does beyond that: test/unit/gateway/auth. */
import type { GraphQLError } from 'graphql';
import { testedModes, body, receivedWith, type TestAuthenticator } from '../support/authenticators';

describe.each(Object.entries(testedModes))('the auth mode %s', (_, [open]) => {
  let mode: TestAuthenticator;
  beforeAll(async () => {
    mode = await open();
  });
  afterAll(() => mode.close());

  const received = (headers: Record<string, string>) =>
    receivedWith(headers, mode.authenticator.needsBody === true ? body : undefined);
  const failure = async (headers: Record<string, string>): Promise<GraphQLError> => {
    try {
      await mode.authenticator.authenticate(received(headers));
    } catch (error) {
      return error as GraphQLError;
    }
    throw new Error('It was let in.');
  };

  it('recognises its credentials, good or not, by headers alone', () => {
    const { authenticator, good, bad } = mode;
    expect([good, bad].map((headers) => authenticator.recognises(receivedWith(headers)))).toEqual([
      true,
      true,
    ]);
  });

  it('recognises no request without credentials', () => {
    expect(mode.authenticator.recognises(receivedWith({ 'content-type': 'application/json' }))).toBe(false);
  });

  it('says who the caller is, each time the same, and looks at the body only where it says so', async () => {
    const identities = [];
    for (let i = 0; i < 2; i++)
      identities.push((await mode.authenticator.authenticate(received(mode.good))).identity);
    expect(identities[0]!.principal).not.toBe('');
    expect(identities[0]!.mode).not.toBe('none');
    expect(identities[1]).toEqual(identities[0]);
  });

  it('says when its credentials end, where they do', async () => {
    const { expires } = await mode.authenticator.authenticate(received(mode.good));
    if (mode.expires === undefined) expect(expires).toBeUndefined();
    else expect(Math.abs(expires! - mode.expires)).toBeLessThan(2000);
  });

  it('lets nobody in by other credentials, each time with the same 401 and a challenge of its scheme', async () => {
    const { authenticator, bad } = mode;
    for (let i = 0; i < 2; i++) {
      const { extensions } = await failure(bad);
      const { status, headers } = extensions['http'] as { status: number; headers: Map<string, string> };
      expect([extensions['code'], status]).toEqual(['UNAUTHENTICATED', 401]);
      const [scheme] = authenticator.challenge.split(' ');
      expect(headers.get('www-authenticate')).toMatch(new RegExp(`^${scheme!}\\b`));
    }
  });
});
