import { isStorable, noStore, type Policy } from '../../cache/policy';
import { isShareable } from '../shareable';
import type { Interceptor, SubgraphRequest, SubgraphResponse } from '../transport';

export interface NoteProvenanceOptions {
  readonly policyOf: (response: SubgraphResponse) => Policy;
  /** Tags of every outcome of a call, also of a failure. */
  readonly tags: readonly string[];
  /** The tags of a response that comes from no cache. */
  readonly tagsOf: (request: SubgraphRequest, response: SubgraphResponse) => Iterable<string>;
}

/**
 * Notes the cache policy and tags of every response, from which the answer's own policy and tags are derived. Counts the
 * responses that may be cached.
 */
export function noteProvenance({ policyOf, tags, tagsOf }: NoteProvenanceOptions): Interceptor {
  return (next) => (request) => {
    const { provenance } = request.caller;
    return next(request).then(
      (response) => {
        const policy = response.policy ?? policyOf(response);
        const isKept = isStorable(policy);
        const counts = request.operation.tally?.of(request.operation.subgraph);
        if (counts !== undefined) {
          counts.answers++;
          if (isKept) counts.storable++;
        }
        provenance.add(policy, tags);
        if (response.tags !== undefined) provenance.tag(response.tags);
        else if (response.policy === undefined && isKept) provenance.tag(tagsOf(request, response));
        provenance.date(response);
        if (!isShareable(response)) provenance.isShareable = false;
        return response;
      },
      (error: unknown) => {
        provenance.add(noStore, tags);
        throw error;
      },
    );
  };
}
