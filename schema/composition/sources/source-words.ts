import { type DocumentNode, Kind, visit } from 'graphql';

/** The directives of source schemas. */
export const sourceWords: ReadonlySet<string> = new Set([
  ...['lookup', 'internal', 'is', 'require', 'derive', 'from', 'shape'],
  ...['http', 'json', 'variants'],
]);

/**
 * Whether a schema uses one of the words. A schema may define directives of its own that are named like ours: of those that it
 * defines, only `@lookup` and `@require` count, which the GraphQL Federation specification defines.
 */
export function isSourceSchema(document: DocumentNode): boolean {
  const defined = new Set<string>();
  for (const node of document.definitions)
    if (node.kind === Kind.DIRECTIVE_DEFINITION) defined.add(node.name.value);
  let isSource = false;
  visit(document, {
    Directive({ name: { value } }) {
      const counts = value === 'lookup' || value === 'require' || !defined.has(value);
      isSource ||= sourceWords.has(value) && counts;
    },
  });
  return isSource;
}
