import { AnswerTags, tagsOf as tagsOfAnswer } from './answer-tags';
import { cacheEntities } from './entities/entity-cache';
import { type Invalidate, tagsOf } from './invalidation';
import { applyMutationEffects } from './mutation-effects';
import { noStore, type Policy } from './policy';
import type { Store } from './stores/store';
import { subgraphTag } from './tags';
import type { ProcessCaches } from './responses/caching';
import type { Subgraph } from '../subgraph-calls/subgraph';
import type { Options } from '../options';
import type { EntityFacts } from '../planning';
import type { Logger } from '../telemetry/logger';
import type { Metrics } from '../telemetry/metrics/metrics';
import { noteProvenance } from './note-provenance';
import { giveOwnHeaders } from '../subgraph-calls/interceptors/own-headers';
import { isShareable } from '../subgraph-calls/sharing/shareable';
import type { Interceptor, SubgraphResponse } from '../subgraph-calls/contract/transport';

export interface SubgraphCachesOptions {
  readonly facts: EntityFacts;
  readonly cache: Options['cache'];
  readonly store: Store;
  readonly caching: Pick<ProcessCaches, 'policyOf' | 'keyHeaders' | 'changes'>;
  readonly invalidate: Invalidate;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** The interceptors of one subgraph that cache and invalidate, the outermost first. */
export function cachesOf(subgraph: Subgraph, options: SubgraphCachesOptions): Interceptor[] {
  const { name, lifetimes, origin } = subgraph;
  const { facts, cache, store, caching, invalidate, metrics, logger } = options;
  const policyOf = policyOfAnswers(subgraph, caching);
  const tags = new AnswerTags(name, facts);
  const entities = cacheEntities({
    subgraph: name,
    fingerprint: `${facts.subgraphs.get(name)?.fingerprint ?? ''}${origin}${caching.keyHeaders.constants}`,
    store,
    policyOf,
    policyOfType: lifetimes.types,
    missing: cache.entities.missing / 1000,
    identityHeaders: caching.keyHeaders.identityOf(name),
    tags,
    statistics: metrics.caches,
    logger,
  });
  const effects = applyMutationEffects({
    facts,
    tags,
    returned: cache.mutations.dropReturned,
    after: new Map(Object.entries(cache.mutations.drop).map(([field, drop]) => [field, tagsOf(drop)])),
    invalidate,
    changes: caching.changes,
    logger,
  });
  return [
    noteProvenance({
      policyOf,
      tags: [subgraphTag(name)],
      tagsOf: (request, response) => tagsOfAnswer(tags, request, response),
    }),
    effects,
    ...giveOwnHeaders(subgraph),
    ...(cache.entities.enabled ? [entities] : []),
  ];
}

/** The lifetime of a response: from the options, or from the response itself. */
export function policyOfAnswers(
  { lifetimes: { all } }: Subgraph,
  { policyOf }: Pick<ProcessCaches, 'policyOf'>,
): (response: SubgraphResponse) => Policy {
  if (all === undefined) return policyOf;
  return (response) => (response.status === 200 && isShareable(response) ? all : noStore);
}
