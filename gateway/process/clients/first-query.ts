import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isEnumType,
  isLeafType,
  isRequiredArgument,
  isScalarType,
  isUnionType,
} from 'graphql';

/**
 * A sample query for a graph, which runs unchanged: some fields of the query type and their scalars. Fields that need
 * no arguments come first; others get values that are valid, but may find nothing.
 *
 * @param isAllowed whether a query is within the limits of the viewer
 */
export function firstQuery(schema: GraphQLSchema, isAllowed: (query: string) => boolean): string {
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {});
  const free = fields.filter((field) => !needsArguments(field)).toSorted(compositesFirst);
  const rest = fields.filter(needsArguments);
  const written = [...free, ...rest].flatMap((field) => write(field, 1) ?? []);
  const some = written.slice(0, Math.min(mostRoots, free.length));
  const candidates = [some, ...written.slice(0, mostTried).map((field) => [field])];
  const allowed = candidates.find((each) => each.length > 0 && isAllowed(queryOf(each)));
  return queryOf(allowed ?? ['  __typename\n']);
}

type Field = GraphQLField<unknown, unknown>;

const queryOf = (fields: readonly string[]): string => `{\n${fields.join('')}}\n`;

const mostRoots = 2;
const mostTried = 20;
const mostScalars = 5;
/** The deepest level. A root field gets its scalars; if it has none, as a connection, those of its fields. */
const deepest = 4;

/** A field with its selection, indented; undefined if no valid one was found. */
function write(field: Field, depth: number): string | undefined {
  const indent = '  '.repeat(depth);
  const args = argumentsOf(field);
  if (args === undefined || field.deprecationReason != null) return undefined;
  const type = getNamedType(field.type);
  const line = `${indent}${field.name}${args}`;
  if (isLeafType(type)) return `${line}\n`;
  const selection = select(type, depth + 1);
  return selection === undefined ? undefined : `${line} {\n${selection}${indent}}\n`;
}

function select(type: GraphQLNamedType, depth: number): string | undefined {
  const indent = '  '.repeat(depth);
  if (isUnionType(type)) {
    const [member] = type.getTypes();
    const selection = member && depth < deepest ? select(member, depth + 1) : undefined;
    const part = selection === undefined ? '' : `${indent}... on ${member!.name} {\n${selection}${indent}}\n`;
    return `${indent}__typename\n${part}`;
  }
  if (!('getFields' in type)) return undefined;
  const fields = (Object.values(type.getFields()) as Field[]).filter((field) => !needsArguments(field));
  const scalars = fields.filter((field) => isLeafType(getNamedType(field.type)));
  const written = scalars.flatMap((field) => write(field, depth) ?? []).slice(0, mostScalars);
  if (written.length > 0) return written.join('');
  if (depth >= deepest) return `${indent}__typename\n`;
  for (const field of fields) {
    const inner = write(field, depth);
    if (inner !== undefined) return inner;
  }
  return `${indent}__typename\n`;
}

const needsArguments = ({ args }: Field): boolean => args.some(isRequiredArgument);

const compositesFirst = (one: Field, other: Field): number =>
  Number(isLeafType(getNamedType(one.type))) - Number(isLeafType(getNamedType(other.type)));

/** The required arguments, and the length of a list, as some graphs refuse to send all items. */
function argumentsOf(field: Field): string | undefined {
  const size = field.args.find(
    ({ name, type }) => (name === 'first' || name === 'limit') && getNamedType(type).name === 'Int',
  );
  const given = field.args.filter((arg) => isRequiredArgument(arg) || arg === size);
  if (given.length === 0) return '';
  const values = given.map(({ name, type }) => [name, valueOf(type)] as const);
  if (values.some(([, value]) => value === undefined)) return undefined;
  return `(${values.map(([name, value]) => `${name}: ${value!}`).join(', ')})`;
}

/** A sample value of a type; undefined for input objects, lists and custom scalars. */
function valueOf(given: GraphQLInputType): string | undefined {
  const type = getNullableType(given);
  if (isEnumType(type)) return type.getValues()[0]?.name;
  return isScalarType(type) ? sampleValues.get(type.name) : undefined;
}

const sampleValues: ReadonlyMap<string, string> = new Map([
  ['Int', '3'],
  ['Float', '1'],
  ['ID', '"1"'],
  ['String', '"a"'],
  ['Boolean', 'true'],
]);
