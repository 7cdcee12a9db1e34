import {
  type ConstDirectiveNode,
  type DocumentNode,
  getNamedType,
  type GraphQLSchema,
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { joinsOf } from '../entity-facts';
import { typename } from './literal-conditions';

/**
 * Selects `__typename` of objects whose interface has no implementing types in some subgraph.
 *
 * The planner assumes that such a subgraph can answer nothing, so it drops the field and everything around it: `{ media
 * { rating } }` has an empty plan, and `{ box { media { rating } } }` fetches no box. Only the subgraph knows whether
 * the value is null, or an object without a type, which is an error.
 *
 * Upstream: no issue found.
 *
 * @param hollow the names of these interfaces
 */
export function withTypesOfHollow(
  document: DocumentNode,
  hollow: ReadonlySet<string>,
  apiSchema: () => GraphQLSchema,
): DocumentNode {
  if (hollow.size === 0) return document;
  const types = new TypeInfo(apiSchema());
  return visit(
    document,
    visitWithTypeInfo(types, {
      Field(node) {
        const type = types.getType();
        if (!node.selectionSet || !type || !hollow.has(getNamedType(type).name)) return undefined;
        const selections = [typename, ...node.selectionSet.selections];
        return { ...node, selectionSet: { ...node.selectionSet, selections } };
      },
    }),
  );
}

/** The interfaces that some subgraph has without an implementing type. */
export function hollowInterfacesOf({ definitions }: DocumentNode): ReadonlySet<string> {
  const implemented = new Set<string>();
  for (const node of definitions)
    if (node.kind === Kind.OBJECT_TYPE_DEFINITION)
      for (const { graph, interface: name } of joins(node.directives, 'join__implements'))
        implemented.add(`${String(graph)} ${String(name)}`);
  return new Set(
    definitions.flatMap((node) => {
      if (node.kind !== Kind.INTERFACE_TYPE_DEFINITION) return [];
      const { value: name } = node.name;
      const isHollow = joins(node.directives, 'join__type').some(
        ({ graph, isInterfaceObject }) =>
          isInterfaceObject !== true && !implemented.has(`${String(graph)} ${name}`),
      );
      return isHollow ? [name] : [];
    }),
  );
}

const joins = (directives: readonly ConstDirectiveNode[] = [], name: string): Record<string, unknown>[] =>
  joinsOf(directives, name);
