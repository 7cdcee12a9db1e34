import {
  child,
  entries,
  isObject,
  isTrue,
  items,
  type Located,
  type OpenApiDocument,
  textAt,
} from './document';

/** A schema as it is read: without references, with all that it is made of by `allOf`. */
export interface Shape {
  readonly kind: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'choice' | 'any';
  /** Where the schema stands to which the references lead: its types are named by it. */
  readonly at: Located;
  readonly isNullable: boolean;
  readonly properties: ReadonlyMap<string, Property>;
  /** Whether the document describes properties of an object that it does not name. */
  readonly isOpen: boolean;
  readonly items: Located | undefined;
  readonly format: string | undefined;
  /** The values of `enum` and `const`, without null. */
  readonly values: readonly unknown[] | undefined;
  /** `oneOf` or `anyOf`, without null. */
  readonly variants: readonly Located[];
  readonly discriminator: Located | undefined;
  readonly description: string | undefined;
}

export interface Property {
  readonly schema: Located;
  readonly isRequired: boolean;
}

/** How many schemas one may be made of. */
const mostParts = 1000;
/** How many properties, and names of required ones, all schemas may have together. */
const mostProperties = 1_000_000;
/** The number of keys that lead to a schema. */
const deepest = 200;

/** Reads the schemas of a document, each once. */
export class Shapes {
  /** By their values: what is equal by a reference, or an alias of YAML, is one. */
  readonly #read = new Map<unknown, Shape>();
  #properties = 0;

  constructor(readonly document: OpenApiDocument) {}

  of(schema: Located): Shape {
    let at = schema;
    let isNullable = false;
    for (let count = 0; ; count += 1) {
      if (count > mostParts) throw this.document.error('This schema leads to itself.', schema);
      const inner = this.#wrapped(at);
      if (inner === undefined) break;
      isNullable ||= isTrue(at, 'nullable') || this.#variantsOf(at)?.hasNull === true;
      at = inner;
    }
    const shape = this.#read.get(at.value) ?? this.#merge(at);
    this.#read.set(at.value, shape);
    return isNullable ? { ...shape, isNullable } : shape;
  }

  /** The one schema of which another one is, with notes: `$ref`, `allOf: [X]`, `anyOf: [X, { type: 'null' }]`. */
  #wrapped(at: Located): Located | undefined {
    if (!isObject(at.value)) return undefined;
    const own = Object.keys(at.value).filter((key) => !annotations.has(key));
    if (Object.hasOwn(at.value, '$ref') && (!this.document.isNew || own.length === 1))
      return this.document.resolve(at);
    if (own.length !== 1) return undefined;
    const [only, ...others] =
      this.#variantsOf(at)?.variants ?? (own[0] === 'allOf' ? items(at, 'allOf') : []);
    return others.length === 0 ? only : undefined;
  }

  #merge(at: Located): Shape {
    const parts = this.#parts(at);
    const properties = new Map<string, Property>();
    const required = new Set<unknown>();
    for (const part of parts) {
      for (const { value } of items(part, 'required')) required.add(value);
      for (const [name, schema] of entries(part, 'properties'))
        if (!properties.has(name)) properties.set(name, { schema, isRequired: false });
      if ((this.#properties += properties.size + required.size) > mostProperties)
        throw this.document.error(`The schemas have more than ${mostProperties} properties.`, at);
    }
    for (const [name, { schema }] of properties)
      properties.set(name, { schema, isRequired: required.has(name) });
    const first = <Value>(read: (part: Located) => Value | undefined): Value | undefined => {
      for (const part of parts) {
        const value = read(part);
        if (value !== undefined) return value;
      }
      return undefined;
    };
    const types = first(typesOf) ?? [];
    const values = first(valuesOf);
    const choice = first((part) => this.#variantsOf(part));
    const shape = {
      ...{ at, properties },
      isNullable:
        choice?.hasNull === true ||
        values?.includes(null) === true ||
        parts.some((part) => isTrue(part, 'nullable') || typesOf(part)?.includes('null')),
      isOpen: parts.some((part) => {
        const additional = child(part, 'additionalProperties')?.value;
        return additional === true || isObject(additional);
      }),
      items: first((part) => child(part, 'items')),
      format: first((part) => textAt(part, 'format')),
      values: values?.filter((value) => value !== null),
      variants: choice?.variants ?? [],
      discriminator: first((part) => child(part, 'discriminator')),
      description: first((part) => textAt(part, 'description')),
    };
    return {
      ...shape,
      kind: kindOf(
        shape,
        types.filter((type) => type !== 'null'),
      ),
    };
  }

  /** The schema itself, then those of its `allOf` and of a `$ref` with keys beside it (3.1), and theirs. */
  #parts(at: Located): Located[] {
    const parts: Located[] = [];
    const seen = new Set<unknown>();
    const pending = [at];
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (seen.has(part.value)) continue;
      seen.add(part.value);
      parts.push(part);
      if (parts.length > mostParts || part.path.length > deepest)
        throw this.document.error('It is made of too many schemas, or nested too deep.', at);
      const inner = items(part, 'allOf');
      if (child(part, '$ref') !== undefined) inner.push(part);
      for (const each of inner.reverse()) pending.push(this.document.resolve(each));
    }
    return parts;
  }

  /** The variants of `oneOf` or `anyOf`; undefined where these only have rules for what is described beside them. */
  #variantsOf(schema: Located): { variants: Located[]; hasNull: boolean } | undefined {
    const key = child(schema, 'oneOf') === undefined ? 'anyOf' : 'oneOf';
    if (!Array.isArray(child(schema, key)?.value)) return undefined;
    const all = items(schema, key);
    if (all.every(({ value }) => isObject(value) && Object.keys(value).every((key) => rules.has(key))))
      return undefined;
    const variants = all.filter((variant) => !isNull(this.document.resolve(variant)));
    return { variants, hasNull: variants.length < all.length };
  }
}

/** Keys beside which `$ref` or `allOf` with one schema is that schema. */
const annotations = new Set([
  ...['title', 'description', 'summary', 'deprecated', 'example', 'examples', 'default', 'externalDocs'],
  ...['nullable', 'readOnly', 'writeOnly', 'xml', '$comment'],
]);

/** Keys of schemas that describe no value, only what else must hold. */
const rules = new Set(['required', 'not', 'description', 'title']);

function isNull(schema: Located): boolean {
  const isOnlyNull = (values: readonly unknown[] | undefined, none: unknown): boolean =>
    values !== undefined && values.length > 0 && values.every((value) => value === none);
  return isOnlyNull(typesOf(schema), 'null') || isOnlyNull(valuesOf(schema), null);
}

function typesOf(schema: Located): unknown[] | undefined {
  const type = child(schema, 'type')?.value;
  return type === undefined ? undefined : Array.isArray(type) ? type : [type];
}

function valuesOf(schema: Located): unknown[] | undefined {
  const constant = child(schema, 'const');
  if (constant !== undefined) return [constant.value];
  const values = child(schema, 'enum')?.value;
  return Array.isArray(values) ? values : undefined;
}

const scalars: ReadonlySet<unknown> = new Set(['string', 'integer', 'number', 'boolean']);

/** Of types without null. Without `type`, the rest decides. */
function kindOf(
  { properties, items: item, values = [], variants }: Omit<Shape, 'kind'>,
  types: readonly unknown[],
): Shape['kind'] {
  const [type] = types;
  if (types.length === 1 && scalars.has(type)) return type as Shape['kind'];
  if (variants.length > 0 && properties.size === 0) return 'choice';
  if (types.length > 1) return 'any';
  if (type === 'array' || (type === undefined && item !== undefined)) return 'array';
  if (type === 'object' || (type === undefined && properties.size > 0)) return 'object';
  const [kind, ...others] = new Set(values.map((value) => typeof value));
  const isScalar = kind === 'string' || kind === 'number' || kind === 'boolean';
  return type === undefined && others.length === 0 && isScalar ? kind : 'any';
}
