import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DirectiveNode,
  Kind,
  parse,
  print,
  type SchemaDefinitionNode,
  visit,
} from 'graphql';

/**
 * The schema that answers are completed by: a supergraph without the machinery of federation; undefined where that is
 * the API schema, because nothing is inaccessible.
 *
 * Types, fields and values that clients may not see stay, marked `@inaccessible` (under this name, whatever the
 * supergraph calls it), because subgraphs send them.
 */
export function executionSchemaSdl(supergraphSdl: string): string | undefined {
  const supergraph = parse(supergraphSdl, { noLocation: true });
  const features = supergraph.definitions.filter(isSchemaDefinition).flatMap(linkedFeatures);
  const inaccessible =
    features.find(({ url }) => url.includes('/inaccessible/'))?.namespace ?? 'inaccessible';
  const kept = new Set([inaccessible, 'deprecated', 'specifiedBy', 'oneOf']);
  const isMachinery = (definition: DefinitionNode): boolean => {
    const name = 'name' in definition ? definition.name.value : undefined;
    if (name === undefined) return false;
    return features.some(
      ({ namespace }) =>
        name.startsWith(`${namespace}__`) ||
        (definition.kind === Kind.DIRECTIVE_DEFINITION && name === namespace),
    );
  };

  const marks: DirectiveNode[] = [];
  const schema = visit(
    { ...supergraph, definitions: supergraph.definitions.filter((definition) => !isMachinery(definition)) },
    {
      Directive(node: DirectiveNode) {
        if (!kept.has(node.name.value)) return null;
        if (node.name.value !== inaccessible) return undefined;
        marks.push(node);
        return { ...node, name: { ...node.name, value: 'inaccessible' } };
      },
    },
  );
  return marks.length > 0 ? `${print(schema)}\n\n${inaccessibleDefinition}\n` : undefined;
}

const inaccessibleDefinition =
  'directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION';

const isSchemaDefinition = (definition: DefinitionNode): definition is SchemaDefinitionNode =>
  definition.kind === Kind.SCHEMA_DEFINITION;

/** What `@link(url:, as:)` and `@core(feature:, as:)` bring in, and the name that their elements carry. */
function linkedFeatures({ directives = [] }: SchemaDefinitionNode): { url: string; namespace: string }[] {
  return directives.flatMap((directive) => {
    const url = argument(directive, 'url') ?? argument(directive, 'feature');
    if (url === undefined) return [];
    return [{ url, namespace: argument(directive, 'as') ?? url.split('/').at(-2) ?? url }];
  });
}

function argument(directive: ConstDirectiveNode, name: string): string | undefined {
  const value = directive.arguments?.find((candidate) => candidate.name.value === name)?.value;
  return value?.kind === Kind.STRING ? value.value : undefined;
}
