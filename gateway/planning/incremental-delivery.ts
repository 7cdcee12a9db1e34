/**
 * The directives of incremental delivery (https://github.com/graphql/graphql-spec/pull/1110), which composition does not
 * keep and the planner is not shown. With `@defer` it would ask one subgraph twice for what one call brings; the compiler
 * cuts the response where a fetch ends.
 */
import { type DocumentNode, visit } from 'graphql';

/** The definitions that clients see. */
export const incrementalDirectives = `
"Sends this fragment later than the rest of the response, if it takes longer and the client accepts that."
directive @defer(
  "Without effect when false."
  if: Boolean! = true
  "Names the fragment in the response; unique within the operation."
  label: String
) on FRAGMENT_SPREAD | INLINE_FRAGMENT

"Without effect: this server sends lists as a whole."
directive @stream(
  "Without effect when false."
  if: Boolean! = true
  "Names the list in the response; unique within the operation."
  label: String
  "How many items come first."
  initialCount: Int! = 0
) on FIELD
`;

/** The document as it is planned. */
export function withoutIncrementalDirectives(document: DocumentNode): DocumentNode {
  return visit(document, {
    Directive: ({ name }) => (name.value === 'defer' || name.value === 'stream' ? null : undefined),
  });
}
