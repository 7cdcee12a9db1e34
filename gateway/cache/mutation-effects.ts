import type { EntityFacts } from '../planning';
import type { Logger } from '../telemetry/logger';
import { follow } from '../subgraph-calls/contract/pending-answer';
import {
  type Interceptor,
  changesData,
  type SubgraphOperation,
  type SubgraphRequest,
  type SubgraphResponse,
} from '../subgraph-calls/contract/transport';
import type { AnswerTags } from './answer-tags';
import { groupsOf } from './cache-groups';
import type { DataChanges } from './data-changes';
import { withEntityKeys } from './entities/entity-key-fields';
import type { Invalidate } from './invalidation';

export interface MutationEffectsOptions {
  readonly facts: EntityFacts;
  readonly tags: AnswerTags;
  /** Whether the entities that a mutation returns are invalidated. */
  readonly returned: boolean;
  /** Further tags to invalidate after a mutation, by its field. A tag may contain `{$args.NAME}`. */
  readonly after: ReadonlyMap<string, readonly string[]>;
  readonly invalidate: Invalidate;
  readonly changes: Pick<DataChanges, 'note'>;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Notes that a mutation may have changed data, so that nobody joins a read from before it. Before its client gets the
 * answer, invalidates the entities that it returns, the tags declared for its fields, and the groups in the response header
 * `Cache-Group-Invalidation` (also of queries).
 *
 * A mutation that fails may have changed something, too, so the declared tags are then invalidated as well.
 */
export function applyMutationEffects(options: MutationEffectsOptions): Interceptor {
  const { facts, tags, returned, after, invalidate, changes, logger } = options;
  const extended = new WeakMap<SubgraphOperation, SubgraphOperation>();

  function extend(operation: SubgraphOperation): SubgraphOperation {
    let known = extended.get(operation);
    if (known === undefined) extended.set(operation, (known = withEntityKeys(operation, facts)));
    return known;
  }

  async function drop(
    changed: readonly string[],
    kind: 'mutation' | 'answer',
    { operation, caller }: Pick<SubgraphRequest, 'operation' | 'caller'>,
  ): Promise<void> {
    if (changed.length === 0) return;
    const { subgraph: by, clientName: because } = operation;
    const cause = { ...{ kind, by, because }, request: caller.tracing['x-request-id'] };
    await invalidate(changed, cause).catch((error: unknown) =>
      logger.warn({ err: error, tags: changed }, 'an invalidation by a subgraph is not confirmed yet'),
    );
  }

  async function mutate(
    request: SubgraphRequest,
    next: (request: SubgraphRequest) => Promise<SubgraphResponse>,
  ): Promise<SubgraphResponse> {
    request.caller.provenance.hasMutated = true;
    const sent = returned ? { ...request, operation: extend(request.operation) } : request;
    const declared = tags.ofMutation(sent, after);
    try {
      const response = await next(sent);
      changes.note();
      const changed = returned ? tags.changedBy(sent, response.body) : [];
      await drop(
        [...declared, ...changed, ...groupsOf(response, 'cache-group-invalidation')],
        'mutation',
        sent,
      );
      return response;
    } catch (error) {
      changes.note();
      await drop([...declared], 'mutation', sent);
      throw error;
    }
  }

  const answered = (
    response: SubgraphResponse,
    request: SubgraphRequest,
  ): SubgraphResponse | Promise<SubgraphResponse> =>
    response.headers['cache-group-invalidation'] === undefined
      ? response
      : drop(groupsOf(response, 'cache-group-invalidation'), 'answer', request).then(() => response);

  return (next) => (request) =>
    changesData(request.operation)
      ? mutate(request, next)
      : follow(next(request), request, answered, undefined);
}
