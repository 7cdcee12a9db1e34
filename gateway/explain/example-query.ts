import {
  getNamedType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
  type GraphQLNamedType,
} from 'graphql';

/**
 * A query that a schema answers, for somebody who sees it for the first time: up to two fields of `Query`, those that
 * need no arguments first, with what is below them. `{ __typename }` where there is nothing else to ask.
 */
export function exampleQuery(schema: GraphQLSchema): string {
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {}).filter(isShown);
  const withoutArguments = fields.filter((field) => !needsArguments(field));
  const first = withoutArguments.filter(({ type }) => isCompositeType(getNamedType(type)));
  const candidates = [...new Set([...first, ...withoutArguments, ...fields])];
  const selections: string[] = [];
  for (const field of candidates) {
    // One that needs arguments is better than nothing, but its values are made up.
    if (selections.length === mostRootFields || (selections.length > 0 && needsArguments(field))) break;
    const selection = selectField(field, deepest);
    if (selection !== undefined) selections.push(selection);
  }
  return `{ ${selections.length === 0 ? '__typename' : selections.join(' ')} }`;
}

const mostRootFields = 2;
/** Levels of objects below a root field. */
const deepest = 2;
const mostLeaves = 4;
const mostObjects = 2;
/** Levels more where an object has no values of its own, as connections have none. */
const deeperWithoutLeaves = 2;

type Field = GraphQLField<unknown, unknown>;

const isShown = ({ name, deprecationReason }: Field): boolean =>
  deprecationReason == null && !name.startsWith('_');

const needsArguments = ({ args }: Field): boolean => args.some(isRequiredArgument);

function selectField(field: Field, depth: number): string | undefined {
  const args = exampleArguments(field);
  const selection = selectType(getNamedType(field.type), depth);
  return args === undefined || selection === undefined ? undefined : `${field.name}${args}${selection}`;
}

/** With its braces and a space before them; empty for a leaf, undefined when there is nothing to select. */
function selectType(type: GraphQLNamedType, depth: number): string | undefined {
  if (isLeafType(type)) return '';
  if (isUnionType(type)) return ' { __typename }';
  if (!isCompositeType(type)) return undefined;
  const fields = Object.values(type.getFields()).filter((field) => isShown(field) && !needsArguments(field));
  const isLeaf = ({ type: of }: Field): boolean => isLeafType(getNamedType(of));
  const leaves = fields.filter(isLeaf).slice(0, mostLeaves);
  const isDeepEnough = depth <= (leaves.length > 0 ? 1 : 1 - deeperWithoutLeaves);
  const objects = isDeepEnough ? [] : fields.filter((field) => !isLeaf(field));
  const below = objects
    .map((field) => selectField(field, depth - 1))
    .filter((selection) => selection !== undefined)
    .slice(0, mostObjects);
  const selections = [...leaves.map(({ name }) => name), ...below];
  return selections.length === 0 ? undefined : ` { ${selections.join(' ')} }`;
}

/** With its parentheses; undefined when no value can be made up for a required one. */
function exampleArguments({ args }: Field): string | undefined {
  const given: string[] = [];
  for (const arg of args) {
    const isPageSize = /^(first|limit)$/.test(arg.name) && getNamedType(arg.type).name === 'Int';
    if (!isRequiredArgument(arg) && !isPageSize) continue;
    const value = isPageSize ? '3' : exampleValue(arg.type);
    if (value === undefined) return undefined;
    given.push(`${arg.name}: ${value}`);
  }
  return given.length === 0 ? '' : `(${given.join(', ')})`;
}

function exampleValue(type: GraphQLInputType): string | undefined {
  if (isNonNullType(type)) return exampleValue(type.ofType);
  if (isListType(type)) return '[]';
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type))
    return Object.values(type.getFields()).some(isRequiredInputField) || type.isOneOf ? undefined : '{}';
  return { ID: '"1"', String: '"a"', Int: '1', Float: '1', Boolean: 'true' }[type.name];
}
