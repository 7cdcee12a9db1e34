/** What the executors of all kinds of sources share. */
import type { SourceSchema } from '../../../schema/supergraph/sources/source-schema';
import { type Policy, strictest } from '../../cache/policy';
import type { EntityList, Interceptor, SubgraphResponse } from '../contract/transport';
import { isShareable } from '../sharing/shareable';
import { type EntityAnswer, writeEntities } from '../wire/entities';

/** A subgraph that is an API without federation. */
export interface OpenedSource {
  readonly subgraph: string;
  readonly schema: SourceSchema;
  /** The policy of a response of the API. */
  readonly policyOf: (response: SubgraphResponse) => Policy;
}

/**
 * Opens what answers the requests of a graph: each a federation request, for entities or root fields. It calls the API by
 * `next`, and answers as a federation subgraph would.
 */
export type OpenExecutor = (source: OpenedSource) => Interceptor;

/** The answer to a representation. The paths of its errors are those of a federation subgraph: `['_entities', n, …]`. */
export interface EntityOutcome extends EntityAnswer {
  /** How long it may be kept: that of the API's response that it stems from. */
  readonly policy: Policy;
}

/**
 * Joins the answers to all representations of a request.
 *
 * @param outcomes for each list, one for each representation
 * @param responses those of the API, of which there may be none
 * @param errors those of no entity. @default none
 */
export function entitiesResponse(
  lists: readonly EntityList[],
  outcomes: readonly (readonly EntityOutcome[])[],
  responses: readonly SubgraphResponse[],
  errors: readonly unknown[] = [],
): SubgraphResponse {
  const body = writeEntities(lists, { lists: outcomes, errors, extensions: undefined });
  let policy: Policy | undefined;
  for (const list of outcomes)
    for (const each of list) policy = policy === undefined ? each.policy : strictest(policy, each.policy);
  const isOne = outcomes.every((list) => list.every((each) => each.policy === policy));
  const policies = isOne ? undefined : outcomes.map((list) => list.map((each) => each.policy));
  return { ...joinResponses(responses), body, policy, policies };
}

/** What the answer to a request has of several responses of the API: all but its body and policy. */
export function joinResponses(responses: readonly SubgraphResponse[]): Omit<SubgraphResponse, 'body'> {
  const headers: Record<string, string | string[] | undefined> = {};
  for (const response of responses)
    for (const [name, value] of Object.entries(response.headers))
      if (name === 'set-cookie') headers[name] = [headers[name] ?? [], value ?? []].flat();
      else headers[name] ??= value;
  const sent = responses.flatMap(({ sentAt }) => sentAt ?? []);
  return {
    status: 200,
    headers,
    sentAt: sent.length === 0 ? undefined : Math.min(...sent),
    isShareable: responses.every(isShareable),
  };
}
