/**
 * The directives of incremental delivery (https://github.com/graphql/graphql-spec/pull/1110), which composition does not
 * keep and plans do not see: the compiler cuts the response where a fetch ends.
 */
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
