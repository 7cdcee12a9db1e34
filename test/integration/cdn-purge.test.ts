/** What a CDN is told of invalidations: calls of a CloudFront that stands in, over real sockets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OptionsInput } from '../../gateway';
import { credentials, type CloudFrontStandIn, fail, startCloudFront } from '../support/cloudfront-stand-in';
import { eventually } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId;
process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey;
delete process.env['AWS_SESSION_TOKEN'];
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

let graph: SmallGraph;
let cloudFront: CloudFrontStandIn;
let gateway: TestGateway;
beforeAll(async () => {
  graph = await startSmallGraph();
});
beforeEach(async () => {
  cloudFront = await startCloudFront();
});
afterEach(async () => {
  await gateway.stop();
  await cloudFront.close();
});
afterAll(() => graph.close());

const token = 'a-token-for-operators';
type CloudFrontOptions = NonNullable<NonNullable<NonNullable<OptionsInput['cache']>['cdn']>['cloudFront']>;

const optionsWith = (options: Partial<CloudFrontOptions>): OptionsInput => ({
  port: 0,
  admin: { port: 0, token },
  cache: {
    cdn: {
      enabled: true,
      cloudFront: { distribution: 'E2EXAMPLE', endpoint: cloudFront.url, delay: '20ms', ...options },
    },
  },
});
const start = async (options: Partial<CloudFrontOptions> = {}) =>
  (gateway = await startTestGateway({
    ...optionsWith(options),
    supergraph: sourceOf(graph.supergraphSdl),
  }));

async function invalidate(body: object): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${gateway.adminUrl}/cache/invalidate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

it('drops all answers of the endpoint at CloudFront, and says so', async () => {
  await start();
  const tags = ['type:User', 'subgraph:accounts'];
  expect(await invalidate({ types: ['User'], subgraphs: ['accounts'] })).toEqual({
    status: 200,
    body: { invalidated: tags, cdn: { purge: 'queued', paths: ['/graphql*'] } },
  });
  await eventually(() => cloudFront.invalidated.length > 0);
  expect(cloudFront.requests).toHaveLength(1);
  expect(cloudFront.requests[0]!.url).toBe('/2020-05-31/distribution/E2EXAMPLE/invalidation');
  expect(cloudFront.invalidated).toEqual([['/graphql*']]);
  await eventually(async () => (await gateway.metrics()).includes('weir_cdn_purges_total{result="sent"} 1'));
  expect(gateway.log).toContainEqual(
    expect.objectContaining({ msg: 'the CDN accepted an invalidation', paths: 1 }),
  );
});

it('gathers invalidations, those of mutations too, for one call', async () => {
  await start({
    delay: '300ms',
    purge: [
      { tags: ['User:*', 'type:User'], paths: ['/graphql?user*', '/graphql?me*'] },
      { tags: ['page-*'], paths: ['{tag}'] },
    ],
  });
  expect((await invalidate({ tags: ['nothing-of-these'] })).body.cdn).toEqual({ purge: 'queued', paths: [] });
  await invalidate({ types: ['User'], tags: ['page-1', 'page-ü, 2', 'page-3*'] });
  await gateway.query('mutation { rename(id: "u1", name: "Ada") { name } }');
  await eventually(() => cloudFront.invalidated.length > 0);
  expect(cloudFront.invalidated).toEqual(
    [['page-1', 'page-%C3%BC%2C%202', 'page-3*', '/graphql?user*', '/graphql?me*'].sort()].map((paths) =>
      expect.arrayContaining(paths),
    ),
  );
  expect(cloudFront.invalidated[0]).toHaveLength(5);
});

it('keeps nobody waiting while CloudFront fails, and tells it again until it has heard', async () => {
  let failures = 0;
  await start();
  cloudFront.answer = (response) => {
    // It hangs, breaks off, and is too busy, in turn.
    const kind = failures++ % 3;
    if (kind === 1) response.destroy();
    else if (kind === 2) fail(response, 400, 'TooManyInvalidationsInProgress');
    else setTimeout(() => fail(response, 503, 'ServiceUnavailable'), 100);
  };
  for (let i = 0; i < 5; i++) expect((await invalidate({ tags: [`t${i}`] })).status).toBe(200);
  await eventually(() =>
    gateway.log.some(({ msg }) => msg === 'an invalidation could not be sent to the CDN'),
  );
  expect(await gateway.metrics()).toContain('weir_cdn_purge_paths_waiting 1');
  expect(cloudFront.invalidated).toEqual([]);
  cloudFront.answer = undefined;
  await eventually(() => cloudFront.invalidated.length > 0, 20_000);
  expect(cloudFront.invalidated).toEqual([['/graphql*']]);
  await eventually(async () => (await gateway.metrics()).includes('weir_cdn_purge_paths_waiting 0'));
  // An attempt of the SDK's own is the same invalidation.
  const references = cloudFront.requests.map(({ callerReference }) => callerReference);
  expect(new Set(references).size).toBeLessThan(references.length);
});

it('tells CloudFront after a reload of the options what it has not heard before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-cdn-'));
  const supergraph = join(folder, 'supergraph.graphql');
  writeFileSync(supergraph, graph.supergraphSdl);
  try {
    const options = optionsWith({ delay: '1h' });
    gateway = await startTestGateway({ ...options, supergraph });
    cloudFront.answer = (response) => fail(response, 400, 'TooManyInvalidationsInProgress');
    await invalidate({ tags: ['a'] });
    await gateway.reload(() => ({ ...optionsWith({ delay: '20ms' }), supergraph }));
    await eventually(() =>
      gateway.log.some(({ msg }) => msg === 'an invalidation could not be sent to the CDN'),
    );
    cloudFront.answer = undefined;
    await eventually(() => cloudFront.invalidated.length > 0, 20_000);
    expect(cloudFront.invalidated).toEqual([['/graphql*']]);
    await eventually(async () => (await gateway.metrics()).includes('weir_cdn_purge_paths_waiting 0'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('drops everything where CloudFront does not take a path', async () => {
  await start({ purge: [{ tags: ['*'], paths: ['{tag}'] }] });
  cloudFront.answer = (response) => {
    cloudFront.answer = undefined;
    fail(response, 400, 'InvalidArgument');
  };
  await invalidate({ tags: ['page-1'] });
  await eventually(() => cloudFront.invalidated.length > 0);
  expect(cloudFront.invalidated).toEqual([['/graphql*']]);
});

it('tells what waits before it stops', async () => {
  await start({ delay: '1h' });
  await invalidate({ tags: ['a'] });
  await gateway.stop();
  expect(cloudFront.invalidated).toEqual([['/graphql*']]);
});
