import { type DefinitionNode, print } from 'graphql';
import { type SlicedWork } from './sliced-work';

/** The directives of incremental delivery (https://github.com/graphql/graphql-spec/pull/1110), which plans do not see. */
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

/** Characters of a part, which are parsed within a few milliseconds. */
const usualPart = 8192;

/** The API schema as text, in parts of a few definitions each. */
export function* apiSchemaParts(definitions: readonly DefinitionNode[]): SlicedWork<string[]> {
  const parts: string[] = [];
  let part = '';
  for (const definition of definitions) {
    part += `${print(definition)}\n\n`;
    if (part.length >= usualPart) {
      parts.push(part);
      part = '';
    }
    yield;
  }
  return [...parts, part + incrementalDirectives];
}
