import type { Schema } from '@apollo/federation-internals';
import {
  type DefinitionNode,
  type DirectiveDefinitionNode,
  DirectiveLocation,
  type DocumentNode,
  type InputObjectTypeDefinitionNode,
  type InputObjectTypeExtensionNode,
  Kind,
  type NameNode,
} from 'graphql';

/** A subgraph's schema with `@oneOf` separated, as Apollo's composer does not know the directive. */
export interface OneOfSchema {
  /** The schema without `@oneOf`. */
  readonly document: DocumentNode;
  /** The input objects with `@oneOf`. */
  readonly inputs: readonly string[];
}

/**
 * Removes `@oneOf` (GraphQL, September 2025, section 3.10.1) from a schema, unless the schema defines a directive of
 * this name itself.
 */
export function readOneOf(document: DocumentNode): OneOfSchema {
  const marked = document.definitions.filter((node) => isInput(node) && node.directives?.some(isOneOf));
  if (marked.length === 0 || document.definitions.some((node) => isDeclaration(node) && !isStandard(node)))
    return { document, inputs: [] };
  const definitions = document.definitions
    .filter((node) => !isDeclaration(node))
    .map((node) =>
      isInput(node) ? { ...node, directives: node.directives?.filter((one) => !isOneOf(one)) ?? [] } : node,
    );
  return { document: { ...document, definitions }, inputs: marked.map(nameOf) };
}

export interface MisfitOfOneOf {
  readonly message: string;
  readonly node: NameNode;
}

/**
 * Fields that a `@oneOf` input object must not have: non-nullable ones, and ones with a default. An input object is
 * `@oneOf` for clients if it is in any subgraph, as composition also takes the strictest type of a field.
 */
export function misfitsOf({ definitions }: DocumentNode, inputs: ReadonlySet<string>): MisfitOfOneOf[] {
  return definitions.flatMap((node) => {
    if (!isInput(node) || !inputs.has(nameOf(node))) return [];
    return (node.fields ?? []).flatMap(({ name, type, defaultValue }) => {
      const coordinate = `${nameOf(node)}.${name.value}`;
      const of = `as \`${nameOf(node)}\` is @oneOf`;
      if (type.kind === Kind.NON_NULL_TYPE)
        return [{ message: `\`${coordinate}\` must be nullable, ${of}.`, node: name }];
      return defaultValue === undefined
        ? []
        : [{ message: `\`${coordinate}\` must have no default, ${of}.`, node: name }];
    });
  });
}

/** Adds `@oneOf` to these input objects of a supergraph. */
export function addOneOf(supergraph: Schema, inputs: ReadonlySet<string>): void {
  supergraph.addDirectiveDefinition('oneOf').addLocations(DirectiveLocation.INPUT_OBJECT);
  for (const name of inputs) {
    const type = supergraph.type(name);
    if (type?.kind === 'InputObjectType') type.applyDirective('oneOf');
  }
}

type InputNode = InputObjectTypeDefinitionNode | InputObjectTypeExtensionNode;

const isInput = (node: DefinitionNode): node is InputNode =>
  node.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION || node.kind === Kind.INPUT_OBJECT_TYPE_EXTENSION;

const isOneOf = ({ name }: { readonly name: { readonly value: string } }): boolean => name.value === 'oneOf';

const isDeclaration = (node: DefinitionNode): node is DirectiveDefinitionNode =>
  node.kind === Kind.DIRECTIVE_DEFINITION && isOneOf(node);

const isStandard = ({ arguments: args = [], locations }: DirectiveDefinitionNode): boolean =>
  args.length === 0 && locations.length === 1 && locations[0]!.value === 'INPUT_OBJECT';

const nameOf = (node: DefinitionNode): string => ('name' in node ? node.name.value : '');
