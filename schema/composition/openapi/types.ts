import { child, isTrue, type Located, type OpenApiDocument, textAt } from './document';
import { jsonName, legalName, Names, quoted, uniqueNames } from './names';
import { type Property, type Shape, Shapes } from './shapes';
import { flatVariants, variantsOf } from './variants';

/** Where a type is used. */
export interface Use {
  readonly direction: 'input' | 'output';
  /** For the names of types of schemas that are written in an operation: its name, and its part. */
  readonly operation: string;
  /** What has the type: `Pet.name`, for notes. */
  readonly coordinate: string;
}

/** Lists in lists; GraphQL has no type for a list that holds itself. */
const mostLists = 10;

const mostProblems = 20;

const reserved = [
  ...['Query', 'Mutation', 'Subscription', 'String', 'Int', 'Float', 'Boolean', 'ID', 'Long', 'JSON'],
  ...['_Any', '_Entity', '_Service', '_FieldSet', 'FieldSet', 'FieldSelectionMap'],
];

/** Writes the GraphQL types of schemas, each once for answers and once for inputs. */
export class Types {
  readonly shapes: Shapes;
  readonly #names = new Names(reserved);
  /** By the values of their schemas. */
  readonly #named = {
    input: new Map<unknown, string>(),
    output: new Map<unknown, string>(),
    union: new Map<unknown, string>(),
  };
  readonly #definitions: string[] = [];
  readonly #scalars = new Set<string>();
  /** Fields are written later, so that long chains of types need no deep calls. */
  readonly #pending: (() => void)[] = [];

  constructor(readonly document: OpenApiDocument) {
    this.shapes = new Shapes(document);
  }

  /** The type of a schema, without `!`. */
  of(schema: Located, use: Use): string {
    return this.#typeOf(this.shapes.of(schema), use, 0);
  }

  /** All types that are used. */
  definitions(): string[] {
    // Writing a type adds those of its fields.
    for (const write of this.#pending)
      if (this.document.problems.length < mostProblems) this.document.attempt(write);
    return [...Array.from(this.#scalars, (name) => `scalar ${name}`), ...this.#definitions];
  }

  #typeOf(shape: Shape, use: Use, lists: number): string {
    switch (shape.kind) {
      case 'boolean':
        return 'Boolean';
      case 'number':
        return 'Float';
      case 'integer':
        return shape.format === 'int32' ? 'Int' : this.#scalar('Long');
      case 'string':
        return this.#enum(shape, use);
      case 'array':
        return this.#list(shape, use, lists);
      case 'object':
        return this.#object(shape, use);
      case 'choice':
        return this.#choice(shape, use);
      case 'any':
        return this.#json('the document gives them no type, or several', use);
      default:
        return shape.kind satisfies never;
    }
  }

  #scalar(name: 'JSON' | 'Long'): string {
    this.#scalars.add(name);
    return name;
  }

  #json(reason: string, { coordinate }: Use): string {
    this.document.note(`They are JSON, as ${reason}`, coordinate);
    return this.#scalar('JSON');
  }

  #list({ items }: Shape, use: Use, lists: number): string {
    if (items === undefined) return `[${this.#json('the document gives no type for items', use)}]`;
    if (lists === mostLists) return this.#json(`they are lists in more than ${mostLists} lists`, use);
    const item = this.shapes.of(items);
    const type = this.#typeOf(item, use, lists + 1);
    return use.direction === 'input' && !item.isNullable ? `[${type}!]` : `[${type}]`;
  }

  #enum(shape: Shape, use: Use): string {
    const texts = new Set(shape.values?.filter((value) => typeof value === 'string'));
    // One value is no choice.
    if (texts.size < 2 || texts.size < new Set(shape.values).size) return 'String';
    // An enum is one type for answers and inputs.
    return this.#once(shape, 'output', use, (name) => {
      const names = uniqueNames([...texts], ['true', 'false', 'null']);
      const values = Array.from(names, ([value, legal]) => `  ${legal}${jsonName(legal, value)}`);
      return `enum ${name} {\n${values.join('\n')}\n}`;
    });
  }

  #object(shape: Shape, use: Use): string {
    const properties = this.#visible(shape, use);
    if (properties.length === 0) return this.#json('the document names no properties of them', use);
    return this.#once(shape, use.direction, use, (name) => {
      if (shape.isOpen) this.document.note('They have only the properties that the document names', name);
      if (shape.variants.length > 0)
        this.document.note('They have only the properties that are in all their variants', name);
      const names = uniqueNames(properties.map(([property]) => property));
      const fields = properties.map(([property, each]) =>
        this.#field(names.get(property)!, property, each, { ...use, coordinate: name }),
      );
      return `${use.direction === 'input' ? 'input' : 'type'} ${name} {\n${fields.join('\n')}\n}`;
    });
  }

  /** The properties of answers, or of inputs. */
  #visible({ properties }: Shape, { direction }: Use): [string, Property][] {
    const hidden = direction === 'input' ? 'readOnly' : 'writeOnly';
    return [...properties].filter(
      ([, { schema }]) => !isTrue(schema, hidden) && !isTrue(this.document.resolve(schema), hidden),
    );
  }

  #field(name: string, property: string, { schema, isRequired }: Property, use: Use): string {
    const shape = this.shapes.of(schema);
    const type = this.#typeOf(shape, { ...use, coordinate: `${use.coordinate}.${name}` }, 0);
    const isOptional = shape.isNullable || child(schema, 'default') !== undefined;
    const isGiven = use.direction === 'input' && isRequired && !isOptional;
    const deprecated = isTrue(schema, 'deprecated') && !isGiven ? ' @deprecated' : '';
    return `${describe(textAt(schema, 'description') ?? shape.description, '  ')}  ${name}: ${type}${isGiven ? '!' : ''}${jsonName(name, property)}${deprecated}`;
  }

  #choice(shape: Shape, use: Use): string {
    const all = flatVariants(shape, this.shapes);
    const scalar = all && commonScalar(all);
    if (scalar !== undefined) return scalar === 'Long' ? this.#scalar(scalar) : scalar;
    if (use.direction === 'input') return this.#json('inputs of GraphQL cannot be one of several types', use);
    if (all?.every((each) => each.kind === 'object' && this.#visible(each, use).length > 0) === false)
      return this.#json('they are one of several kinds, such as text or an object', use);
    const decided = all && variantsOf(all, shape, this.shapes);
    if (decided === undefined)
      return this.#json('no property decides which of several objects they are', use);
    const { property, of } = decided;
    return this.#once(shape, 'union', use, (name) => {
      const types = Array.from(of.keys(), (variant) => this.#object(variant, { ...use, coordinate: name }));
      const by = property === undefined ? '' : `property: ${quoted(property)}, `;
      const list = Array.from(of.values(), (texts, index) => {
        const key = property === undefined ? 'required' : 'values';
        return `{ type: "${types[index]}", ${key}: [${texts.map(quoted).join(', ')}] }`;
      });
      return `union ${name} @variants(${by}of: [${list.join(', ')}]) = ${types.join(' | ')}`;
    });
  }

  /** The name of the type of a schema, which is written after its first use. */
  #once(shape: Shape, kind: 'input' | 'output' | 'union', use: Use, write: (name: string) => string): string {
    const named = this.#named[kind];
    const known = named.get(shape.at.value);
    if (known !== undefined) return known;
    const plain = legalName(nameOf(shape.at, use.operation));
    const name = this.#names.take(kind === 'input' && !plain.endsWith('Input') ? `${plain}Input` : plain);
    named.set(shape.at.value, name);
    const text = describe(textAt(shape.at, 'description'), '');
    this.#pending.push(() => void this.#definitions.push(`${text}${write(name)}`));
    return name;
  }
}

/** The scalar that all variants are. */
function commonScalar(variants: readonly Shape[]): 'String' | 'Boolean' | 'Long' | 'Float' | undefined {
  const kinds = new Set(variants.map(({ kind }) => kind));
  if (kinds.size === 1 && kinds.has('string')) return 'String';
  if (kinds.size === 1 && kinds.has('boolean')) return 'Boolean';
  if (kinds.size === 1 && kinds.has('integer')) return 'Long';
  return [...kinds].every((kind) => kind === 'integer' || kind === 'number') ? 'Float' : undefined;
}

/** The name in `components`, and the properties that lead from there to a schema that has none. */
function nameOf({ path }: Located, operation: string): string {
  const isComponent = path[0] === 'components';
  const isSchema = isComponent && path[1] === 'schemas';
  const parts = [isComponent ? path[2]! : operation];
  const start = isSchema ? 3 : path.indexOf('schema', isComponent ? 3 : 2) + 1;
  for (let index = start; index < path.length; index += 1) {
    const key = path[index]!;
    if (key === 'properties' || key === 'oneOf' || key === 'anyOf') parts.push(path[++index] ?? '');
    else if (key === 'allOf') index += 1;
  }
  return parts.join('_');
}

/** A description, before what it describes. */
export function describe(text: string | undefined, indent: string): string {
  return text === undefined || text.trim() === '' ? '' : `${indent}${quoted(text.trim())}\n`;
}
