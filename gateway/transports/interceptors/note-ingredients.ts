import { noStore, type Policy } from '../../cache/policy';
import type { Interceptor, SubgraphResponse } from '../transport';

/** Notes of every response how long it lives and what is in it, for the cache of the answer that is made of it. */
export function noteIngredients(
  policyOf: (response: SubgraphResponse) => Policy,
  tags: readonly string[],
): Interceptor {
  return (next) => (request) => {
    const { ingredients } = request.caller;
    return next(request).then(
      (response) => {
        ingredients.add(response.policy ?? policyOf(response), tags);
        if (response.tags !== undefined) ingredients.tag(response.tags);
        ingredients.date(response);
        return response;
      },
      (error: unknown) => {
        ingredients.add(noStore, tags);
        throw error;
      },
    );
  };
}
