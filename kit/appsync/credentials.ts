/** Checks a request's credentials as AppSync does, in each of its authorisation modes. */
import { createHash, createHmac, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';

export interface AppSyncCredentials {
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Milliseconds since 1970. */
  readonly expires?: number;
}

export type AppSyncMode =
  | { readonly type: 'API_KEY'; readonly keys: ReadonlySet<string> }
  | {
      readonly type: 'AWS_IAM';
      readonly region: string;
      readonly known: ReadonlyMap<string, AppSyncCredentials>;
    }
  | {
      readonly type: 'OPENID_CONNECT' | 'AMAZON_COGNITO_USER_POOLS';
      readonly issuer: string;
      readonly publicKey: KeyObject;
    }
  | { readonly type: 'AWS_LAMBDA'; readonly isAuthorized: (token: string) => boolean };

export interface ReceivedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: Buffer;
}
export type CredentialsRefusal = readonly [errorType: string, message: string];

/** Chooses the authorisation mode by the credentials that the request carries, as AppSync does. */
export function checkCredentials(
  modes: readonly AppSyncMode[],
  received: ReceivedRequest,
): CredentialsRefusal | undefined {
  const { headers } = received;
  const { authorization } = headers;
  const key = headers['x-api-key'];
  if (key !== undefined && authorization !== undefined)
    return ['BadRequestException', 'Both x-api-key and authorization were sent.'];
  for (const mode of modes) {
    if (mode.type === 'API_KEY' && key !== undefined)
      return mode.keys.has(String(key))
        ? undefined
        : ['UnauthorizedException', 'You are not authorized to make this call.'];
    if (mode.type === 'AWS_IAM' && authorization?.startsWith('AWS4-HMAC-SHA256 '))
      return checkSignature(mode, received);
    if (
      (mode.type === 'OPENID_CONNECT' || mode.type === 'AMAZON_COGNITO_USER_POOLS') &&
      authorization?.split('.').length === 3
    )
      return checkToken(mode, authorization);
    if (mode.type === 'AWS_LAMBDA' && authorization !== undefined)
      return mode.isAuthorized(authorization)
        ? undefined
        : ['UnauthorizedException', 'You are not authorized to make this call.'];
  }
  return ['UnauthorizedException', 'Valid authorization header not provided.'];
}

/** Verifies a signature as "Create a signed request" of Signature Version 4 says. Shares no code with our signer. */
export function checkSignature(
  {
    region,
    known,
    service = 'appsync',
  }: Omit<AppSyncMode & { type: 'AWS_IAM' }, 'type'> & { service?: string },
  { headers, path, body }: ReceivedRequest,
): CredentialsRefusal | undefined {
  const invalid: CredentialsRefusal = [
    'InvalidSignatureException',
    'The request signature we calculated does not match.',
  ];
  const [, credential = '', signedHeaders = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const scope = /^([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(credential);
  if (scope === null || signature.length !== 64)
    return ['IncompleteSignatureException', 'Authorization header requires all its parts.'];
  const [, accessKey, day, scopeRegion, scopeService] = scope;
  const credentials = known.get(accessKey!);
  if (credentials === undefined || credentials.sessionToken !== headers['x-amz-security-token'])
    return ['UnrecognizedClientException', 'The security token included in the request is invalid.'];
  if (credentials.expires !== undefined && credentials.expires <= Date.now())
    return ['ExpiredTokenException', 'The security token included in the request is expired.'];
  const date = String(headers['x-amz-date']);
  const names = signedHeaders.split(';');
  const isComplete = names.includes('host') && names.includes('x-amz-date') && date.startsWith(day!);
  if (scopeRegion !== region || scopeService !== service || !isComplete) return invalid;
  const time = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(Date.now() - time) < 300_000)) return ['InvalidSignatureException', 'Signature expired.'];
  if ((headers['x-amz-content-sha256'] ?? sha256(body)) !== sha256(body)) return invalid;
  const [uri, query = ''] = path.split('?');
  const canonical = [
    ...['POST', uri, query],
    ...names.map((name) => `${name}:${String(headers[name]).trim().replace(/\s+/g, ' ')}`),
    ...['', signedHeaders, sha256(body)],
  ].join('\n');
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${day}/${region}/${service}/aws4_request\n${sha256(canonical)}`;
  const key = [day!, region, service, 'aws4_request'].reduce<Buffer>(
    hmac,
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );
  return hmac(key, toSign).toString('hex') === signature ? undefined : invalid;
}

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

function checkToken(
  { issuer, publicKey }: { issuer: string; publicKey: KeyObject },
  token: string,
): CredentialsRefusal | undefined {
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const refusal: CredentialsRefusal = ['UnauthorizedException', 'Token is invalid.'];
  const isSigned = verify(
    'sha256',
    Buffer.from(`${header}.${payload}`),
    createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
    Buffer.from(signature, 'base64url'),
  );
  if (!isSigned) return refusal;
  const { iss, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    iss: string;
    exp: number;
  };
  if (iss !== issuer) return refusal;
  return exp * 1000 > Date.now() ? undefined : ['UnauthorizedException', 'Token has expired.'];
}
