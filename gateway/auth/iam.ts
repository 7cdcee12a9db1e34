import { timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Options } from '../options';
import type { Logger } from '../telemetry/logger';
import { type AccessKey, accessKeys } from './access-keys';
import { type Authenticator, type Proof, type Received, unauthenticated } from './authenticator';
import {
  canonicalTarget,
  canonicalValue,
  parseSignatureHeader,
  rawTarget,
  sha256,
  type SignatureHeader,
  signatureOf,
  signingKey,
} from './sigv4';
import { UsedSignatures } from './used-signatures';

type IamOptions = NonNullable<Options['auth']['iam']>;

/**
 * Requests that are signed with AWS Signature Version 4: as AWS documents it, and as AppSync's auth link does it. That
 * one signs the URL as it is, "accept: *" + "/*" whatever it sends, and the body before Apollo Client adds `extensions`.
 */
export function iam(options: IamOptions, logger: Pick<Logger, 'error'>): Authenticator {
  const { hosts, service, region, clockSkew } = options;
  const find = accessKeys(options, logger);
  const signingKeys = new LRUCache<string, Buffer>({ max: 1_000 });
  const used = new UsedSignatures(2 * clockSkew);

  function authenticate(received: Received): Proof | Promise<Proof> {
    const { headers } = received;
    const header = parseSignatureHeader(headers.authorization!);
    if (header === undefined) throw refusal('The signature in the authorization header is malformed.');
    const problem = problemOf(header, received);
    if (problem !== undefined) throw refusal(problem);
    const sessionToken = headers['x-amz-security-token'] as string | undefined;
    const check = (key: AccessKey | undefined): Proof => {
      if (key === undefined) throw refusal('The access key is not known.');
      if (!isSameText(sessionToken ?? '', key.sessionToken ?? ''))
        throw refusal('The session token is wrong.');
      return verify(received, header, key);
    };
    const key = find(header.accessKeyId, sessionToken);
    return key instanceof Promise ? key.then(check) : check(key);
  }

  /** What is wrong with a signature before it is compared, in a sentence. */
  function problemOf(
    { date, signedHeaders, ...scope }: SignatureHeader,
    { headers }: Received,
  ): string | undefined {
    const amzDate = headers['x-amz-date'] as string | undefined;
    const time = amzDate === undefined ? NaN : timeOf(amzDate);
    if (Number.isNaN(time)) return 'The header x-amz-date must be a time such as 20270131T120000Z.';
    for (const name of ['host', 'x-amz-date']) {
      if (!signedHeaders.includes(name)) return `The signature does not cover the header "${name}".`;
    }
    const missing = signedHeaders.find((name) => headers[name] === undefined);
    if (missing !== undefined) return `The signature covers the header "${missing}", which was not sent.`;
    if (!amzDate!.startsWith(date)) return 'The date of the signature is not that of x-amz-date.';
    if (scope.service !== service)
      return `The signature is for the service "${scope.service}", not "${service}".`;
    if (region !== undefined && scope.region !== region)
      return `The signature is for the region "${scope.region}", not "${region}".`;
    if (Math.abs(Date.now() - time) > clockSkew)
      return `The request was signed at ${amzDate!}, but it is ${nowText()}: is the clock right?`;
    return undefined;
  }

  function verify(received: Received, header: SignatureHeader, key: AccessKey): Proof {
    const { date, region, service, accessKeyId } = header;
    const name = `${accessKeyId}/${date}/${region}/${service}/${key.secretAccessKey}`;
    let signing = signingKeys.get(name);
    if (signing === undefined) signingKeys.set(name, (signing = signingKey(key.secretAccessKey, header)));
    const contentHash = received.headers['x-amz-content-sha256'];
    for (const body of signedBodies(received.body)) {
      if (contentHash !== undefined && contentHash !== body.hash) continue;
      for (const target of signedTargets(received.url)) {
        for (const signed of signedHeaders(header, received, hosts)) {
          const parts = { method: received.method, target, headers: signed, payloadHash: body.hash };
          const expected = signatureOf(signing, received.headers['x-amz-date'] as string, header, parts);
          if (timingSafeEqual(expected, header.signature)) return proofOf(key, header, body.isWhole);
        }
      }
    }
    throw refusal(
      'The signature is wrong: it was made with another secret, or for another method, path, host, header or body.',
    );
  }

  function proofOf({ identity }: AccessKey, { signature }: SignatureHeader, isWhole: boolean): Proof {
    return {
      identity,
      withoutExtensions: !isWhole,
      admitMutation() {
        if (!used.use(signature.toString('base64')))
          throw refusal('A mutation was already run with this signature: sign each request anew.');
      },
    };
  }

  return {
    challenge,
    recognises: ({ headers }) => headers.authorization?.startsWith(challenge) === true,
    authenticate,
  };
}

const challenge = 'AWS4-HMAC-SHA256';

const refusal = (reason: string): Error => unauthenticated(reason, challenge);

/** Signed are the bytes that came; or, by AppSync's link, what they were before Apollo Client added to them. */
function* signedBodies(body: Buffer): Iterable<{ readonly hash: string; readonly isWhole: boolean }> {
  yield { hash: sha256(body), isWhole: true };
  const before = withoutAdditions(body);
  if (before !== undefined) yield { hash: sha256(before), isWhole: false };
}

/** The body without `extensions`, and without variables that begin with `@@`, which the link does not sign either. */
function withoutAdditions(body: Buffer): string | undefined {
  if (!body.includes('"extensions"') && !body.includes('"@@')) return undefined;
  let request: unknown;
  try {
    request = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof request !== 'object' || request === null || Array.isArray(request)) return undefined;
  const { variables, ...others } = request as Record<string, unknown>;
  delete others['extensions'];
  // In the order of the link.
  const { operationName, ...rest } = others;
  return JSON.stringify({ operationName, variables: withoutTemporary(variables), ...rest });
}

function withoutTemporary(variables: unknown): unknown {
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) return variables;
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('@@')));
}

function* signedTargets(url: string): Iterable<ReturnType<typeof rawTarget>> {
  const raw = rawTarget(url);
  yield raw;
  const canonical = canonicalTarget(url);
  if (canonical.uri !== raw.uri || canonical.query !== raw.query) yield canonical;
}

/** The signed headers as they came; with each host that is configured; with the `accept` that AppSync's link signs. */
function* signedHeaders(
  { signedHeaders: names }: SignatureHeader,
  { headers }: Received,
  hosts: readonly string[] | undefined,
): Iterable<(readonly [string, string])[]> {
  const list = (host: string, accept: string): (readonly [string, string])[] =>
    names.map((name) => [
      name,
      name === 'host' ? host : name === 'accept' ? accept : canonicalValue(headers, name)!,
    ]);
  const accept = canonicalValue(headers, 'accept') ?? '';
  for (const host of hosts ?? [headers.host ?? '']) {
    yield list(host, accept);
    if (names.includes('accept') && accept !== anything) yield list(host, anything);
  }
}

const anything = '*/*';

/** Milliseconds since 1970, from ISO 8601's basic form; NaN for anything else. */
function timeOf(amzDate: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(amzDate);
  if (match === null) return NaN;
  const [, year, month, day, hour, minute, second] = match;
  return Date.parse(`${year!}-${month!}-${day!}T${hour!}:${minute!}:${second!}Z`);
}

const nowText = (): string => new Date().toISOString().replace(/[:-]|\.\d{3}/g, '');

/** By their digests, so that the time tells nothing. */
const isSameText = (a: string, b: string): boolean =>
  timingSafeEqual(Buffer.from(sha256(a)), Buffer.from(sha256(b)));
