/** optional-packages/, and all that loads packages by it: what is missing is named in one sentence. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { subset } from 'semver';
import { peerDependencies, peerDependenciesMeta } from '../../../package.json';
import { type Options, parseOptions } from '../../../gateway/options';
import { askAuthoriser } from '../../../gateway/auth/modes/authoriser';
import { cloudFrontPurge } from '../../../gateway/cache/cdn/cloudfront';
import { sqsEvents } from '../../../gateway/events/sources/sqs';
import { openS3 } from '../../../gateway/net/s3-client';
import { checkNeededPackages } from '../../../gateway/process/configuration/needed-packages';
import { apolloManagerSource } from '../../../gateway/supergraph/apollo-manager';
import { openAwsClients } from '../../../kit/events/channels/aws-clients';
import { openStepFunctionsEngine } from '../../../kit/workflows/step-functions-engine';
import { loadPackages, needs, type OptionalPackage, optionalPackages } from '../../../optional-packages';
import { requireComposer } from '../../../schema';

const mockMissing = new Set<string>();

jest.mock('../../../optional-packages/is-installed', () => ({
  isInstalled: (name: string) => !mockMissing.has(name),
}));

const mockLoad = (name: string): object => {
  if (!mockMissing.has(name)) return jest.requireActual(name);
  throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
};
jest.mock('@apollo/gateway', () => mockLoad('@apollo/gateway'));
jest.mock('@aws-sdk/client-cloudfront', () => mockLoad('@aws-sdk/client-cloudfront'));
jest.mock('@aws-sdk/client-lambda', () => mockLoad('@aws-sdk/client-lambda'));
jest.mock('@aws-sdk/client-s3', () => mockLoad('@aws-sdk/client-s3'));
jest.mock('@aws-sdk/client-sfn', () => mockLoad('@aws-sdk/client-sfn'));
jest.mock('@aws-sdk/client-sns', () => mockLoad('@aws-sdk/client-sns'));
jest.mock('@aws-sdk/client-sqs', () => mockLoad('@aws-sdk/client-sqs'));

beforeEach(() => mockMissing.clear());

const without = (...names: OptionalPackage[]): void => names.forEach((name) => void mockMissing.add(name));

const options = (given: object): Options => parseOptions({ supergraph: 'a.graphql', ...given });

const sqs = { type: 'sqs', topic: 'arn:aws:sns:eu-west-1:123456789012:stock' };
const cloudMap = { url: 'cloudmap://shop.internal/stock' };

describe('options', () => {
  it.each<[OptionalPackage[], object, string]>([
    [
      ['@aws-sdk/client-s3'],
      { supergraph: 's3://bucket/supergraph.graphql' },
      '`supergraph.url` needs the package @aws-sdk/client-s3, which is not installed: run `npm install @aws-sdk/client-s3@3`.',
    ],
    [
      ['@aws-sdk/client-lambda'],
      { auth: { lambda: { function: 'authorise' } } },
      '`auth.lambda.function` needs the package @aws-sdk/client-lambda, which is not installed: run `npm install @aws-sdk/client-lambda@3`.',
    ],
    [
      ['ioredis'],
      { cache: { store: 'rediss://cache.internal' } },
      '`cache.store` needs the package ioredis, which is not installed: run `npm install ioredis@6`.',
    ],
    [
      ['@aws-sdk/client-cloudfront'],
      { cache: { cdn: { cloudFront: { distribution: 'E2QWRUHAPOMQZL' } } } },
      '`cache.cdn.cloudFront` needs the package @aws-sdk/client-cloudfront, which is not installed: run `npm install @aws-sdk/client-cloudfront@3`.',
    ],
    [
      ['ioredis'],
      { events: { sources: { stock: { type: 'redis-streams', url: 'redis://a', stream: 'stock' } } } },
      '`events.sources.stock` needs the package ioredis, which is not installed: run `npm install ioredis@6`.',
    ],
    [
      ['@aws-sdk/client-sns', '@aws-sdk/client-sqs'],
      { events: { sources: { stock: sqs } } },
      '`events.sources.stock` needs the packages @aws-sdk/client-sns and @aws-sdk/client-sqs, which are not installed: run `npm install @aws-sdk/client-sns@3 @aws-sdk/client-sqs@3`.',
    ],
    [
      ['@aws-sdk/client-sqs'],
      { events: { sources: { stock: sqs } } },
      '`events.sources.stock` needs the package @aws-sdk/client-sqs, which is not installed: run `npm install @aws-sdk/client-sqs@3`.',
    ],
    [
      ['@aws-sdk/client-servicediscovery'],
      { subgraphs: { stock: cloudMap } },
      '`subgraphs.stock.url` needs the package @aws-sdk/client-servicediscovery, which is not installed: run `npm install @aws-sdk/client-servicediscovery@3`.',
    ],
    [
      ['@aws-sdk/client-servicediscovery'],
      { subgraphs: { stock: { endpoints: [{ url: 'http://a' }, cloudMap] } } },
      '`subgraphs.stock.endpoints.1.url` needs the package @aws-sdk/client-servicediscovery, which is not installed: run `npm install @aws-sdk/client-servicediscovery@3`.',
    ],
  ])('without %j are refused: %j', (missing, given, sentence) => {
    expect(() => checkNeededPackages(options(given))).not.toThrow();
    without(...missing);
    expect(() => checkNeededPackages(options(given))).toThrow(sentence);
    expect(() => checkNeededPackages(options({}))).not.toThrow();
  });

  it('that need several missing packages are refused together', () => {
    without('ioredis', '@aws-sdk/client-lambda');
    const given = { cache: { store: 'redis://a' }, auth: { lambda: { function: 'authorise' } } };
    expect(() => checkNeededPackages(options(given))).toThrow(/auth\.lambda\.function.*\n.*cache\.store/);
  });
});

describe('what loads a missing package', () => {
  const target = { function: 'authorise', region: 'eu-west-1', timeout: 1000 } as const;
  const manager = {
    initialize: async ({ getDataSource }: { getDataSource: (of: { name: string }) => object }) =>
      void getDataSource({ name: 'a' }),
  };

  it.each<[string, OptionalPackage[], () => unknown, string]>([
    [
      'an S3 client',
      ['@aws-sdk/client-s3'],
      () => openS3(new URLSearchParams()),
      'An `s3:` URL needs the package @aws-sdk/client-s3,',
    ],
    [
      'a Lambda authoriser',
      ['@aws-sdk/client-lambda'],
      () => askAuthoriser(target as never),
      '`auth.lambda.function` needs the package @aws-sdk/client-lambda,',
    ],
    [
      'invalidation at CloudFront',
      ['@aws-sdk/client-cloudfront'],
      () => cloudFrontPurge({ distribution: 'E2QWRUHAPOMQZL' })(['/']),
      '`cache.cdn.cloudFront` needs the package @aws-sdk/client-cloudfront,',
    ],
    [
      'a source of events',
      ['@aws-sdk/client-sns', '@aws-sdk/client-sqs'],
      () =>
        sqsEvents({ topic: sqs.topic, prefix: 'a', retention: 1000 })
          .read({ types: [], after: undefined, signal: new AbortController().signal })
          [Symbol.asyncIterator]()
          .next(),
      'A source of events of the type `sqs` needs the packages @aws-sdk/client-sns and @aws-sdk/client-sqs,',
    ],
    [
      'the channel of a subgraph',
      ['@aws-sdk/client-sqs'],
      () => openAwsClients(),
      'The channel sns-sqs needs the package @aws-sdk/client-sqs,',
    ],
    [
      'the workflows of a subgraph',
      ['@aws-sdk/client-sfn'],
      () => openStepFunctionsEngine({ aws: {} } as never),
      'The workflow engine of AWS Step Functions needs the package @aws-sdk/client-sfn,',
    ],
    [
      'a SupergraphManager',
      ['@apollo/gateway'],
      () => apolloManagerSource(manager as never).start({} as never),
      'A SupergraphManager that calls subgraphs needs the package @apollo/gateway, which is not installed: run `npm install @apollo/gateway@2`.',
    ],
    [
      'composition',
      ['@apollo/composition', '@apollo/federation-internals'],
      () => requireComposer(),
      'composition needs the packages @apollo/composition and @apollo/federation-internals, which are not installed: run `npm install @apollo/composition@2`.',
    ],
  ])('says so: %s', async (_, missing, load, sentence) => {
    without(...missing);
    jest.resetModules();
    await expect((async () => load())()).rejects.toThrow(sentence);
  });
});

describe('an error of a package itself', () => {
  const load = (error: Error) => () =>
    loadPackages('A test', ['ioredis'], () => {
      throw error;
    });

  it('stays what it is', () => {
    expect(load(new Error('broken'))).toThrow('broken');
  });

  it('stays what it is if the package lacks one of its own packages', () => {
    const error = Object.assign(new Error("Cannot find module 'other'"), { code: 'MODULE_NOT_FOUND' });
    expect(load(error)).toThrow("Cannot find module 'other'");
  });
});

describe('the optional packages of docs/install.md', () => {
  const page = readFileSync(join(__dirname, '../../../docs/install.md'), 'utf8');
  const [, table] = page.split('\n## Optional packages\n');
  const rows = [...table!.matchAll(/^\|.*\| `([^`]+)` +\| `([^`]+)` +\|$/gm)];

  it('are the optional peers of package.json, and esbuild, which only packaging needs', () => {
    const documented = rows.map(([, name]) => name!).sort();
    expect(documented).toEqual([...Object.keys(peerDependencies), 'esbuild'].sort());
    expect(Object.keys(peerDependenciesMeta)).toEqual(Object.keys(peerDependencies));
    const composition = ['@apollo/composition', '@apollo/federation-internals'];
    expect([...documented, ...composition].sort()).toEqual([...optionalPackages].sort());
  });

  it.each(rows.map(([, name, command]) => [name, command]))(
    'have the command of the sentence, which installs a version that fits: %s',
    (name, command) => {
      expect(needs([name as OptionalPackage])).toContain(`run \`${command}\``);
      const range = (peerDependencies as Record<string, string>)[name!];
      if (range !== undefined) expect(subset(range, command!.split('@').at(-1)!)).toBe(true);
    },
  );
});
