import { timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { requestError } from '../../errors';
import { isMap } from '../../options/is-map';
import type { Options } from '../../options';
import type { Logger } from '../../telemetry/logger';
import { type AccessKey, accessKeys } from './access-keys';
import { type Authenticator, type Proof, type AuthRequest, unauthenticated } from '../authenticator';
import {
  canonicalTarget,
  canonicalValue,
  parseSignatureHeader,
  rawTarget,
  sha256,
  type SignatureHeader,
  signatureOf,
  type SignedParts,
  type SigningKey,
  signingKey,
} from './sigv4';
import type { UsedSignatures } from '../../net/used-signatures';

type IamOptions = NonNullable<Options['auth']['iam']>;

/**
 * Requests that are signed with AWS Signature Version 4: as AWS documents it, and as AppSync's auth link does it. The
 * link signs the URL unchanged, "accept: *" + "/*" whatever it sends, and the body before Apollo Client adds
 * `extensions`.
 *
 * @param used the used signatures of the process, as none may be used again after a reload of options
 */
export function iam(
  options: IamOptions,
  { logger, used }: { readonly logger: Pick<Logger, 'error'>; readonly used: UsedSignatures },
): Authenticator {
  const { hosts, service, region, clockSkew } = options;
  const find = accessKeys(options, logger);
  const known = new LRUCache<string, KnownKey>({ max: 1_000 });
  const forms = formsFor(hosts ?? [undefined]);

  function authenticate(received: AuthRequest): Proof | Promise<Proof> {
    const { headers } = received;
    const header = parseSignatureHeader(headers.authorization!);
    if (header === undefined) throw refusal('The signature in the authorization header is malformed.');
    const problem = problemOf(header, received);
    if (problem !== undefined) throw refusal(problem);
    const sessionToken = headers['x-amz-security-token'] as string | undefined;
    const check = (key: AccessKey | undefined): Proof => {
      if (key === undefined) throw refusal('The access key is not known.');
      if (!isSameToken(sessionToken, key.sessionToken)) throw refusal('The session token is wrong.');
      return verify(received, header, key);
    };
    const key = find(header.accessKeyId, sessionToken);
    return key instanceof Promise ? key.then(check) : check(key);
  }

  /** Checks everything but the signature itself. Returns the problem as a sentence. */
  function problemOf(
    { date, signedHeaders, ...scope }: SignatureHeader,
    { headers }: AuthRequest,
  ): string | undefined {
    const amzDate = headers['x-amz-date'] as string | undefined;
    const time = amzDate === undefined ? NaN : timeOf(amzDate);
    if (Number.isNaN(time)) return 'The header x-amz-date must be a time such as 20270131T120000Z.';
    for (const name of ['host', 'x-amz-date']) {
      if (!signedHeaders.includes(name)) return `The signature does not cover the header "${name}".`;
    }
    const missing = signedHeaders.find((name) =>
      name === 'host' ? hostOf(headers) === undefined : !Object.hasOwn(headers, name),
    );
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

  function verify(received: AuthRequest, header: SignatureHeader, key: AccessKey): Proof {
    const { date, region, service, accessKeyId } = header;
    const name = `${accessKeyId}/${date}/${region}/${service}/${key.secretAccessKey}`;
    let signer = known.get(name);
    if (signer === undefined)
      known.set(name, (signer = { key: signingKey(key.secretAccessKey, header), form: forms[0]! }));
    const partsOf = partsIn(received, header);
    const fits = (form: SigningForm): boolean => {
      const parts = partsOf(form);
      if (parts === undefined) return false;
      const amzDate = received.headers['x-amz-date'] as string;
      return timingSafeEqual(signatureOf(signer.key, amzDate, header, parts), header.signature);
    };
    // Requests with one key mostly have the same form as the last one.
    const form = fits(signer.form) ? signer.form : forms.find((each) => each !== signer.form && fits(each));
    if (form !== undefined) {
      signer.form = form;
      const time = timeOf(received.headers['x-amz-date'] as string);
      return proofOf(key, header, { time, isWhole: form.isWhole });
    }
    throw refusal(
      'The signature is wrong: it was made with another secret, or for another method, path, host, header or body.',
    );
  }

  function proofOf(
    { identity }: AccessKey,
    { signature }: SignatureHeader,
    { time, isWhole }: { readonly time: number; readonly isWhole: boolean },
  ): Proof {
    return {
      identity,
      withoutExtensions: !isWhole,
      admitMutation() {
        const use = used.use(signature, time, clockSkew);
        if (use === 'again')
          throw refusal('A mutation was already run with this signature: sign each request anew.');
        if (use === 'full') throw requestError('OVERLOADED', {}, { headers: { 'retry-after': '60' } });
      },
    };
  }

  return {
    challenge,
    modeOf: () => 'iam',
    needsBody: true,
    recognises: ({ headers }) => headers.authorization?.startsWith(challenge) === true,
    authenticate,
  };
}

const challenge = 'AWS4-HMAC-SHA256';

const refusal = (reason: string): Error => unauthenticated(reason, challenge);

interface KnownKey {
  readonly key: SigningKey;
  /** The form of the last signed request. */
  form: SigningForm;
}

/** A way in which a request may have been signed. */
interface SigningForm {
  /** Whether the whole body is signed; otherwise the body without Apollo Client's additions. */
  readonly isWhole: boolean;
  /** Whether the URL is written as AppSync's link does; otherwise as AWS documents it. */
  readonly isRaw: boolean;
  /** The host to use instead of the one that was sent. */
  readonly host: string | undefined;
  /** The `accept` that AppSync's link signs, instead of the one that is sent. */
  readonly accept: string | undefined;
}

function formsFor(hosts: readonly (string | undefined)[]): readonly SigningForm[] {
  return [true, false].flatMap((isWhole) =>
    [true, false].flatMap((isRaw) =>
      hosts.flatMap((host) => [undefined, '*/*'].map((accept) => ({ isWhole, isRaw, host, accept }))),
    ),
  );
}

/** Over HTTP/2 the authority is what a client has signed as its host (RFC 9113, section 8.3.1). */
const hostOf = (headers: AuthRequest['headers']): string | undefined =>
  canonicalValue(headers, ':authority') ?? headers.host;

/** The signed parts of a request in a form. Undefined if an earlier form has the same text. */
function partsIn(
  { method, url, headers, body }: AuthRequest,
  { signedHeaders: names }: SignatureHeader,
): (form: SigningForm) => SignedParts | undefined {
  const contentHash = headers['x-amz-content-sha256'];
  const rawUrl = rawTarget(url);
  const hashes = new Map<boolean, string | undefined>();
  const hashOf = (isWhole: boolean): string | undefined => {
    if (!hashes.has(isWhole)) {
      const signed = isWhole ? body : withoutAdditions(body);
      hashes.set(isWhole, signed && sha256(signed));
    }
    return hashes.get(isWhole);
  };
  return ({ isWhole, isRaw, host = hostOf(headers) ?? '', accept }) => {
    const sent = canonicalValue(headers, 'accept');
    if (accept !== undefined && (accept === sent || !names.includes('accept'))) return undefined;
    const target = isRaw ? rawUrl : canonicalTarget(url);
    if (!isRaw && target.uri === rawUrl.uri && target.query === rawUrl.query) return undefined;
    const payloadHash = hashOf(isWhole);
    if (payloadHash === undefined || (contentHash !== undefined && contentHash !== payloadHash))
      return undefined;
    const signed = names.map((name) => {
      if (name === 'host') return [name, host] as const;
      const value = name === 'accept' ? (accept ?? sent) : canonicalValue(headers, name);
      return [name, value!] as const;
    });
    return { method, target, headers: signed, payloadHash };
  };
}

/** The body without `extensions`, and without variables that begin with `@@`, which the link does not sign either. */
function withoutAdditions(body: Buffer): string | undefined {
  if (!body.includes('"extensions"') && !body.includes('"@@')) return undefined;
  try {
    const request: unknown = JSON.parse(body.toString('utf8'));
    if (!isMap(request)) return undefined;
    const { operationName, variables, ...rest } = request;
    // `JSON.stringify` leaves it out. `delete` would make the object slow.
    rest['extensions'] = undefined;
    // In the same order as the link.
    return JSON.stringify({ operationName, variables: withoutTemporary(variables), ...rest });
  } catch {
    // It is no JSON, or nested too deeply to be written.
    return undefined;
  }
}

function withoutTemporary(variables: unknown): unknown {
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables)) return variables;
  if (!Object.keys(variables).some(isTemporary)) return variables;
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !isTemporary(name)));
}

const isTemporary = (name: string): boolean => name.startsWith('@@');

/** Milliseconds since 1970, from ISO 8601's basic form; NaN for anything else. */
function timeOf(amzDate: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(amzDate);
  if (match === null) return NaN;
  const [, year, month, day, hour, minute, second] = match;
  return Date.parse(`${year!}-${month!}-${day!}T${hour!}:${minute!}:${second!}Z`);
}

const nowText = (): string => new Date().toISOString().replace(/[:-]|\.\d{3}/g, '');

/** Compares digests, so that the time reveals nothing. */
const isSameToken = (sent = '', known = ''): boolean =>
  (sent === '' && known === '') || timingSafeEqual(Buffer.from(sha256(sent)), Buffer.from(sha256(known)));
