import {
  buildASTSchema,
  type DefinitionNode,
  type FieldDefinitionNode,
  getNamedType,
  type GraphQLNamedType,
  GraphQLSchema,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  Kind,
  type NamedTypeNode,
} from 'graphql';
import type { Visibility } from './visibility';

/**
 * The part of the schema that a caller may see: without refused types and fields, and without types that only these
 * reach.
 */
export function visibleSchema(schema: GraphQLSchema, visibility: Visibility): GraphQLSchema {
  const roots = new Set(
    [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].map((type) => type?.name),
  );
  const inputs = new Set(inputTypes(schema));
  const isShown = (name: string): boolean =>
    roots.has(name) || inputs.has(name) || !visibility.isForbidden(name);
  const shown = (types: readonly NamedTypeNode[] = []): NamedTypeNode[] =>
    types.filter(({ name }) => isShown(name.value));

  /**
   * If a field of an implementation is hidden, so is that of its interface, as implementations must have all fields of
   * the interface.
   */
  const isFieldShown = (type: string, field: string): boolean =>
    !visibility.isRefused(type, field) &&
    visibility.protection
      .objectsOf(type)
      .every((object) => !isShown(object) || !visibility.isRefused(object, field));

  const definitions: DefinitionNode[] = [];
  for (const type of Object.values(schema.getTypeMap())) {
    const { astNode } = type;
    if (astNode == null || !isShown(type.name)) continue;
    if (isObjectType(type) || isInterfaceType(type)) {
      const node = astNode as DefinitionNode & {
        readonly fields?: readonly FieldDefinitionNode[];
        readonly interfaces?: readonly NamedTypeNode[];
      };
      const fields = node.fields?.filter(({ name }) => isFieldShown(type.name, name.value)) ?? [];
      definitions.push({ ...node, fields, interfaces: shown(node.interfaces) } as DefinitionNode);
    } else if (astNode.kind === Kind.UNION_TYPE_DEFINITION) {
      definitions.push({ ...astNode, types: shown(astNode.types) });
    } else definitions.push(astNode);
  }
  for (const { astNode } of schema.getDirectives()) if (astNode != null) definitions.push(astNode);
  if (schema.astNode != null) definitions.push(schema.astNode);
  return withinReach(
    buildASTSchema({ kind: Kind.DOCUMENT, definitions }, { assumeValid: true, assumeValidSDL: true }),
  );
}

/** Removes types that are not reachable from the root types. */
function withinReach(schema: GraphQLSchema): GraphQLSchema {
  const config = { ...schema.toConfig(), assumeValid: true };
  let types: GraphQLNamedType[] = [];
  for (;;) {
    const reached = new GraphQLSchema({ ...config, types });
    const more = config.types.filter(
      (type) =>
        isObjectType(type) &&
        reached.getType(type.name) === undefined &&
        type.getInterfaces().some(({ name }) => reached.getType(name) !== undefined),
    );
    if (more.length === 0) return reached;
    types = [...types, ...more];
  }
}

/** The types of arguments and of fields of input objects, which are never refused. */
function* inputTypes(schema: GraphQLSchema): Iterable<string> {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) yield getNamedType(field.type).name;
    } else if (isObjectType(type) || isInterfaceType(type)) {
      for (const { args } of Object.values(type.getFields()))
        for (const argument of args) yield getNamedType(argument.type).name;
    }
  }
}
