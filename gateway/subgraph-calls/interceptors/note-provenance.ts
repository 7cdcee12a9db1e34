import { isStorable, noStore, type Policy } from '../../cache/policy';
import { isShareable } from '../shareable';
import type { Interceptor, SubgraphRequest, SubgraphResponse } from '../transport';

export interface NoteProvenanceOptions {
  readonly policyOf: (response: SubgraphResponse) => Policy;
  /** Of whatever comes of a call, if nothing. */
  readonly tags: readonly string[];
  /** What a response that comes from no cache is made of. */
  readonly tagsOf: (request: SubgraphRequest, response: SubgraphResponse) => Iterable<string>;
}

/** Notes of every response how long it lives and what is in it, for the cache of the answer that is made of it. */
export function noteProvenance({ policyOf, tags, tagsOf }: NoteProvenanceOptions): Interceptor {
  return (next) => (request) => {
    const { provenance } = request.caller;
    return next(request).then(
      (response) => {
        const policy = response.policy ?? policyOf(response);
        provenance.add(policy, tags);
        if (response.tags !== undefined) provenance.tag(response.tags);
        else if (response.policy === undefined && isStorable(policy))
          provenance.tag(tagsOf(request, response));
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
