import type { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import { requestError } from '../errors';
import type { Limits } from '../options/limits';
import { outlineOf } from './document-outline';
import { type DocumentMeasure, type DocumentRule, documentRules } from './document-rules';

const ordered = Object.entries(documentRules) as [DocumentMeasure, DocumentRule][];

/** The measures of one document. They do not depend on the client. */
export type Measures = Readonly<Record<DocumentMeasure, number>> & { readonly introspects: boolean };

/** Measures documents, each once while it is remembered, and none beyond the highest limit of `all`. */
export function createMeasure(all: readonly Limits[]): (document: string) => Measures {
  const bounds = {
    tokens: Math.max(...all.map((limits) => limits.tokens)),
    levels: Math.max(...all.map((limits) => limits.depth)),
  };
  const known = new LRUCache<string, Measures>({ maxSize: mostBytes });
  return (document) => {
    let measures = known.get(document);
    if (measures === undefined) {
      const outline = outlineOf(document, bounds);
      const values = Object.fromEntries(ordered.map(([limit, { measure }]) => [limit, measure(outline)]));
      measures = { ...(values as Record<DocumentMeasure, number>), introspects: outline.introspects };
      known.set(document, measures, { size: document.length * 2 + 512 });
    }
    return measures;
  };
}

/** 2 MiB: about 2,000 documents, more than the clients of a graph have. Measuring a document again takes 0.1 ms. */
const mostBytes = 2 * 1024 * 1024;

/** Whether a client with these limits may send a document. Like `refusalOf`, but cheap, as there is no reason. */
export const isWithin = (measures: Measures, limits: Limits): boolean =>
  exceededBy(measures, limits) === undefined && (limits.introspection || !measures.introspects);

/** The error if a client with these limits may not send a document. */
export function refusalOf(measures: Measures, limits: Limits): GraphQLError | undefined {
  if (isWithin(measures, limits)) return undefined;
  const limit = exceededBy(measures, limits);
  if (limit === undefined) return requestError('INTROSPECTION_DISABLED', {});
  const { code } = documentRules[limit];
  const facts = { got: measures[limit], limit: limits[limit] };
  return code === 'GRAPHQL_PARSE_FAILED'
    ? requestError(code, { reason: `The document has more than ${facts.limit} tokens.` })
    : requestError(code, facts);
}

/** The first limit that is exceeded. A loop, as it runs for every request: it allocates nothing. */
function exceededBy(measures: Measures, limits: Limits): DocumentMeasure | undefined {
  for (const [limit] of ordered) if (measures[limit] > limits[limit]) return limit;
  return undefined;
}
