/**
 * What an authoriser of AppSync's kind is asked, and what its answers do. Elsewhere than in this process:
 * test/integration/lambda-authoriser.test.ts.
 */
import type { GraphQLError } from 'graphql';
import type { AuthRequest } from '../../../../../gateway/auth/authenticator';
import type { AuthoriserEvent } from '../../../../../gateway/auth/modes/authoriser';
import { lambda } from '../../../../../gateway/auth/modes/lambda';
import { parseOptions } from '../../../../../gateway/options';

let answer: (event: AuthoriserEvent) => unknown;
const asked = jest.fn((event: AuthoriserEvent) => answer(event));
const errors: unknown[] = [];
const warnings: unknown[] = [];
const logger = {
  error: (facts: unknown) => errors.push(facts),
  warn: (facts: unknown) => warnings.push(facts),
} as never;

const open = (options: object = {}) =>
  lambda(parseOptions({ auth: { lambda: { module: asked, ...options } } }).auth.lambda!, logger);
let authenticator: ReturnType<typeof open>;
beforeEach(() => {
  asked.mockClear();
  errors.length = warnings.length = 0;
  answer = () => ({ isAuthorized: true });
  authenticator = open();
});

const received = (token: string | undefined, more: Partial<AuthRequest> = {}): AuthRequest => ({
  requestId: 'r1',
  method: 'POST',
  url: '/graphql',
  headers: { ...(token !== undefined && { authorization: token }), 'x-other': 'y' },
  body: Buffer.from('{}'),
  ...more,
});
/** Who is let in, or why nobody is. */
async function ask(token = 'opaque', more: Partial<AuthRequest> = {}) {
  try {
    return (await authenticator.authenticate(received(token, more))).identity;
  } catch (error) {
    const { message, extensions } = error as GraphQLError;
    const { headers } = extensions['http'] as { headers: Map<string, string> };
    return { message, code: extensions['code'], headers: Object.fromEntries(headers) };
  }
}
const unavailable = expect.objectContaining({
  code: 'AUTHENTICATION_UNAVAILABLE',
  headers: { 'retry-after': '1' },
});

it('takes whatever is in `authorization`, and needs the body for it', () => {
  expect(authenticator.recognises(received('x'))).toBe(true);
  expect(authenticator.recognises(received(''))).toBe(true);
  expect(authenticator.recognises(received(undefined))).toBe(false);
  expect([authenticator.needsBody, authenticator.challenge]).toEqual([true, 'Bearer']);
});

describe('the event', () => {
  const eventOf = async (more: Partial<AuthRequest>): Promise<AuthoriserEvent> => {
    await ask('opaque', more);
    return asked.mock.calls[0]![0];
  };

  it('says what the request asks for, and with what', async () => {
    const body = { query: '{ a }', operationName: 'A', variables: { v: 1 } };
    expect(await eventOf({ body: Buffer.from(JSON.stringify(body)) })).toEqual({
      authorizationToken: 'opaque',
      requestContext: {
        apiId: 'weir',
        accountId: '000000000000',
        requestId: 'r1',
        queryString: '{ a }',
        operationName: 'A',
        variables: { v: 1 },
      },
      requestHeaders: { authorization: 'opaque', 'x-other': 'y' },
    });
  });

  it('names the API and the account of the options', async () => {
    authenticator = open({ apiId: 'shop', accountId: '111122223333' });
    expect((await eventOf({})).requestContext).toMatchObject({ apiId: 'shop', accountId: '111122223333' });
  });

  it.each<[string, string, object]>([
    ['of an empty object', '{}', {}],
    ['of null', 'null', {}],
    ['of text', '"{ a }"', {}],
    ['of no JSON', '{', {}],
    ['of nothing', '', {}],
    ['of a batch', '[{"query":"{ a }"}]', {}],
    ['whose members are of other kinds', '{"query":7,"operationName":null,"variables":null}', {}],
    ['with variables alone', '{"variables":[1]}', { variables: [1] }],
  ])('has what is there of a body %s', async (_, body, expected) => {
    expect((await eventOf({ body: Buffer.from(body) })).requestContext).toMatchObject({
      queryString: '',
      operationName: null,
      variables: {},
      ...expected,
    });
  });

  it.each<[string, object]>([
    [
      '?query=%7B+a+%7D&operationName=A&variables=%7B%22v%22%3A1%7D',
      { queryString: '{ a }', operationName: 'A', variables: { v: 1 } },
    ],
    ['?query=x&variables=%7B', { queryString: 'x', operationName: null, variables: {} }],
    ['', { queryString: '', operationName: null, variables: {} }],
  ])('has what is in the URL of a GET: %s', async (search, expected) => {
    const body = Buffer.from('{"query":"{ other }"}');
    const { requestContext } = await eventOf({ method: 'GET', url: `/graphql${search}`, body });
    expect(requestContext).toMatchObject(expected);
  });
});

describe('who is let in', () => {
  it('is who the authoriser says it is', async () => {
    const resolverContext = { sub: 'u1', client_id: 'web', groups: 'a b', scope: ['c'], tenant: 't1' };
    answer = () => ({ isAuthorized: true, resolverContext, deniedFields: ['User.email'] });
    expect(await ask()).toMatchObject({
      mode: 'lambda',
      subject: 'u1',
      client: 'web',
      groups: ['a', 'b'],
      scopes: ['c'],
      claims: resolverContext,
      deniedFields: ['User.email'],
    });
  });

  it.each([[{}], [{ resolverContext: null, deniedFields: null, ttlOverride: null }]])(
    'is nobody in particular by %j, and not the same by another token',
    async (more) => {
      answer = () => ({ isAuthorized: true, ...more });
      const [one, two] = [await ask('one'), await ask('two')];
      expect(one).toMatchObject({
        ...{ mode: 'lambda', subject: undefined, client: undefined },
        ...{ groups: [], scopes: [], claims: {}, deniedFields: [] },
      });
      expect((one as { scope: string }).scope).not.toBe((two as { scope: string }).scope);
    },
  );

  it('is nobody by a token that is denied', async () => {
    answer = () => ({ isAuthorized: false });
    expect(await ask()).toEqual({
      message: 'The authoriser does not let this token in.',
      code: 'UNAUTHENTICATED',
      headers: { 'www-authenticate': 'Bearer' },
    });
    expect(errors).toEqual([]);
  });
});

describe('an answer', () => {
  /** What the cache of answers goes by. */
  let clock = 1_000;
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    jest.spyOn(performance, 'now').mockImplementation(() => clock);
    authenticator = open({ ttl: '10s' });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });
  const pass = (milliseconds: number) => {
    clock += milliseconds;
    jest.advanceTimersByTime(milliseconds);
  };

  it.each([true, false])(
    'is good for its token as long as the options say: isAuthorized %s',
    async (isAuthorized) => {
      answer = () => ({ isAuthorized });
      const first = await ask();
      expect(await ask()).toEqual(first);
      expect(asked).toHaveBeenCalledTimes(1);
      await ask('other');
      expect(asked).toHaveBeenCalledTimes(2);
      pass(9_000);
      await ask();
      expect(asked).toHaveBeenCalledTimes(2);
      pass(2_000);
      await ask();
      expect(asked).toHaveBeenCalledTimes(3);
    },
  );

  it('is good for the seconds that it says itself', async () => {
    answer = () => ({ isAuthorized: true, ttlOverride: 60 });
    await ask();
    pass(59_000);
    await ask();
    expect(asked).toHaveBeenCalledTimes(1);
    pass(2_000);
    await ask();
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('is not remembered when it says 0', async () => {
    answer = () => ({ isAuthorized: true, ttlOverride: 0 });
    await ask();
    await ask();
    expect(asked).toHaveBeenCalledTimes(2);
  });
});

const named = (member: string): [string, unknown] => [
  `a member named ${member}`,
  { isAuthorized: true, [member]: [] },
];

describe('an answer of another form lets nobody in, is logged, and asked for again:', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['text', 'yes'],
    ['no decision', {}],
    ['a decision in text', { isAuthorized: 'true' }],
    ['a context that is text', { isAuthorized: true, resolverContext: 'u1' }],
    ['denied fields in text', { isAuthorized: true, deniedFields: 'User.email' }],
    ['denied fields that are no text', { isAuthorized: true, deniedFields: [7] }],
    ['a negative time', { isAuthorized: true, ttlOverride: -1 }],
    ['a time in text', { isAuthorized: true, ttlOverride: '60' }],
    ['a denied field that is none', { isAuthorized: true, deniedFields: ['User.name', 'User.*'] }],
    ['a member in another case', { isAuthorized: true, deniedfields: ['User.email'] }],
    ['a member in snake case', { isAuthorized: true, denied_fields: ['User.email'] }],
    ['another member in snake case', { isAuthorized: true, ttl_override: 60 }],
    ['a member that denies in other words', { isAuthorized: true, denyFields: ['User.email'] }],
    ...['denyFields', 'field-denylist', 'denials', 'isForbidden', 'prohibitedFields', 'disallowed'].map(
      named,
    ),
    ...['blocked fields', 'blocklist', 'Blacklist'].map(named),
  ])('%s', async (_, given) => {
    answer = () => given;
    expect(await ask()).toEqual(unavailable);
    expect(await ask()).toEqual(unavailable);
    expect(asked).toHaveBeenCalledTimes(2);
    expect(errors).toMatchObject([{ requestId: 'r1' }, { requestId: 'r1' }]);
  });

  it('one that fails', async () => {
    answer = () => {
      throw new Error('The vault is sealed.');
    };
    expect(await ask()).toEqual(unavailable);
    expect(errors).toEqual([{ err: new Error('The vault is sealed.'), requestId: 'r1' }]);
  });

  it('which says what was meant', async () => {
    answer = () => ({ isAuthorized: true, denied_fields: [] });
    await ask();
    answer = () => ({ isAuthorized: true, deniedFields: ['User.*'] });
    await ask();
    expect(errors.map((line) => (line as { err: Error }).err.message)).toEqual([
      'The answer has "denied_fields", but what is read is `deniedFields`.',
      '`deniedFields` names no field: "User.*". Write `Type.field`.',
    ]);
  });
});

it('denies nothing more to who is denied everything', async () => {
  answer = () => ({ isAuthorized: false, denyReason: 'expired' });
  expect(await ask()).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect([errors, warnings]).toEqual([[], [{ member: 'denyReason' }]]);
});

it('says once of each member that it is not read, of a hundred at most', async () => {
  authenticator = open({ ttl: '1ms' });
  answer = ({ authorizationToken }) => ({
    isAuthorized: true,
    ttlOverride: 0,
    [authorizationToken]: 1,
    toString: 1,
  });
  for (const token of ['policy', 'policy', 'note'])
    expect(await ask(token)).toMatchObject({ mode: 'lambda' });
  expect(warnings).toEqual([{ member: 'policy' }, { member: 'toString' }, { member: 'note' }]);
  for (let i = 0; i < 200; i++) await ask(`m${i}`);
  expect(warnings).toHaveLength(100);
});

describe('for tools', () => {
  const claimsFor = async (token: string, resolverContext: Record<string, unknown>) => {
    answer = () => ({ isAuthorized: true, resolverContext });
    return ask(token, { protocol: 'mcp' });
  };

  it('leaves out claims that have the token', async () => {
    const token = 'a-token-of-16-ch';
    const context = { sub: 'u1', raw: `Bearer ${token}`, copied: [{ token }] };
    expect(await claimsFor(`Bearer ${token}`, context)).toMatchObject({
      subject: 'u1',
      claims: { sub: 'u1' },
    });
  });

  it('logs once for each claim that it is left out, without the token', async () => {
    for (const token of ['a-token-of-16-ch', 'another-token-of-a-user'])
      await claimsFor(token, { sub: token, copied: [token], [`of ${token}`]: 1, groups: 'staff' });
    expect(warnings).toEqual([{ claim: 'sub' }, { claim: 'copied' }, { claim: 'of …' }]);
  });

  it.each([
    ['u1', { sub: 'u1', scope: 'profile' }],
    ['support', { sub: 'support', scope: 'support audit' }],
    ['s', { sub: 'ana', scope: 'orders' }],
  ])('keeps the user and the scopes where the token is as short as %j', async (token, context) => {
    expect(await claimsFor(`Bearer ${token}`, context)).toMatchObject({
      subject: context.sub,
      scopes: context.scope.split(' '),
      claims: context,
    });
  });
});
