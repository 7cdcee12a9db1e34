/**
 * Reads source schemas: schemas of APIs that are no federation subgraphs, with the directives that join them to a graph. Over
 * 300 lines: half of them are the types of what is read.
 */
import {
  type ASTNode,
  type ConstValueNode,
  type DocumentNode,
  type EnumTypeDefinitionNode,
  type FieldDefinitionNode,
  GraphQLError,
  type InputObjectTypeDefinitionNode,
  type InputValueDefinitionNode,
  Kind,
  type NameNode,
  parse,
  type TypeNode,
} from 'graphql';
import { type Annotated, argumentsOf, directive, namedTypeOf } from '../sdl';
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
  readonly variants?: Variants;
  readonly node: Annotated;
}

export interface SourceField {
  readonly name: string;
  readonly jsonName: string;
  /** At the source, as is `namedType`. */
  readonly type: TypeNode;
  readonly namedType: string;
  readonly arguments: ReadonlyMap<string, SourceArgument>;
  /** Of `@derive`: what the link's object is made of. */
  readonly derived?: SelectionMap;
  /** Of `@from`: the root field that answers it. */
  readonly from?: string;
  readonly isLookup: boolean;
  readonly isInternal: boolean;
  readonly http?: HttpTemplate;
  readonly node: FieldDefinitionNode;
}

export interface SourceArgument {
  readonly name: string;
  readonly type: TypeNode;
  readonly is?: SelectionMap;
  readonly require?: SelectionMap;
  readonly defaultValue?: ConstValueNode;
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
 * @param report @default throws a `GraphQLError`
 */
export function readSourceSchema(
  schema: string | DocumentNode,
  report: ReportProblem = (message, nodes) => {
    throw new GraphQLError(message, { nodes });
  },
): SourceSchema {
  const document = typeof schema === 'string' ? parse(schema, { noLocation: true }) : schema;
  return new Reader(report).read(document);
}

interface ReadType extends SourceType {
  readonly fields: Map<string, SourceField>;
  readonly possibleTypes: string[];
}

class Reader {
  readonly #report: ReportProblem;
  readonly #types = new Map<string, ReadType>();
  readonly #inputs = new Map<string, InputObjectTypeDefinitionNode>();
  readonly #enums = new Map<string, EnumTypeDefinitionNode>();

  constructor(report: ReportProblem) {
    this.#report = report;
  }

  read({ definitions }: DocumentNode): SourceSchema {
    const roots: { -readonly [Root in keyof SourceSchema['roots']]: string } = {};
    const implementing: (readonly [name: string, implementer: string])[] = [];
    for (const node of definitions) {
      switch (node.kind) {
        case Kind.SCHEMA_DEFINITION:
        case Kind.SCHEMA_EXTENSION:
          for (const { operation, type } of node.operationTypes ?? []) roots[operation] = type.name.value;
          break;
        case Kind.OBJECT_TYPE_DEFINITION:
        case Kind.OBJECT_TYPE_EXTENSION:
        case Kind.INTERFACE_TYPE_DEFINITION:
        case Kind.INTERFACE_TYPE_EXTENSION: {
          const isObject =
            node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION;
          const type = this.#type(node, isObject ? 'object' : 'interface');
          for (const field of node.fields ?? []) type.fields.set(field.name.value, this.#field(field));
          if (isObject)
            for (const { name } of node.interfaces ?? []) implementing.push([name.value, type.name]);
          break;
        }
        case Kind.UNION_TYPE_DEFINITION:
        case Kind.UNION_TYPE_EXTENSION:
          this.#type(node, 'union');
          for (const { name } of node.types ?? []) implementing.push([node.name.value, name.value]);
          break;
        case Kind.INPUT_OBJECT_TYPE_DEFINITION:
          this.#inputs.set(node.name.value, node);
          break;
        case Kind.ENUM_TYPE_DEFINITION:
          this.#enums.set(node.name.value, node);
          break;
        default:
      }
    }
    for (const [name, implementer] of implementing) this.#types.get(name)?.possibleTypes.push(implementer);
    for (const root of ['query', 'mutation', 'subscription'] as const) {
      const usual = root.charAt(0).toUpperCase() + root.slice(1);
      if (roots[root] === undefined && this.#types.has(usual)) roots[root] = usual;
    }
    return {
      kind: this.#hasHttp(roots) ? 'rest' : 'graphql',
      roots,
      types: this.#types,
      inputs: this.#inputs,
      enums: this.#enums,
      lookups: readLookups(this.#types, roots.query, this.#report),
    };
  }

  /** The type of a definition or of its extensions. */
  #type(node: Annotated & { readonly name: NameNode }, kind: SourceType['kind']): ReadType {
    const name = node.name.value;
    const before = this.#types.get(name);
    const shape = argumentOf(node, 'shape', 'of');
    const variants = directive(node, 'variants');
    const type: ReadType = {
      ...(before ?? {
        name,
        kind,
        graphName: name,
        fields: new Map(),
        possibleTypes: kind === 'object' ? [name] : [],
      }),
      node: { ...node, directives: [...(before?.node.directives ?? []), ...(node.directives ?? [])] },
      ...(typeof shape === 'string' && { graphName: shape }),
      ...(variants && { variants: argumentsOf(variants) as unknown as Variants }),
    };
    this.#types.set(name, type);
    return type;
  }

  #field(node: FieldDefinitionNode): SourceField {
    const name = node.name.value;
    const from = argumentOf(node, 'from', 'field');
    const jsonName = argumentOf(node, 'json', 'name');
    const http = directive(node, 'http');
    const derive = directive(node, 'derive');
    if (derive !== undefined && directive(node, 'is') === undefined)
      this.#report('@derive needs `@is(field: "{ … }")` beside it: the key of the object.', derive);
    const derived = derive && this.#map(node, 'is');
    return {
      name,
      jsonName: typeof jsonName === 'string' ? jsonName : name,
      type: node.type,
      namedType: namedTypeOf(node.type),
      arguments: new Map((node.arguments ?? []).map((each) => [each.name.value, this.#argument(each)])),
      ...(derived && { derived }),
      ...(typeof from === 'string' && { from }),
      isLookup: directive(node, 'lookup') !== undefined,
      isInternal: directive(node, 'internal') !== undefined,
      ...(http && {
        http: { parameters: [], result: 'json', ...argumentsOf(http) } as unknown as HttpTemplate,
      }),
      node,
    };
  }

  #argument(node: InputValueDefinitionNode): SourceArgument {
    const is = this.#map(node, 'is');
    const require = this.#map(node, 'require');
    const { name, type, defaultValue } = node;
    return {
      name: name.value,
      type,
      ...(is && { is }),
      ...(require && { require }),
      ...(defaultValue && { defaultValue }),
    };
  }

  #map(node: Annotated, name: 'is' | 'require'): SelectionMap | undefined {
    const use = directive(node, name);
    if (use === undefined) return undefined;
    const text = argumentOf(node, name, 'field');
    try {
      if (typeof text === 'string') return parseSelectionMap(text);
      this.#report(`@${name} needs \`field\`, a selection map.`, use);
    } catch (error) {
      this.#report(
        `@${name}(field: ${JSON.stringify(shortened(String(text)))}) is no selection map: ${(error as Error).message}`,
        use,
      );
    }
    return undefined;
  }

  #hasHttp({ query, mutation }: SourceSchema['roots']): boolean {
    return [query, mutation].some((root) =>
      Array.from(this.#types.get(root ?? '')?.fields.values() ?? []).some(({ http }) => http !== undefined),
    );
  }
}

const shortened = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text);

function argumentOf(node: Annotated, name: string, argument: string): unknown {
  const use = directive(node, name);
  return use && argumentsOf(use)[argument];
}

/** The fields of its object that a link or a call is made of; undefined for other fields. */
export function madeOf({ from, derived, arguments: args }: SourceField): string[] | undefined {
  if (derived !== undefined) return firstFieldsOf(derived);
  if (from === undefined) return undefined;
  return [...args.values()].flatMap(({ require }) => (require === undefined ? [] : firstFieldsOf(require)));
}
