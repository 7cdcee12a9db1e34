import type * as AuthLink from 'aws-appsync-auth-link';
import type { AppSyncAuth } from '../../options/subgraph-auth';
import { requestHeaders } from '../wire/request-body';
import type { Signer } from '../contract/signer';
import { type AwsCredentials, awsCredentials, type GetCredentials } from '../../net/aws-credentials';
import { bearerToken } from './bearer';
import { staticHeader } from './header';

/** Authenticates calls to an AppSync API, in the mode that is configured for it. */
export function appSyncSigner(auth: AppSyncAuth): Signer {
  return withoutOthers(signerOf(auth));
}

function signerOf(auth: AppSyncAuth): Signer {
  switch (auth.type) {
    case 'API_KEY':
      return staticHeader('x-api-key', auth.apiKey);
    case 'OPENID_CONNECT':
    case 'AMAZON_COGNITO_USER_POOLS':
      return auth.jwtToken === undefined ? callersToken : bearerToken({ token: auth.jwtToken, prefix: '' });
    case 'AWS_LAMBDA':
      return auth.token === undefined ? callersToken : bearerToken({ token: auth.token, prefix: '' });
    case 'AWS_IAM':
      return iamSigner(auth.region, awsCredentials());
    case 'NONE':
      return { headers: [], sign: () => [] };
  }
}

/** Removes credentials of clients: an API with several modes would take the first credentials that it finds. */
const withoutOthers = (signer: Signer): Signer => ({
  ...signer,
  headers: [...signer.headers, 'authorization', 'x-api-key', 'x-amz-date', 'x-amz-security-token'],
});

/** Forwards the caller's own token as AppSync's clients send it, without "Bearer". */
const callersToken: Signer = {
  headers: ['authorization'],
  usesCaller: true,
  sign({ caller }) {
    const token = caller.headers['authorization'];
    return token === undefined ? [] : ['authorization', token.replace(/^Bearer +/i, '')];
  },
};

/** Signs by Signature Version 4, with the signer of `aws-appsync-auth-link`. */
function iamSigner(region: string | undefined, credentials: GetCredentials): Signer {
  let link: typeof AuthLink.Signer | undefined;
  return {
    headers: ['authorization', 'x-amz-date', 'x-amz-security-token'],
    sign({ url, body, headers: covered = requestHeaders }) {
      // Loaded only by a gateway with such a subgraph, as loading takes 0.2 s.
      link ??= (require('aws-appsync-auth-link') as typeof AuthLink).Signer;
      const { sign } = link;
      const signWith = (found: AwsCredentials): string[] => {
        const { headers } = sign(
          { method: 'POST', url: url.href, body, headers: { ...covered } },
          {
            access_key: found.accessKeyId,
            secret_key: found.secretAccessKey,
            session_token: found.sessionToken,
          },
          { service: 'appsync', region: region ?? regionOf(url) },
        ) as { headers: Record<string, string> };
        return Object.entries(headers).flatMap(([name, value]) =>
          name === 'host' || Object.hasOwn(covered, name) ? [] : [name.toLowerCase(), value],
        );
      };
      const found = credentials();
      return 'then' in found ? found.then(signWith) : signWith(found);
    },
  };
}

/** The region in `https://ID.appsync-api.REGION.amazonaws.com/graphql`. */
function regionOf(url: URL): string {
  const region = /\.appsync-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(url.hostname)?.[1];
  if (region !== undefined) return region;
  throw new Error('The host does not say which region the API is in: `auth.region` must');
}
