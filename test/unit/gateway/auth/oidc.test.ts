import { oidcIssuer } from '../../../../gateway/auth/oidc';
import { parseOptions } from '../../../../gateway/options';
import { type RunningServer, serveHttp1 } from '../../../support/subgraph-servers';

let server: RunningServer;
let issuer: string;
let keysAt: string;

beforeAll(async () => {
  server = await serveHttp1((_, response) => {
    response.end(JSON.stringify({ issuer, jwks_uri: keysAt }));
  });
  issuer = new URL(server.url).origin;
});
afterAll(() => server.stop());

it.each([
  'http://169.254.169.254/keys',
  'http://[64:ff9b::a9fe:a9fe]/keys',
  'https://metadata.google.internal/keys',
  'data:application/json,{"keys":[]}',
  'file:///etc/passwd',
  'keys',
])('does not fetch the keys of an issuer whose configuration has them at %s', async (url) => {
  keysAt = url;
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
  expect(error.message).toBe(
    `${issuer}/.well-known/openid-configuration has a "jwks_uri" that is not fetched: ${url}`,
  );
});
