/** Authorisers of AppSync's kind that run elsewhere: a function of AWS Lambda by its API, and an endpoint. */
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayOptions } from '../../gateway';
import { checkSignature } from '../../kit/appsync/credentials';
import { watchIdentities } from '../support/identities';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';
import { type RunningServer, serveHttp1 } from '../support/subgraph-servers';

type LambdaOptions = NonNullable<NonNullable<GatewayOptions['auth']>['lambda']>;
/** How the authoriser answers: with a result, or with what goes wrong. */
type Behaviour = (event: Json) => unknown;
class Failure {
  constructor(readonly kind: 'status' | 'error' | 'hangs' | 'hangs up' | 'no JSON') {}
}

const functionName = 'arn:aws:lambda:eu-west-1:111122223333:function:authorise';
const keys = { accessKeyId: 'AKIDGATEWAY', secretAccessKey: 'secret-of-the-gateway' };
const headerSecret = 'between-gateway-and-endpoint';

let graph: SmallGraph;
let lambdaApi: RunningServer;
let endpoint: RunningServer;
let behave: Behaviour;
/** The events of those calls that had the right credentials of the gateway. */
const events: Json[] = [];
const refusals: unknown[] = [];
/** Calls that are not answered, and not given up. */
const hanging = new Set<Response>();
const identities = watchIdentities();
const before = { ...process.env };

beforeAll(async () => {
  graph = await startSmallGraph();
  lambdaApi = await serveHttp1((request, response, body) => {
    const path = request.url!;
    // Other services than S3 sign the path as it is sent, encoded once more.
    const refusal = checkSignature(
      { region: 'eu-west-1', service: 'lambda', known: new Map([[keys.accessKeyId, keys]]) },
      { headers: request.headers, path: path.replaceAll('%', '%25'), body },
    );
    if (
      refusal !== undefined ||
      path !== `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`
    ) {
      refusals.push(refusal ?? path);
      response.writeHead(403).end('{"message":"secret reason"}');
      return;
    }
    answer(response, body, { error: { 'x-amz-function-error': 'Unhandled' } });
  });
  endpoint = await serveHttp1((request, response, body) => {
    if (request.headers['x-secret'] !== headerSecret) {
      refusals.push(request.headers);
      response.writeHead(403).end();
      return;
    }
    answer(response, body, {});
  });
  process.env['AWS_ENDPOINT_URL_LAMBDA'] = new URL(lambdaApi.url).origin;
  process.env['AWS_ACCESS_KEY_ID'] = keys.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = keys.secretAccessKey;
  delete process.env['AWS_SESSION_TOKEN'];
});

afterAll(async () => {
  process.env = before;
  await Promise.all([graph.close(), lambdaApi.stop(), endpoint.stop()]);
});

type Response = Parameters<Parameters<typeof serveHttp1>[0]>[1];

function answer(response: Response, body: Buffer, { error }: { error?: Record<string, string> }): void {
  const event: Json = JSON.parse(body.toString());
  events.push(event);
  const result = behave(event);
  if (!(result instanceof Failure)) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(result));
    return;
  }
  switch (result.kind) {
    case 'status':
      response.writeHead(500).end('{"message":"secret reason"}');
      break;
    case 'error':
      response.writeHead(error === undefined ? 502 : 200, error ?? {});
      response.end('{"errorMessage":"secret reason","errorType":"TypeError"}');
      break;
    case 'hangs up':
      response.destroy();
      break;
    case 'no JSON':
      response.writeHead(200).end('<html>secret reason</html>');
      break;
    case 'hangs':
      hanging.add(response);
      response.on('close', () => hanging.delete(response));
      break;
  }
}

const query = '{ user(id: "u1") { id name } }';

async function ask(
  gateway: TestGateway,
  token: string,
  text = query,
): Promise<{ status: number; answer: Json }> {
  const response = await gateway.post({ query: text }, { headers: { authorization: token } });
  return { status: response.status, answer: await response.json() };
}

const ways: [string, () => LambdaOptions][] = [
  ['a function of AWS Lambda', () => ({ function: functionName, region: 'eu-west-1' })],
  ['an endpoint', () => ({ url: endpoint.url, headers: { 'x-secret': headerSecret } })],
];

describe.each(ways)('an authoriser that is %s', (_, where) => {
  let gateway: TestGateway;
  const start = (options: LambdaOptions = {}): Promise<TestGateway> =>
    startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      auth: { lambda: { ...where(), timeout: '20s', ...options } },
    });

  beforeAll(async () => (gateway = await start({ ttl: '1ms' })));
  afterAll(() => gateway.stop());
  beforeEach(() => {
    events.length = refusals.length = identities.length = graph.accounts.requests.length = 0;
  });

  it('is asked with the event of AppSync, by the credentials of the gateway, and says who calls', async () => {
    behave = () => ({ isAuthorized: true, resolverContext: { sub: 'u7', groups: 'a b', scope: 'c' } });
    const { status, answer } = await ask(gateway, 'Bearer opaque');
    expect({ status, answer }).toEqual({
      status: 200,
      answer: { data: { user: { id: 'u1', name: 'Ada' } } },
    });
    expect(refusals).toEqual([]);
    expect(events).toMatchObject([
      {
        authorizationToken: 'Bearer opaque',
        requestContext: { queryString: query, operationName: null, variables: {}, apiId: 'weir' },
      },
    ]);
    expect(identities[0]).toMatchObject({ mode: 'lambda', subject: 'u7', groups: ['a', 'b'], scopes: ['c'] });
  });

  it('denies fields, which are asked of no subgraph', async () => {
    behave = () => ({ isAuthorized: true, deniedFields: ['User.name'] });
    const { answer } = await ask(gateway, 'denied', '{ user(id: "u1") { id name } }');
    expect(answer).toEqual({
      data: { user: { id: 'u1', name: null } },
      errors: [
        expect.objectContaining({
          path: ['user', 'name'],
          extensions: expect.objectContaining({ code: 'UNAUTHORIZED_FIELD_OR_TYPE' }),
        }),
      ],
    });
    expect(JSON.stringify(graph.accounts.requests.map(({ body }) => body))).not.toContain('name');
  });

  it('is believed for as long as it says in `ttlOverride`, and else as the options say', async () => {
    behave = ({ authorizationToken }) => ({
      isAuthorized: authorizationToken !== 'no',
      ...(authorizationToken !== 'short' && { ttlOverride: 300 }),
    });
    for (const [token, status, times] of [
      ['long', 200, 1],
      ['no', 401, 1],
      ['short', 200, 3],
    ] as const) {
      events.length = 0;
      for (let turn = 0; turn < 3; turn++) {
        expect((await ask(gateway, token)).status).toBe(status);
        await delay(5);
      }
      expect({ token, times: events.length }).toEqual({ token, times });
    }
  });

  it.each<[string, Behaviour]>([
    ['answers with status 500', () => new Failure('status')],
    ['fails', () => new Failure('error')],
    ['hangs up', () => new Failure('hangs up')],
    ['answers no JSON', () => new Failure('no JSON')],
    ['answers in another form', () => ({ isAuthorized: 'yes' })],
    ['answers nothing', () => null],
  ])('that %s lets nobody in, tells nobody why, and is asked again', async (name, behaviour) => {
    behave = behaviour;
    const { status, answer } = await ask(gateway, name);
    expect({ status, answer }).toEqual({ status: 503, answer: unavailable });
    expect(events.length).toBeGreaterThan(0);
    expect(graph.accounts.requests).toEqual([]);

    behave = () => ({ isAuthorized: true });
    expect((await ask(gateway, name)).status).toBe(200);
  });

  it('that takes longer than `timeout` lets nobody in, and is not waited for', async () => {
    behave = () => new Failure('hangs');
    const hasty = await start({ timeout: '100ms' });
    expect(await ask(hasty, 'hangs')).toEqual({ status: 503, answer: unavailable });
    // The call was given up, too.
    while (hanging.size > 0) await delay(5);
    await hasty.stop();
  });
});

const unavailable = {
  errors: [
    {
      message: 'Your credentials cannot be checked at the moment.',
      extensions: { code: 'AUTHENTICATION_UNAVAILABLE' },
    },
  ],
};

it('lets nobody in where AWS refuses the gateway', async () => {
  behave = () => ({ isAuthorized: true });
  const gateway = await startTestGateway({
    supergraph: sourceOf(graph.supergraphSdl),
    auth: { lambda: { function: functionName, region: 'us-east-1', timeout: '20s' } },
  });
  refusals.length = 0;
  expect(await ask(gateway, 'token')).toEqual({ status: 503, answer: unavailable });
  expect(refusals).not.toEqual([]);
  await gateway.stop();
});
