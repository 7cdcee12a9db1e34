/** What a subgraph does not resolve, though its schema has it. */
import {
  type DirectiveNode,
  doTypesOverlap,
  type DocumentNode,
  type FieldNode,
  getNamedType,
  getOperationAST,
  type GraphQLCompositeType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isUnionType,
  Kind,
  type SelectionNode,
  valueFromASTUntyped,
} from 'graphql';
import { parseSelections } from '../support/random-world';

/**
 * The fields that an operation asks a subgraph for in vain: external ones that are not provided there, but for the keys of
 * extended types, and those that another subgraph overrides.
 *
 * @param overridden coordinates of fields that another subgraph resolves in place of this one
 */
export function fieldsNotResolved(
  schema: GraphQLSchema,
  document: DocumentNode,
  overridden: ReadonlySet<string>,
): string[] {
  const found: string[] = [];
  const fragments = new Map(
    document.definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [],
    ),
  );

  function visit(
    selections: readonly SelectionNode[],
    type: GraphQLCompositeType,
    provided: readonly SelectionNode[],
  ): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) visitField(selection, type, provided);
      else {
        const fragment =
          selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value)! : selection;
        const on = fragment.typeCondition && schema.getType(fragment.typeCondition.name.value);
        const below = (on ?? type) as GraphQLCompositeType;
        visit(fragment.selectionSet.selections, below, provided);
      }
    }
  }

  function visitField(node: FieldNode, type: GraphQLCompositeType, provided: readonly SelectionNode[]): void {
    const name = node.name.value;
    if (name.startsWith('__') || isUnionType(type)) return;
    const field = type.getFields()[name]!;
    const own = providedOf(schema, type, provided).filter((one) => one.name.value === name);
    if (own.length === 0)
      for (const one of [type, ...(isAbstractType(type) ? schema.getPossibleTypes(type) : [])])
        if (isNotResolved(one, name, overridden)) found.push(`${one.name}.${name}`);
    const below = getNamedType(field.type);
    if (!isCompositeType(below)) return;
    visit(node.selectionSet!.selections, below, [
      ...directivesOf(field, 'provides').flatMap(selectionsOf),
      ...own.flatMap(({ selectionSet }) => selectionSet?.selections ?? []),
    ]);
  }

  const { operation, selectionSet } = getOperationAST(document)!;
  visit(selectionSet.selections, schema.getRootType(operation)!, []);
  return found;
}

function isNotResolved(type: GraphQLCompositeType, name: string, overridden: ReadonlySet<string>): boolean {
  if (isUnionType(type)) return false;
  if (overridden.has(`${type.name}.${name}`)) return true;
  const field = type.getFields()[name];
  if (field === undefined || directivesOf(field, 'external').length === 0) return false;
  const isExtended = type.extensionASTNodes.length > 0 || directivesOf(type, 'extends').length > 0;
  const keys = isExtended ? directivesOf(type, 'key').flatMap(selectionsOf) : [];
  return !keys.some((key) => key.kind === Kind.FIELD && key.name.value === name);
}

/** The fields that are provided of a type. */
function providedOf(
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
  provided: readonly SelectionNode[],
): FieldNode[] {
  return provided.flatMap((one) => {
    if (one.kind === Kind.FIELD) return [one];
    if (one.kind === Kind.FRAGMENT_SPREAD) return [];
    const on = one.typeCondition && schema.getType(one.typeCondition.name.value);
    const overlaps = on === undefined || doTypesOverlap(schema, type, on as GraphQLCompositeType);
    return overlaps ? providedOf(schema, type, one.selectionSet.selections) : [];
  });
}

interface Described {
  readonly astNode?: Maybe<{ readonly directives?: readonly DirectiveNode[] }>;
  readonly extensionASTNodes?: Maybe<readonly { readonly directives?: readonly DirectiveNode[] }[]>;
}

type Maybe<T> = T | null | undefined;

const directivesOf = ({ astNode, extensionASTNodes }: Described, name: string): DirectiveNode[] =>
  [astNode, ...(extensionASTNodes ?? [])].flatMap((node) =>
    (node?.directives ?? []).filter((directive) => directive.name.value === name),
  );

const selectionsOf = ({ arguments: given = [] }: DirectiveNode): readonly SelectionNode[] => {
  const fields = given.find((argument) => argument.name.value === 'fields')!;
  return parseSelections(String(valueFromASTUntyped(fields.value))).selections;
};
