/**
 * The policies of a gateway's templates against what the gateway sends to AWS. It runs behind a guard that refuses, as IAM
 * does, what its template does not allow. Nothing is refused, and each permission is used: without it a call of this test
 * would be refused. That of a registry is in `registry-policies.test.ts`.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gatewayTemplate } from '../../cli/package/template/gateway-template';
import { askAuthoriser } from '../../gateway/auth/modes/authoriser';
import { createDynamoStore } from '../../gateway/cache/stores/dynamodb';
import { cloudMapResolver } from '../../gateway/discovery/cloud-map';
import type { Instance } from '../../gateway/discovery/resolver';
import { parseOptions } from '../../gateway/options';
import { targetOf } from '../../gateway/options/targets';
import { s3Source } from '../../gateway/supergraph/s3';
import { type EmbeddedDynamoDB, openEmbeddedDynamoDB } from '../../kit';
import { type AwsGuard, guardByPolicy } from '../support/aws-guard';
import { type AwsCall, codePolicyOf, differencesOf, type Policy } from '../support/aws-policies';
import { readTemplate } from '../support/cloudformation';
import { deploy } from '../support/deploy';

const aws = { region: 'eu-west-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
const exact = { refused: [], unused: [] };

const before = { ...process.env };
let dynamodb: EmbeddedDynamoDB;
/** Answers as S3, Cloud Map and Lambda do. */
let others: Server;
let othersUrl: string;
let guard: (AwsGuard & { readonly calls: readonly AwsCall[] }) | undefined;

beforeAll(async () => {
  dynamodb = await openEmbeddedDynamoDB();
  others = createServer(({ url, headers }, response) => {
    if (url!.startsWith('/schemas/')) response.end('type Query { a: Int }');
    else if (headers['x-amz-target'] === undefined) response.end('{"isAuthorized":true}');
    else response.end(JSON.stringify({ Instances: [{ Attributes: { AWS_INSTANCE_IPV4: '10.0.0.1' } }] }));
  });
  await new Promise<void>((listening) => others.listen(0, '127.0.0.1', listening));
  othersUrl = `http://127.0.0.1:${(others.address() as AddressInfo).port}`;
});
afterEach(async () => {
  process.env = { ...before };
  await guard?.close();
  guard = undefined;
});
afterAll(async () => {
  await new Promise((closed) => others.close(closed));
  await dynamodb.stop();
});

/** Creates what the template has, and the guard in front of it. */
async function open(
  options: Parameters<typeof parseOptions>[0],
): Promise<{ policy: Policy; endpoint: string }> {
  const text = gatewayTemplate({
    ...{ options: parseOptions(options), variables: [], isPackaged: false, streams: false },
    code: { uri: 'code', handler: 'index.handler' },
  });
  const template = readTemplate(text);
  const endpoint = dynamodb.endpoint;
  const values = await deploy(template, { aws: { ...aws, endpoint } });
  const policy = codePolicyOf(template, values);
  guard = await guardByPolicy(policy, ({ service }) => (service === 'dynamodb' ? endpoint : othersUrl));
  process.env = {
    ...before,
    ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: aws.region },
    AWS_ENDPOINT_URL: guard.endpoint,
  };
  return { policy, endpoint: guard.endpoint };
}

it('allows what the cache in DynamoDB needs', async () => {
  const { policy, endpoint } = await open({ cache: { store: 'dynamodb://weir-cache' } });
  const store = createDynamoStore(
    { table: 'weir-cache', prefix: 'p', longest: 60_000, proofInterval: 1000 },
    { endpoint, region: aws.region },
  );
  const { clock } = await store.get(['a']);
  const now = Date.now();
  const entry = {
    value: Buffer.from('x'),
    tags: ['t'],
    storedAt: now,
    freshUntil: now + 60_000,
    keptUntil: now + 60_000,
  };
  await store.set(new Map([['a', entry]]), clock);
  expect((await store.get(['a'])).entries[0]).toBeDefined();
  await store.invalidate(['t']);
  expect((await store.get(['a'])).entries[0]).toBeUndefined();
  await store.close();
  expect(differencesOf(policy, guard!.calls)).toEqual(exact);
});

it('allows what reading the supergraph in S3 needs', async () => {
  const { policy, endpoint } = await open({ supergraph: 's3://schemas/shop.graphql' });
  const source = s3Source({ url: `s3://schemas/shop.graphql?endpoint=${endpoint}` });
  const listener = { onSupergraph: () => undefined, onUnavailable: () => undefined };
  expect(await source.start(listener)).toContain('type Query');
  await source.stop();
  expect(differencesOf(policy, guard!.calls)).toEqual(exact);
});

it('allows what Cloud Map needs', async () => {
  const url = 'cloudmap://shop.internal:4003/stock/graphql';
  const { policy, endpoint } = await open({ subgraphs: { stock: { url } } });
  const resolver = cloudMapResolver({ interval: 60_000, timeout: 5_000, servers: undefined });
  const found = await new Promise<readonly Instance[]>((resolve, reject) => {
    const target = targetOf(`${url}?region=${aws.region}&endpoint=${endpoint}`);
    const stop = resolver.watch(target, {
      found(instances) {
        resolve(instances);
        stop();
      },
      failed: reject,
    });
  });
  expect(found.map(({ address }) => address)).toEqual(['10.0.0.1']);
  expect(differencesOf(policy, guard!.calls)).toEqual(exact);
});

it('allows what a Lambda authoriser needs', async () => {
  const lambda = { function: 'authorise' };
  const { policy } = await open({ auth: { lambda } });
  const ask = askAuthoriser(parseOptions({ auth: { lambda } }).auth.lambda!);
  expect(await ask({} as Parameters<typeof ask>[0])).toEqual({ isAuthorized: true });
  expect(differencesOf(policy, guard!.calls)).toEqual(exact);
});
