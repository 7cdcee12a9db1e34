/** A schema of JSON Schema 2020-12. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** A value, or null. */
export function nullable(schema: JsonSchema): JsonSchema {
  const { type, enum: values, anyOf } = schema;
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...(anyOf as unknown[]), { type: 'null' }] };
  if (typeof type === 'string')
    return {
      ...schema,
      type: [type, 'null'],
      ...(Array.isArray(values) && { enum: [...(values as unknown[]), null] }),
    };
  // A custom scalar may be anything.
  return '$ref' in schema ? { anyOf: [schema, { type: 'null' }] } : schema;
}

/** @param direction an id may be given as a number, and is always answered as text */
export function scalarSchema(name: string, direction: 'input' | 'output'): JsonSchema {
  switch (name) {
    case 'Int':
      return { type: 'integer', minimum: -2_147_483_648, maximum: 2_147_483_647 };
    case 'Float':
      return { type: 'number' };
    case 'Boolean':
      return { type: 'boolean' };
    case 'String':
    case 'ID':
      return { type: 'string' };
    default:
      return direction === 'input' ? { description: `A value of the scalar ${name}.` } : {};
  }
}
