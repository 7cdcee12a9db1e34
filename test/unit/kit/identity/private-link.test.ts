import { createHash, createHmac } from 'node:crypto';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { checkBody, LinkRefused, openPrivateLink, signRequest } from '../../../../kit/identity/private-link';

const keyOf = (secret: string) => ({
  id: createHash('sha256').update(secret).digest('hex').slice(0, 8),
  secret,
});
const key = keyOf('the-secret-of-gateway-and-library');
const other = keyOf('the-other-secret-of-gateway-and-library');
const body = '{"query":"{ __typename }"}';
const digest = createHash('sha256').update(body).digest('base64');

let now = 0;
// The start of two minutes in which signatures are remembered together.
beforeEach(() => (now = Math.ceil(Date.now() / 120_000) * 120_000));

const open = (current = [key], subgraph = 'library') =>
  openPrivateLink({ subgraph, keys: { current, close: () => undefined }, now: () => now });

interface Message {
  readonly covered?: readonly string[];
  /** Seconds; null: it does not say. */
  readonly created?: number | null;
  /** '' for none. */
  readonly tag?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly nonce?: string;
}

/** What a signer makes that does as it pleases. */
function sign({
  covered = ['@method', 'content-digest'],
  created = now / 1000,
  tag = 'weir:library',
  headers = { 'content-digest': `sha-256=:${digest}:` },
  nonce = 'n',
}: Message = {}): Record<string, string> {
  const parameters = [
    ...(created === null ? [] : [`;created=${created}`]),
    `;keyid="${key.id}";nonce="${nonce}"`,
    ...(tag === '' ? [] : [`;tag="${tag}"`]),
  ];
  const input = `(${covered.map((name) => `"${name}"`).join(' ')})${parameters.join('')}`;
  const lines = covered.map((name) => `"${name}": ${name === '@method' ? 'POST' : headers[name]}\n`);
  const base = `${lines.join('')}"@signature-params": ${input}`;
  const signature = createHmac('sha256', key.secret).update(base).digest('base64');
  return { ...headers, 'signature-input': `weir=${input}`, signature: `weir=:${signature}:` };
}

describe('a private link', () => {
  it('takes what a subgraph signs for another, and tells for whom it calls', () => {
    now = Date.now();
    const caller = { mode: 'oidc', sub: 'u1', groups: ['é'] };
    const check = open();
    expect(check('POST', '/graphql', signRequest({ key, subgraph: 'library', body, caller }))).toEqual({
      caller,
      digest,
    });
    expect(check('POST', '/graphql', signRequest({ key, subgraph: 'library', body, caller: null }))).toEqual({
      caller: null,
      digest,
    });
  });

  it('signs each request anew, so that two equal ones are two', () => {
    now = Date.now();
    const check = open();
    for (let i = 0; i < 3; i++)
      expect(() =>
        check('POST', '/graphql', signRequest({ key, subgraph: 'library', body, caller: null })),
      ).not.toThrow();
  });

  it('names subgraphs so that no name ends a text in quotes', () => {
    now = Date.now();
    const odd = 'a";b=1, "é';
    const signed = signRequest({ key, subgraph: odd, body, caller: null });
    expect(open([key], odd)('POST', '/graphql', signed)).toEqual({ caller: null, digest });
    expect(() => open()('POST', '/graphql', signed)).toThrow(
      'The request is for weir:a%22%3Bb%3D1%2C%20%22%C3%A9,',
    );
  });

  it('takes each of its keys, and believes the signature of the one that is named', () => {
    now = Date.now();
    const signed = (by: typeof key) => signRequest({ key: by, subgraph: 'library', body, caller: null });
    const check = open([key, other]);
    expect(() => check('POST', '/graphql', signed(key))).not.toThrow();
    expect(() => check('POST', '/graphql', signed(other))).not.toThrow();
    expect(() => check('POST', '/graphql', signed({ id: other.id, secret: key.secret }))).toThrow(
      'The signature is not that of this request.',
    );
  });

  it('refuses another method than was signed', () => {
    expect(() => open()('GET', '/graphql', sign())).toThrow('The signature is not that of this request.');
  });

  it.each([
    ['signature', 'signature-input'],
    ['signature-input', 'signature'],
  ])('refuses a %s without a %s', (_, missing) => {
    expect(() => open()('POST', '/graphql', { ...sign(), [missing]: undefined })).toThrow(
      'the request is not signed',
    );
  });

  it.each([
    ['cut off', (signature: string) => `weir=:${signature.slice(0, 8)}:`],
    [
      'with more behind it',
      (signature: string) => `weir=:${Buffer.from(`${signature}x`).toString('base64')}:`,
    ],
  ])('refuses a signature %s', (_, change) => {
    const headers = sign();
    const signature = /:(.*):/.exec(headers['signature']!)![1]!;
    expect(() => open()('POST', '/graphql', { ...headers, signature: change(signature) })).toThrow(
      'The signature is not that of this request.',
    );
  });

  it.each([['@method'], ['content-digest']])('refuses a signature that does not cover %s', (name) => {
    const covered = ['@method', 'content-digest'].filter((each) => each !== name);
    expect(() => open()('POST', '/graphql', sign({ covered }))).toThrow(
      `The signature does not cover "${name}".`,
    );
  });

  it('refuses to read what the signature does not name', () => {
    now = Date.now();
    const read = (path: string) => new URL(path, 'http://library');
    const signed = (path: string) =>
      signRequest({ key, subgraph: 'library', body: '', caller: null, read: read(path) });
    const check = open();
    for (const [path, asked] of [
      ['/events', '/events'],
      ['/events', '/events?'],
      ['/events?after=', '/events?after='],
      // A proxy may change the path.
      ['/events?types=A%2CB', '/library/events?types=A%2CB'],
    ] as const)
      expect(() => check('GET', asked, signed(path))).not.toThrow();
    expect(() => check('GET', '/graphql?query={secret}', signed('/graphql'))).toThrow(
      'The signature does not cover "@query".',
    );
    expect(() => check('GET', '/events?after=', signed('/events?after=1'))).toThrow(
      'The signature is not that of this request.',
    );
    expect(() => check('GET', '/events', signed('/events?after=1'))).toThrow(
      'The signature is not that of this request.',
    );
  });

  it('takes a name for covered only where the signature lists it, not where it stands in a parameter', () => {
    const message = sign({ covered: ['@method'], nonce: 'content-digest' });
    expect(() => open()('POST', '/graphql', message)).toThrow(
      'The signature does not cover "content-digest".',
    );
  });

  it('signs what a header says without the spaces around it', () => {
    const message = sign();
    expect(
      open()('POST', '/graphql', { ...message, 'content-digest': `  ${message['content-digest']} ` }),
    ).toEqual({
      caller: null,
      digest,
    });
  });

  it('finds its digest among others, and refuses a body of which there is none', () => {
    const among = { 'content-digest': `sha-512=:AAAA:, sha-256=:${digest}:` };
    expect(open()('POST', '/graphql', sign({ headers: among }))).toEqual({ caller: null, digest });
    const none = { 'content-digest': 'sha-512=:AAAA:' };
    expect(() => open()('POST', '/graphql', sign({ headers: none }))).toThrow(
      'The digest of the body is not one by sha-256.',
    );
  });

  it.each([60, -60])('takes what was signed %d seconds ago', (age) => {
    expect(() => open()('POST', '/graphql', sign({ created: now / 1000 - age }))).not.toThrow();
  });

  it.each([
    [61, 'The request was signed more than 60 s ago.'],
    [-61, 'The request was signed before its time.'],
  ])('refuses what was signed %d seconds ago', (age, message) => {
    expect(() => open()('POST', '/graphql', sign({ created: now / 1000 - age }))).toThrow(message);
  });

  it('refuses what does not say when it was signed, or for whom', () => {
    expect(() => open()('POST', '/graphql', sign({ created: null }))).toThrow(
      'The request was signed at no time.',
    );
    expect(() => open()('POST', '/graphql', sign({ tag: '' }))).toThrow(
      'The request is for , but this is weir:library.',
    );
  });

  it.each([0, 1, 59, 61, 119])(
    'refuses a request again as long as its time lasts, begun %d seconds into a turn of its memory',
    (seconds) => {
      now += seconds * 1000;
      const check = open();
      // By a clock that is a minute ahead: it could be sent again for two minutes.
      const message = sign({ created: now / 1000 + 60 });
      expect(() => check('POST', '/graphql', message)).not.toThrow();
      for (const later of [1, 60, 59]) {
        now += later * 1000;
        expect(() => check('POST', '/graphql', message)).toThrow('The request was here before.');
        // What comes meanwhile makes nothing forgotten.
        expect(() => check('POST', '/graphql', sign({ nonce: String(now) }))).not.toThrow();
      }
    },
  );

  it('says why it refuses as a 401', () => {
    expect(() => open()('POST', '/graphql', {})).toThrow(expect.objectContaining({ statusCode: 401 }));
    expect(() => open()('POST', '/graphql', {})).toThrow(LinkRefused);
  });
});

describe('the body of a signed request', () => {
  const read = (sent: string[]) => text(Readable.from(sent).compose(checkBody({ caller: null, digest })));

  it('is let through, in however many pieces it comes', async () => {
    expect(await read([body.slice(0, 5), body.slice(5)])).toBe(body);
  });

  it('fails at its end when it is another one', async () => {
    await expect(read([body, ' '])).rejects.toThrow('The body is not the one that was signed.');
  });
});
