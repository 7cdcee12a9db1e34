import { oidcIssuer } from '../../../../../gateway/auth/modes/oidc';
import { parseOptions } from '../../../../../gateway/options';
import { type RunningServer, serveHttp1 } from '../../../../support/subgraph-servers';

let server: RunningServer;
let issuer: string;
/** Its configuration. */
let configuration: unknown;

beforeAll(async () => {
  server = await serveHttp1((_, response) => {
    response.end(JSON.stringify(configuration));
  });
  issuer = new URL(server.url).origin;
});
afterAll(() => server.stop());

/** Why the keys of the issuer are not to be had. */
async function failure(): Promise<string> {
  const [options] = parseOptions({
    supergraph: 'supergraph.graphql',
    auth: { oidc: [{ issuer, audience: 'shop' }] },
  }).auth.oidc;
  const { keys, error } = await new Promise<{ keys: { close(): void }; error: Error }>((resolve) => {
    const made = oidcIssuer(options!, {
      error: ({ err }: { err: Error }) => resolve({ keys: made.keys, error: err }),
    } as never);
  });
  keys.close();
  return error.message;
}

it.each([
  'http://169.254.169.254/keys',
  'http://[64:ff9b::a9fe:a9fe]/keys',
  'https://metadata.google.internal/keys',
  'data:application/json,{"keys":[]}',
  'file:///etc/passwd',
  'keys',
])('does not fetch the keys of an issuer whose configuration has them at %s', async (url) => {
  configuration = { issuer, jwks_uri: url };
  expect(await failure()).toBe(
    `${issuer}/.well-known/openid-configuration has a "jwks_uri" that is not fetched: ${url}`,
  );
});

it('fetches the keys over https, too', async () => {
  // A server of HTTP alone is there.
  configuration = { issuer, jwks_uri: `${issuer.replace('http:', 'https:')}/keys` };
  expect(await failure()).toBe('fetch failed');
});

it('believes no configuration but that of the issuer itself, with the place of its keys', async () => {
  const url = `${issuer}/.well-known/openid-configuration`;
  for (const other of [{ issuer: 'https://evil.example', jwks_uri: issuer }, { jwks_uri: issuer }, null]) {
    configuration = other;
    expect(await failure()).toBe(`${url} is the configuration of another issuer.`);
  }
  configuration = { issuer };
  expect(await failure()).toBe(`${url} has no "jwks_uri".`);
  // What it says is fetched: here the configuration again, which is no key set.
  configuration = { issuer, jwks_uri: `${issuer}/keys` };
  expect(await failure()).toBe('JSON Web Key Set malformed');
});
