import { createHash, createHmac } from 'node:crypto';
import type * as Signature from '@smithy/signature-v4';
import type { GetCredentials } from './aws-credentials';

export interface SigV4Options {
  /** The service's name in the credential scope, such as `execute-api` or `lambda`. */
  readonly service: string;
  readonly region: string;
  readonly credentials: GetCredentials;
}

/** Signs requests before they are sent. */
export interface RequestSigner {
  /** The names of the headers that it writes, in lower case. */
  readonly headers: readonly string[];
  /** Resolves with names and values of headers in turn. Rejects if there are no credentials. */
  sign(request: {
    /** @default 'POST' */
    readonly method?: string | undefined;
    readonly url: URL;
    readonly body: Buffer;
    /** Its `content-type` is signed. @default that of JSON for a POST */
    readonly headers?: Readonly<Record<string, string>> | undefined;
  }): Promise<readonly string[]>;
}

/** Signs calls for a service of AWS, by Signature Version 4. */
export function sigV4(options: SigV4Options): RequestSigner {
  const signer = signerOf(options);
  return {
    headers: ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token'],
    async sign({ method = 'POST', url, body, headers = method === 'POST' ? json : {} }) {
      const type = headers['content-type'];
      const signed = await signer.sign({
        method,
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        query: queryOf(url),
        headers: { host: url.host, ...(type !== undefined && { 'content-type': type }) },
        body,
      });
      return Object.entries(signed.headers).flatMap(([name, value]) => (isOurs(name) ? [name, value] : []));
    },
  };
}

/** Signs a GET without headers and a body, in its query; the signature is valid for some seconds. */
export function presign(options: SigV4Options): (url: URL, seconds: number) => Promise<URL> {
  const signer = signerOf(options);
  return async ({ protocol, hostname, host, pathname, searchParams }, seconds) => {
    const { query = {} } = await signer.presign(
      {
        method: 'GET',
        ...{ protocol, hostname, path: pathname, headers: { host } },
        query: Object.fromEntries(searchParams),
      },
      { expiresIn: seconds },
    );
    const signed = Object.entries(query as Record<string, string>);
    const text = signed.map(([name, value]) => `${escape(name)}=${escape(value)}`).join('&');
    return new URL(`${protocol}//${host}${pathname}?${text}`);
  };
}

/** As Signature Version 4 escapes: everything but letters, digits and `-_.~`. */
const escape = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);

function signerOf({ service, region, credentials }: SigV4Options): Signature.SignatureV4 {
  // Loaded only where something is signed so.
  const { SignatureV4 } = require('@smithy/signature-v4') as typeof Signature;
  return new SignatureV4({
    service,
    region,
    credentials: async () => {
      const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
      return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    },
    sha256: Sha256,
    applyChecksum: true,
  });
}

const json: Readonly<Record<string, string>> = { 'content-type': 'application/json' };

/** A name may come several times. */
const queryOf = ({ searchParams }: URL): Record<string, string[]> =>
  Object.fromEntries(Array.from(searchParams.keys(), (name) => [name, searchParams.getAll(name)]));

/** The transport writes the other headers itself. */
const isOurs = (name: string): boolean => name !== 'host' && name !== 'content-type';

type SourceData = string | ArrayBuffer | ArrayBufferView;

/** SHA-256 and HMAC with the interface that the signer of the AWS SDK expects. */
class Sha256 {
  readonly #secret: SourceData | undefined;
  #hash!: ReturnType<typeof createHash | typeof createHmac>;

  constructor(secret?: SourceData) {
    this.#secret = secret;
    this.reset();
  }

  update(data: SourceData): void {
    this.#hash.update(bytes(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash =
      this.#secret === undefined ? createHash('sha256') : createHmac('sha256', bytes(this.#secret));
  }
}

const bytes = (data: SourceData): Uint8Array =>
  typeof data === 'string'
    ? Buffer.from(data)
    : ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
