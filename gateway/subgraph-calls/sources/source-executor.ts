/** What the executors of all kinds of sources share. */
import type { SourceSchema } from '../../../schema/supergraph/sources/source-schema';
import { type Policy, strictest } from '../../cache/policy';
import type { Interceptor, SubgraphResponse } from '../contract/transport';
import { isShareable } from '../sharing/shareable';

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

/** The policy of a response with entities. */
export function joinPolicies(
  policies: readonly (readonly Policy[])[],
): Pick<SubgraphResponse, 'policy' | 'policies'> {
  const all = policies.flat();
  const policy = all.length === 0 ? undefined : all.reduce(strictest);
  return { policy, policies: all.every((each) => each === policy) ? undefined : policies };
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
