/** Reads source schemas: schemas of APIs that are no federation subgraphs, with the directives that join them to a graph. */
import {
  type ASTNode,
  type ConstValueNode,
  type DocumentNode,
  type EnumTypeDefinitionNode,
  type FieldDefinitionNode,
  GraphQLError,
  type InputObjectTypeDefinitionNode,
  Kind,
  parse,
  type TypeNode,
} from 'graphql';
import {
  type Annotated,
  argumentsOf,
  type CompositeDefinition,
  directive,
  isComposite,
  namedTypeOf,
} from '../sdl';
import { readLookups } from './read-lookups';
import { firstFieldsOf, parseSelectionMap, type SelectionMap } from './selection-map';

/** A schema that composition takes, the registry stores and the supergraph holds for the executor. */
export interface SourceSchema {
  /** Root fields of a REST source have `@http`. */
  readonly kind: 'graphql' | 'rest';
  readonly roots: Readonly<Partial<Record<'query' | 'mutation' | 'subscription', string>>>;
  /** Objects, interfaces and unions, by their names at the source. */
  readonly types: ReadonlyMap<string, SourceType>;
  readonly inputs: ReadonlyMap<string, InputObjectTypeDefinitionNode>;
  readonly enums: ReadonlyMap<string, EnumTypeDefinitionNode>;
  /** The lookups of each entity, by its name in the graph. */
  readonly lookups: ReadonlyMap<string, readonly Lookup[]>;
}

export interface SourceType {
  readonly name: string;
  readonly kind: 'object' | 'interface' | 'union';
  /** Its name in the graph: that of the entity for a summary (`@shape(of:)`), else `name`. */
  readonly graphName: string;
  readonly fields: ReadonlyMap<string, SourceField>;
  /** Names at the source; of an object its own. */
  readonly possibleTypes: readonly string[];
  readonly variants: Variants | undefined;
  readonly node: CompositeDefinition;
}

export interface SourceField {
  readonly name: string;
  readonly jsonName: string;
  /** At the source, as is `namedType`. */
  readonly type: TypeNode;
  readonly namedType: string;
  readonly arguments: ReadonlyMap<string, SourceArgument>;
  /** Of `@derive`: what the link's object is made of. */
  readonly derived: SelectionMap | undefined;
  /** Of `@from`: the root field that answers it. */
  readonly from: string | undefined;
  readonly isLookup: boolean;
  readonly http: HttpTemplate | undefined;
  readonly node: FieldDefinitionNode;
}

export interface SourceArgument {
  readonly name: string;
  readonly type: TypeNode;
  readonly is: SelectionMap | undefined;
  readonly require: SelectionMap | undefined;
  readonly defaultValue: ConstValueNode | undefined;
}

export interface Lookup {
  /** Its name in the graph. */
  readonly entity: string;
  /** A field of the query type. */
  readonly field: string;
  /** Whether it answers a list: its one argument has `@is(field: "[…]")`, evaluated on a list of representations. */
  readonly isList: boolean;
  /** Which arguments are made of which fields of a representation. */
  readonly arguments: readonly {
    readonly name: string;
    readonly type: TypeNode;
    readonly map: SelectionMap;
  }[];
  /** In the notation of Federation: `id`, `sku region { code }`. */
  readonly key: string;
}

/** The arguments of `@http`. */
export interface HttpTemplate {
  readonly method: string;
  /** Such as `/pets/{petId}`, relative to the URL of the source. */
  readonly path: string;
  readonly parameters: readonly HttpParameter[];
  readonly body?: HttpBody;
  /** `text`: the body as String. `success`: true for 2xx. @default `json` */
  readonly result: 'json' | 'text' | 'success';
}

export interface HttpParameter {
  readonly argument: string;
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly style?: 'simple' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject' | 'label' | 'matrix';
  readonly explode?: boolean;
  readonly allowReserved?: boolean;
}

export interface HttpBody {
  readonly argument: string;
  readonly mediaType: string;
  /** How properties of a form are written, by their JSON names. */
  readonly encoding?: readonly Omit<HttpParameter, 'argument' | 'in'>[];
}

/** The arguments of `@variants`. */
export interface Variants {
  /** The JSON property whose value decides; without it the required properties of the variants decide. */
  readonly property?: string;
  readonly of: readonly Variant[];
}

export interface Variant {
  readonly type: string;
  readonly values?: readonly string[];
  readonly required?: readonly string[];
}

/** Called for what is wrong. @param node where */
export type ReportProblem = (message: string, node: ASTNode) => void;

/**
 * Reads a source schema. Reads on after a problem, without what is wrong.
 *
 * @param schema without extensions of types
 * @param report @default throws a `GraphQLError`
 */
export function readSourceSchema(
  schema: string | DocumentNode,
  report: ReportProblem = (message, nodes) => {
    throw new GraphQLError(message, { nodes });
  },
): SourceSchema {
  const { definitions } = typeof schema === 'string' ? parse(schema, { noLocation: true }) : schema;
  const roots: { -readonly [Root in keyof SourceSchema['roots']]: string } = {};
  const types = new Map<string, SourceType & { readonly possibleTypes: string[] }>();
  const inputs = new Map<string, InputObjectTypeDefinitionNode>();
  const enums = new Map<string, EnumTypeDefinitionNode>();
  for (const node of definitions) {
    if (node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION)
      for (const { operation, type } of node.operationTypes ?? []) roots[operation] = type.name.value;
    else if (node.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION) inputs.set(node.name.value, node);
    else if (node.kind === Kind.ENUM_TYPE_DEFINITION) enums.set(node.name.value, node);
    if (!isComposite(node)) continue;
    const { value: name } = node.name;
    const variants = directive(node, 'variants');
    const isUnion = node.kind === Kind.UNION_TYPE_DEFINITION;
    const isObject = node.kind === Kind.OBJECT_TYPE_DEFINITION;
    const fields = isUnion ? [] : (node.fields ?? []).map((field) => readField(field, report));
    types.set(name, {
      ...{ name, node, kind: isUnion ? 'union' : isObject ? 'object' : 'interface' },
      graphName: textOf(node, 'shape', 'of') ?? name,
      fields: new Map(fields.map((field) => [field.name, field])),
      possibleTypes: isUnion ? (node.types ?? []).map((type) => type.name.value) : isObject ? [name] : [],
      variants: variants && (argumentsOf(variants) as unknown as Variants),
    });
  }
  for (const { name, node } of types.values())
    if (node.kind === Kind.OBJECT_TYPE_DEFINITION)
      for (const { name: of } of node.interfaces ?? []) types.get(of.value)?.possibleTypes.push(name);
  for (const root of ['query', 'mutation', 'subscription'] as const) {
    const usual = root.charAt(0).toUpperCase() + root.slice(1);
    if (roots[root] === undefined && types.has(usual)) roots[root] = usual;
  }
  const rootFields = [roots.query, roots.mutation].flatMap((root = '') => [
    ...(types.get(root)?.fields.values() ?? []),
  ]);
  const kind = rootFields.some(({ http }) => http !== undefined) ? 'rest' : 'graphql';
  return { kind, roots, types, inputs, enums, lookups: readLookups(types, roots.query, report) };
}

function readField(node: FieldDefinitionNode, report: ReportProblem): SourceField {
  const { value: name } = node.name;
  const http = directive(node, 'http');
  const derive = directive(node, 'derive');
  if (derive !== undefined && directive(node, 'is') === undefined)
    report('@derive needs `@is(field: "{ … }")` beside it: the key of the object.', derive);
  const args = (node.arguments ?? []).map((argument) => ({
    name: argument.name.value,
    type: argument.type,
    is: readMap(argument, 'is', report),
    require: readMap(argument, 'require', report),
    defaultValue: argument.defaultValue,
  }));
  return {
    ...{ name, node, type: node.type },
    jsonName: textOf(node, 'json', 'name') ?? name,
    namedType: namedTypeOf(node.type),
    arguments: new Map(args.map((argument) => [argument.name, argument])),
    derived: derive && readMap(node, 'is', report),
    from: textOf(node, 'from', 'field'),
    isLookup: directive(node, 'lookup') !== undefined,
    http: http && ({ parameters: [], result: 'json', ...argumentsOf(http) } as unknown as HttpTemplate),
  };
}

function readMap(node: Annotated, name: 'is' | 'require', report: ReportProblem): SelectionMap | undefined {
  const use = directive(node, name);
  if (use === undefined) return undefined;
  const text = textOf(node, name, 'field');
  try {
    if (text !== undefined) return parseSelectionMap(text);
    report(`@${name} needs \`field\`, a selection map.`, use);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const shown = JSON.stringify(text!.length > 100 ? `${text!.slice(0, 100)}…` : text);
    report(`@${name}(field: ${shown}) is no selection map: ${error.message}`, use);
  }
  return undefined;
}

/** An argument with which a directive is applied, if it is a text. */
function textOf(node: Annotated, name: string, argument: string): string | undefined {
  const use = directive(node, name);
  const value = use && argumentsOf(use)[argument];
  return typeof value === 'string' ? value : undefined;
}

/** The fields of its object that a link or a call is made of; undefined for other fields. */
export function madeOf({ from, derived, arguments: args }: SourceField): string[] | undefined {
  if (derived !== undefined) return firstFieldsOf(derived);
  if (from === undefined) return undefined;
  return [...args.values()].flatMap(({ require }) => (require === undefined ? [] : firstFieldsOf(require)));
}
