/**
 * A real authorisation server, `oidc-provider`, as a process of its own: it signs every user in as `ada`, and consents to all
 * that a client requests. It has no token exchange: that is a grant of this file, as far as RFC 8693 has it. It prints its
 * URL.
 *
 * Arguments: JSON with `resources`, scopes by the audience that they are of, and `redirect`, the URI of the client `agent`.
 */
import { createServer } from 'node:http';
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { errors, Provider } from 'oidc-provider';

const { resources, redirect } = JSON.parse(process.argv[2]);
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const [subjectAudience] = Object.keys(resources);
/** What a test has the exchange do in place of what is requested: `/control?audience=…&status=…`. */
let faults = {};

const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
const header = { kid: 'one', alg: 'RS256', use: 'sig' };
const keys = { keys: [{ ...(await exportJWK(publicKey)), ...header }] };
const server = createServer((request, response) => void handle(request, response));
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const serverOf = (audience) => ({
  audience,
  scope: resources[audience],
  accessTokenFormat: 'jwt',
  jwt: { sign: { alg: 'RS256' } },
});
const provider = new Provider(issuer, {
  jwks: { keys: [{ ...(await exportJWK(privateKey)), ...header }] },
  cookies: { keys: ['of this test alone'] },
  clients: [
    {
      ...{ client_id: 'agent', token_endpoint_auth_method: 'none', application_type: 'native' },
      ...{ redirect_uris: [redirect], grant_types: ['authorization_code'], response_types: ['code'] },
    },
    {
      ...{ client_id: 'weir', client_secret: 'of-the-gateway', redirect_uris: [] },
      ...{ grant_types: [exchangeGrant], response_types: [] },
    },
  ],
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_context, audience) {
        if (!Object.hasOwn(resources, audience)) throw new errors.InvalidTarget();
        return serverOf(audience);
      },
    },
  },
});

/** Exchanges tokens of the resource of agents for tokens of the others. */
provider.registerGrantType(
  exchangeGrant,
  async (context) => {
    const { params, client } = context.oidc;
    const { subject_token: subject, audience, scope } = params;
    const { payload } = await jwtVerify(subject, createLocalJWKSet(keys), {
      issuer,
      audience: subjectAudience,
    }).catch(() => {
      throw new errors.InvalidGrant('the subject token is not valid');
    });
    if (faults.status !== undefined) throw new errors.InvalidTarget('no such audience');
    if (faults.same !== undefined) {
      context.body = {
        access_token: subject,
        issued_token_type: accessToken,
        token_type: 'Bearer',
        expires_in: 60,
      };
      return;
    }
    const to = faults.audience ?? audience;
    if (!Object.hasOwn(resources, to)) throw new errors.InvalidTarget('no such audience');
    const token = new provider.AccessToken({ accountId: payload.sub, client, scope, gty: 'token_exchange' });
    token.resourceServer = new provider.ResourceServer(to, serverOf(to));
    context.body = {
      ...{ access_token: await token.save(), issued_token_type: accessToken },
      ...{ token_type: 'Bearer', expires_in: token.expiration, scope },
    };
  },
  ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'scope'],
);

const answer = provider.callback();

async function handle(request, response) {
  const { pathname, searchParams } = new URL(request.url, issuer);
  if (pathname === '/control') {
    faults = Object.fromEntries(searchParams);
    response.end();
  } else if (pathname.startsWith('/interaction/')) await interact(request, response);
  else answer(request, response);
}

async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    await provider.interactionFinished(request, response, { login: { accountId: 'ada' } });
    return;
  }
  const grant =
    (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
    new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details;
  grant.addOIDCScope(missingOIDCScope.join(' '));
  for (const [resource, scopes] of Object.entries(missingResourceScopes))
    grant.addResourceScope(resource, scopes.join(' '));
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

console.log(issuer);
