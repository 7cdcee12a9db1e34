import { isStorable, noStore, type Policy } from '../../cache/policy';
import { isShareable } from '../shareable';
import type { Interceptor, SubgraphRequest, SubgraphResponse } from '../transport';

export interface NoteIngredientsOptions {
  readonly policyOf: (response: SubgraphResponse) => Policy;
  /** Of whatever comes of a call, if nothing. */
  readonly tags: readonly string[];
  /** What a response that comes from no cache is made of. */
  readonly tagsOf: (request: SubgraphRequest, response: SubgraphResponse) => Iterable<string>;
}

/** Notes of every response how long it lives and what is in it, for the cache of the answer that is made of it. */
export function noteIngredients({ policyOf, tags, tagsOf }: NoteIngredientsOptions): Interceptor {
  return (next) => (request) => {
    const { ingredients } = request.caller;
    return next(request).then(
      (response) => {
        const policy = response.policy ?? policyOf(response);
        ingredients.add(policy, tags);
        if (response.tags !== undefined) ingredients.tag(response.tags);
        else if (response.policy === undefined && isStorable(policy))
          ingredients.tag(tagsOf(request, response));
        ingredients.date(response);
        if (!isShareable(response)) ingredients.isShareable = false;
        return response;
      },
      (error: unknown) => {
        ingredients.add(noStore, tags);
        throw error;
      },
    );
  };
}
