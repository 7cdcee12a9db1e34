import { missingOf, needs, type OptionalPackage } from '../../../optional-packages';
import { type Options, OptionsError } from '../../options';
import { type StoreKind, storeKindOf } from '../../options/cache';
import { targetOf } from '../../options/targets';

/** An option, and the packages that it needs. */
type Need = readonly [path: readonly PropertyKey[], packages: readonly OptionalPackage[]];

/** @throws {OptionsError} with every option that needs a package which is not installed */
export function checkNeededPackages(options: Options): void {
  const problems = [...needsOf(options)].flatMap(([path, packages]) => {
    const missing = missingOf(packages);
    return missing.length === 0 ? [] : [{ path, sentence: `\`${path.join('.')}\` ${needs(missing)}` }];
  });
  if (problems.length > 0) throw new OptionsError(problems);
}

function* needsOf({ supergraph, subgraphs, auth, cache, events, mcp }: Options): Generator<Need> {
  if (supergraph?.url?.startsWith('s3:')) yield [['supergraph', 'url'], ['@aws-sdk/client-s3']];
  if (auth.lambda?.function !== undefined) yield [['auth', 'lambda', 'function'], ['@aws-sdk/client-lambda']];
  if (mcp !== undefined) yield [['mcp'], ['@modelcontextprotocol/server']];
  yield [['cache', 'store'], packagesOfStores[storeKindOf(cache)]];
  if (cache.cdn.cloudFront !== undefined)
    yield [['cache', 'cdn', 'cloudFront'], ['@aws-sdk/client-cloudfront']];
  for (const [name, { type }] of Object.entries(events.sources))
    if (type !== 'subgraph') yield [['events', 'sources', name], packagesOfSources[type]];
  for (const [name, { url, endpoints = [] }] of Object.entries(subgraphs)) {
    const urls: Need[0][] = [];
    if (isInCloudMap(url)) urls.push(['url']);
    for (const [i, endpoint] of endpoints.entries())
      if (isInCloudMap(endpoint.url)) urls.push(['endpoints', i, 'url']);
    for (const path of urls) yield [['subgraphs', name, ...path], ['@aws-sdk/client-servicediscovery']];
  }
}

const packagesOfStores: { readonly [Kind in StoreKind]: readonly OptionalPackage[] } = {
  memory: [],
  redis: ['ioredis'],
  dynamodb: [],
};

const packagesOfSources = {
  'redis-streams': ['ioredis'],
  sqs: ['@aws-sdk/client-sns', '@aws-sdk/client-sqs'],
} as const;

const isInCloudMap = (url: string | undefined): boolean =>
  url !== undefined && targetOf(url).kind === 'cloudmap';
