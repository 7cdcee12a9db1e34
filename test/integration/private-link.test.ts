/** A subgraph with a private link, over a socket: what the gateway signs is answered, and nothing else. */
import { createHash, createHmac } from 'node:crypto';
import { toKey } from '../../gateway/subgraph-calls/signers/link-keys';
import { signPrivateLink } from '../../gateway/subgraph-calls/signers/private-link';
import { startSubgraph, type RunningSubgraph, type SignedCaller } from '../../kit';
import { callerOf } from '../support/caller';
import { library } from '../support/library-subgraph';
import { temporaryFolder } from '../support/subgraph-kit';

const secret = 'the-secret-of-gateway-and-library';
const folder = temporaryFolder();
const keysFile = folder.write('keys', `${secret}\n`);
let subgraph: RunningSubgraph;
beforeAll(async () => {
  subgraph = await startSubgraph(library, { port: 0, logLevel: 'silent', link: { file: keysFile } });
});
afterAll(async () => {
  await subgraph.stop();
  folder.remove();
});

interface Call {
  readonly body?: string;
  readonly sent?: string;
  readonly secret?: string;
  readonly subgraph?: string;
  readonly caller?: SignedCaller;
  /** Seconds. */
  readonly age?: number;
  readonly headers?: Record<string, string | undefined>;
}
const entities = JSON.stringify({
  query: 'query($r: [_Any!]!) { _entities(representations: $r) { __typename } }',
  variables: { r: [{ __typename: 'Book', id: 'b1' }] },
});

/** The headers of a call as the gateway signs it. */
function sign({ body = entities, age = 0, caller, ...call }: Call): Record<string, string> {
  const signer = signPrivateLink({
    subgraph: call.subgraph ?? 'library',
    key: () => toKey(call.secret ?? secret),
    now: () => Date.now() - age * 1000,
  });
  const signedIdentity = caller && Buffer.from(JSON.stringify(caller)).toString('base64url');
  const signed = signer.sign({
    body: Buffer.from(body),
    caller: callerOf({ signedIdentity }),
  }) as string[];
  return Object.fromEntries(signed.flatMap((name, i) => (i % 2 === 0 ? [[name, signed[i + 1]!]] : [])));
}

async function post(headers: Record<string, string | undefined>, body = entities) {
  const given: Record<string, string | undefined> = { 'content-type': 'application/json', ...headers };
  const sent = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const response = await fetch(subgraph.url, {
    method: 'POST',
    headers: Object.fromEntries(sent) as Record<string, string>,
    body,
  });
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: unknown[] };
  return { status: response.status, data, error: errors?.[0] };
}

const call = (options: Call = {}) =>
  post({ ...sign(options), ...options.headers }, options.sent ?? options.body);

describe('a subgraph with a private link', () => {
  it('answers what its gateway has signed', async () => {
    expect(await call()).toMatchObject({ status: 200, data: { _entities: [{ __typename: 'Book' }] } });
  });

  it.each<[string, () => Promise<unknown>, string]>([
    [
      'without a signature',
      () => post({}),
      'This subgraph answers its gateway only, and the request is not signed.',
    ],
    [
      'with another body',
      () => call({ sent: entities.replace('b1', 'b2') }),
      'The body is not the one that was signed.',
    ],
    [
      'with another body and its digest',
      () => {
        const sent = entities.replace('b1', 'b2');
        const digest = `sha-256=:${createHash('sha256').update(sent).digest('base64')}:`;
        return call({ sent, headers: { 'content-digest': digest } });
      },
      'The signature is not that of this request.',
    ],
    [
      'signed with a key that it does not know',
      () => call({ secret: 'x'.repeat(40) }),
      'The request is signed with a key that is not known here.',
    ],
    [
      'that is for another subgraph',
      () => call({ subgraph: 'accounts' }),
      'The request is for weir:accounts, but this is weir:library.',
    ],
    [
      'with another identity than was signed',
      () =>
        call({
          caller: { mode: 'oidc', sub: 'u1' },
          headers: { 'weir-identity': Buffer.from('{"mode":"oidc","sub":"u2"}').toString('base64url') },
        }),
      'The signature is not that of this request.',
    ],
  ])('refuses a call of _entities %s', async (_, send, message) => {
    expect(await send()).toEqual({
      status: 401,
      data: undefined,
      error: { message, extensions: { code: 'LINK_REFUSED' } },
    });
  });

  it('refuses a GET, whose signature would be that of a POST', async () => {
    const { status } = await fetch(`${subgraph.url}?query={__typename}`, {
      headers: { ...sign({ body: '' }), 'apollo-require-preflight': 'yes' },
    });
    expect(status).toBe(401);
  });

  it('takes what another signer has signed by the book', async () => {
    const digest = `sha-256=:${createHash('sha256').update(entities).digest('base64')}:`;
    const created = Math.floor(Date.now() / 1000);
    const input = `("content-type" "@method" "content-digest");alg="hmac-sha256";tag="weir:library";created=${created};keyid="${toKey(secret).id}"`;
    const base = `"content-type": application/json\n"@method": POST\n"content-digest": ${digest}\n"@signature-params": ${input}`;
    const signature = createHmac('sha256', secret).update(base).digest('base64');
    const headers = {
      'content-digest': digest,
      'signature-input': `other=("date");created=1, weir=${input}`,
      signature: `other=:AAAA:, weir=:${signature}:`,
    };
    expect(await post(headers)).toMatchObject({ status: 200 });
  });

  it('says that it is well without a signature', async () => {
    expect((await fetch(new URL('/health/ready', subgraph.url))).status).toBe(200);
  });

  it('takes a new key beside the old one without a restart, and then the new one alone', async () => {
    const newer = 'the-next-secret-of-gateway-and-library';
    expect(await call({ secret: newer })).toMatchObject({ status: 401 });
    folder.write('keys', `${secret}\n${newer}\n`);
    await until(async () => (await call({ secret: newer })).status === 200);
    expect(await call()).toMatchObject({ status: 200 });
    folder.write('keys', `${newer}\n`);
    await until(async () => (await call()).status === 401);
    expect(await call({ secret: newer })).toMatchObject({ status: 200 });
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}
