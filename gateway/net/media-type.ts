import { LRUCache } from 'lru-cache';
import Negotiator from 'negotiator';

/** The media type of an answer, chosen as Apollo Server does; undefined if the client accepts none. */
export function mediaTypes(): (accept: string | undefined) => string | undefined {
  const known = new LRUCache<string, string>({ max: 100 });
  return (accept) => {
    if (accept === undefined || accept === '') return json;
    let type = known.get(accept);
    if (type === undefined) {
      type = new Negotiator({ headers: { accept } }).mediaType([json, graphqlJson]);
      if (type !== undefined) known.set(accept, type);
    }
    return type;
  };
}

export const json = 'application/json; charset=utf-8';
export const graphqlJson = 'application/graphql-response+json; charset=utf-8';
