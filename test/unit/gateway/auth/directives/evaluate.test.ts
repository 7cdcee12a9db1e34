/** The call of a policy endpoint, of gateway/auth/directives/policies.ts. */
import { OptionsError, parseOptions } from '../../../../../gateway/options';
import { openPolicyEvaluator } from '../../../../../gateway/auth/directives/policies';
import { createIdentity } from '../../../../../gateway/auth/identity';
import { type RunningServer, serveHttp1 } from '../../../../support/subgraph-servers';

const ada = createIdentity({
  ...{ mode: 'oidc', subject: 'ada', issuer: 'https://id.example', client: 'web' },
  ...{ groups: ['staff'], scopes: ['read'], claims: { tenant: 't1' }, deniedFields: ['User.email'] },
});

let server: RunningServer;
const calls: { method: string | undefined; headers: object; body: string }[] = [];
/** Undefined: there is no answer. */
let answer: string | undefined;
beforeAll(async () => {
  server = await serveHttp1(({ method, headers }, response, body) => {
    calls.push({ method, headers, body: body.toString() });
    if (answer !== undefined) response.end(answer);
  });
});
afterAll(() => server.stop());
beforeEach(() => (calls.length = 0));

const open = (policies?: object) =>
  openPolicyEvaluator(parseOptions({ authorization: { policies } }).authorization.policies);

it('is nobody where the options name none', async () => {
  expect(await open()).toBeUndefined();
});

describe('an endpoint', () => {
  it('is told the policies and who calls, as JSON', async () => {
    answer = '{"policies":{"staff":true,"owner":false}}';
    const evaluate = await open({ url: server.url, headers: { 'x-secret': 's' } });
    expect(await evaluate!(['staff', 'owner'], ada)).toEqual({ staff: true, owner: false });
    expect(calls).toMatchObject([
      {
        method: 'POST',
        headers: { 'x-secret': 's', accept: 'application/json', 'content-type': 'application/json' },
      },
    ]);
    expect(JSON.parse(calls[0]!.body)).toEqual({
      policies: ['staff', 'owner'],
      identity: {
        ...{ mode: 'oidc', subject: 'ada', issuer: 'https://id.example', client: 'web' },
        ...{ groups: ['staff'], scopes: ['read'], claims: { tenant: 't1' } },
      },
    });
  });

  it.each([
    'null',
    '{}',
    '{"staff":true}',
    '{"policies":null}',
    '{"policies":["staff"]}',
    '{"policies":"staff"}',
  ])('has to answer which are met, and not %s', async (given) => {
    answer = given;
    await expect((await open({ url: server.url }))!(['staff'], ada)).rejects.toThrow(
      'The answer must be {"policies": {"NAME": true, …}}.',
    );
  });

  it('is not waited for beyond its time', async () => {
    answer = undefined;
    await expect((await open({ url: server.url, timeout: '20ms' }))!(['staff'], ada)).rejects.toThrow(
      expect.objectContaining({ name: 'TimeoutError' }),
    );
  });
});

describe('a module', () => {
  it('is called with the policies and who calls', async () => {
    const module = jest.fn(() => ({ staff: true }));
    expect(await (await open({ module }))!(['staff'], ada)).toEqual({ staff: true });
    expect(module.mock.calls).toEqual([[['staff'], ada]]);
  });

  it('is not waited for beyond its time', async () => {
    const module = () => new Promise(() => undefined);
    await expect((await open({ module, timeout: '20ms' }))!(['staff'], ada)).rejects.toThrow(
      'No answer within 20 ms.',
    );
  });

  it('is refused with the options when it cannot be used', async () => {
    await expect(open({ module: '/nowhere/policies.cjs' })).rejects.toThrow(OptionsError);
    await expect(open({ module: '/nowhere/policies.cjs' })).rejects.toThrow(
      '`authorization.policies.module` cannot be used: ',
    );
  });
});
