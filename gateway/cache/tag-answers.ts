import type { Interceptor, SubgraphResponse } from '../transports/transport';
import { type AnswerTags, lazy } from './answer-tags';
import { groupsOf } from './cache-groups';
import { isStorable, type Policy } from './policy';

export interface TagAnswersOptions {
  readonly policyOf: (response: SubgraphResponse) => Policy;
  readonly tags: AnswerTags;
}

/** Says of responses that may be kept how long they live, and what they are made of. */
export function tagAnswers({ policyOf, tags }: TagAnswersOptions): Interceptor {
  return (next) => (request) =>
    next(request).then((response) => {
      if (response.policy !== undefined) return response;
      const policy = policyOf(response);
      return isStorable(policy) ? { ...response, policy, tags: tagsOf(tags, request, response) } : response;
    });
}

/** What a response is made of: what is known of its data, and the groups that it names itself. */
export const tagsOf = (
  tags: AnswerTags,
  request: Parameters<AnswerTags['ofResponse']>[0],
  response: SubgraphResponse,
): Iterable<string> =>
  lazy(() => [...tags.ofResponse(request, response.body), ...groupsOf(response, 'cache-groups')]);
