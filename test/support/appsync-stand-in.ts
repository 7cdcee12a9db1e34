/**
 * An AppSync API on this machine, as far as a caller can tell: it checks the credentials of each mode as AppSync does,
 * runs federation by hand (`_Any` is an input there), answers with AppSync's errors and ends what takes too long.
 */
import { createHash, createHmac, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';
import { buildASTSchema, execute, type GraphQLError, Kind, parse, validate, visit } from 'graphql';
import { readAppSync } from '../../schema/appsync';
import { type RunningServer, serveHttp1 } from './subgraph-servers';

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

export interface AppSyncApi {
  /** As AppSync holds it: with `_Any` as an input, and directives and scalars that nothing declares. */
  readonly schema: string;
  readonly modes: readonly AppSyncMode[];
  /** By `Type.field`, as AppSync attaches them. */
  readonly resolvers: Readonly<Record<string, (source: any, args: any) => unknown>>; // eslint-disable-line @typescript-eslint/no-explicit-any
  /** Milliseconds. @default 30000 */
  readonly cap?: number;
}

export interface AppSyncCall {
  readonly headers: IncomingHttpHeaders;
  readonly query: string;
  readonly variables: unknown;
}

export interface AppSyncStandIn extends RunningServer {
  /** Those that were let in. */
  readonly calls: readonly AppSyncCall[];
  /** What those were told that were not. */
  readonly refusals: readonly string[];
}

/** An error of a resolver, as `util.error(message, errorType)` makes it. */
export class ResolverError extends Error {
  constructor(
    message: string,
    readonly errorType: string,
  ) {
    super(message);
  }
}

export async function startAppSync({
  schema: sdl,
  modes,
  resolvers,
  cap = 30_000,
}: AppSyncApi): Promise<AppSyncStandIn> {
  const schema = buildSchemaOf(sdl);
  for (const [coordinate, resolve] of Object.entries(resolvers)) {
    const [type, field] = coordinate.split('.') as [string, string];
    const fields = (
      schema.getType(type) as unknown as { getFields(): Record<string, { resolve?: unknown }> }
    ).getFields();
    fields[field]!.resolve = (source: unknown, args: unknown) => resolve(source, args);
  }
  const calls: AppSyncCall[] = [];
  const refusals: string[] = [];

  const server = await serveHttp1((request, response, body) => {
    const answer = (status: number, content: object): void => {
      response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' });
      response.end(JSON.stringify(content));
    };
    const refuse = (status: number, errorType: string, message: string): void => {
      refusals.push(message);
      answer(status, { errors: [{ errorType, message }] });
    };
    const headers = request.headers as IncomingHttpHeaders;
    if (request.method !== 'POST') {
      refuse(400, 'BadRequestException', 'Only POST is supported.');
      return;
    }
    const refusal = check(modes, { headers, path: request.url!, body });
    if (refusal !== undefined) {
      refuse(401, ...refusal);
      return;
    }
    const asked = JSON.parse(body.toString()) as { query?: unknown; variables?: Record<string, unknown> };
    if (Array.isArray(asked) || typeof asked.query !== 'string') {
      refuse(400, 'MalformedHttpRequestException', 'Unable to parse GraphQL query.');
      return;
    }
    calls.push({ headers, query: asked.query, variables: asked.variables });
    const document = parse(asked.query);
    const invalid = validate(schema, document);
    if (invalid.length > 0) {
      const errors = invalid.map(({ message }) => ({
        path: null,
        locations: null,
        message: `Validation error: ${message}`,
      }));
      answer(200, { data: null, errors });
      return;
    }
    const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), cap).unref());
    const run = Promise.resolve(execute({ schema, document, variableValues: asked.variables ?? {} }));
    void Promise.race([run, late]).then((result) => {
      if (result === 'late') {
        answer(200, {
          data: null,
          errors: [
            {
              errorType: 'ExecutionTimeout',
              message: 'Execution timed out.',
              path: null,
              locations: null,
              errorInfo: null,
              data: null,
            },
          ],
        });
        return;
      }
      const { data = null, errors } = result;
      answer(200, { data, ...(errors && { errors: errors.map(toAppSyncError) }) });
    });
  });
  return { ...server, calls, refusals };
}

/** What composition takes of the schema is what AppSync shows as federation by hand, so that is put back. */
function buildSchemaOf(sdl: string) {
  const declared = readAppSync(parse(sdl)).document.definitions.filter(
    ({ kind }) => kind === Kind.SCALAR_TYPE_DEFINITION,
  );
  const plain = visit(parse(sdl), { Directive: () => null });
  return buildASTSchema(
    { ...plain, definitions: [...plain.definitions, ...declared] },
    { assumeValid: true, assumeValidSDL: true },
  );
}

function toAppSyncError({ message, path, locations, originalError }: GraphQLError) {
  const errorType = originalError instanceof ResolverError ? originalError.errorType : null;
  const places = locations?.map((location) => ({ ...location, sourceName: null })) ?? null;
  return { path: path ?? null, data: null, errorType, errorInfo: null, locations: places, message };
}

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: Buffer;
}
type Refusal = readonly [errorType: string, message: string];

/** AppSync takes the mode whose credentials a request carries. */
function check(modes: readonly AppSyncMode[], received: Received): Refusal | undefined {
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

/** By the documentation of Signature Version 4, "Create a signed request"; nothing of it is the signer's. */
export function checkSignature(
  {
    region,
    known,
    service = 'appsync',
  }: Omit<AppSyncMode & { type: 'AWS_IAM' }, 'type'> & { service?: string },
  { headers, path, body }: Received,
): Refusal | undefined {
  const invalid: Refusal = [
    'InvalidSignatureException',
    'The request signature we calculated does not match.',
  ];
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  if (parts === null) return ['IncompleteSignatureException', 'Authorization header requires all its parts.'];
  const [, accessKey, day, scopeRegion, scopeService, signedHeaders, signature] =
    parts as unknown as string[];
  const credentials = known.get(accessKey!);
  if (credentials === undefined || credentials.sessionToken !== headers['x-amz-security-token'])
    return ['UnrecognizedClientException', 'The security token included in the request is invalid.'];
  if (credentials.expires !== undefined && credentials.expires <= Date.now())
    return ['ExpiredTokenException', 'The security token included in the request is expired.'];
  const date = String(headers['x-amz-date']);
  const names = signedHeaders!.split(';');
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
): Refusal | undefined {
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const refusal: Refusal = ['UnauthorizedException', 'Token is invalid.'];
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
