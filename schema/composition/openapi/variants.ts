import { child, children, type Located, type OpenApiDocument, textAt } from './document';
import type { Shape, Shapes } from './shapes';

/** How the type of an object is known by its JSON. */
export interface Variants {
  /** The property whose value decides. Without it the first variant counts whose `required` are all there. */
  readonly property?: string;
  readonly of: readonly Variant[];
}

export interface Variant {
  readonly shape: Shape;
  readonly values?: readonly string[];
  readonly required?: readonly string[];
}

/** More would take long to compare. */
const mostVariants = 100;

/** How one knows which of `oneOf` or `anyOf` an object is; undefined where nothing decides. */
export function variantsOf(choice: Shape, shapes: Shapes, document: OpenApiDocument): Variants | undefined {
  const of = flatVariants(choice, shapes);
  if (of === undefined || of.some(({ kind }) => kind !== 'object')) return undefined;
  if (choice.discriminator !== undefined) {
    const decided = byDiscriminator(choice.discriminator, of, document);
    if (decided !== undefined) return decided;
  }
  return byConstant(of, shapes) ?? byRequired(of);
}

/** The variants, in place of a choice among them its own; undefined for too many, or where choices lead to themselves alone. */
export function flatVariants(choice: Shape, shapes: Shapes): Shape[] | undefined {
  const found = new Map<unknown, Shape>();
  const seen = new Set<unknown>();
  const pending = [choice];
  for (let shape = pending.pop(); shape !== undefined; shape = pending.pop()) {
    if (seen.has(shape.at.value)) continue;
    seen.add(shape.at.value);
    if (shape.kind !== 'choice') found.set(shape.at.value, shape);
    else if (shape.variants.length > mostVariants) return undefined;
    else for (const variant of shape.variants.toReversed()) pending.push(shapes.of(variant));
    if (seen.size > mostVariants) return undefined;
  }
  return found.size === 0 ? undefined : [...found.values()];
}

/** By the values in `mapping`, else by the names of the schemas. */
function byDiscriminator(
  discriminator: Located,
  of: readonly Shape[],
  document: OpenApiDocument,
): Variants | undefined {
  const property = textAt(discriminator, 'propertyName');
  if (property === undefined) return undefined;
  const values = new Map<unknown, string[]>();
  // Of names of schemas, or references to them.
  for (const [value, target] of children(child(discriminator, 'mapping'))) {
    const text = String(target.value);
    const $ref = /[#/]/.test(text) ? text : `#/components/schemas/${text}`;
    const schema = document.resolve({ value: { $ref }, path: target.path }).value;
    values.set(schema, [...(values.get(schema) ?? []), value]);
  }
  const variants = of.map((shape) => {
    const name = componentName(shape.at);
    return { shape, values: values.get(shape.at.value) ?? (name === undefined ? [] : [name]) };
  });
  return variants.some((each) => each.values.length === 0) ? undefined : { property, of: variants };
}

/** The name of a schema in `components`. */
const componentName = ({ path }: Located): string | undefined =>
  path.length === 3 && path[0] === 'components' && path[1] === 'schemas' ? path[2] : undefined;

/** By a property that has other values in each variant. */
function byConstant(of: readonly Shape[], shapes: Shapes): Variants | undefined {
  for (const property of of[0]!.properties.keys()) {
    const taken = new Set<unknown>();
    const variants: Variant[] = [];
    for (const shape of of) {
      const declared = shape.properties.get(property);
      const values = declared?.isRequired ? shapes.of(declared.schema).values : undefined;
      if (values === undefined || values.length === 0) break;
      if (!values.every((value) => typeof value === 'string' && !taken.has(value))) break;
      for (const value of values) taken.add(value);
      variants.push({ shape, values: values as string[] });
    }
    if (variants.length === of.length) return { property, of: variants };
  }
  return undefined;
}

/**
 * By required properties that the other variants do not have. The variants are put into an order in which each has one
 * that none after it has.
 */
function byRequired(of: readonly Shape[]): Variants | undefined {
  const deciding = new Map(
    of.map((shape) => {
      const required = [...shape.properties].flatMap(([name, { isRequired }]) => (isRequired ? [name] : []));
      const against = (other: Shape) => required.find((name) => !other.properties.has(name));
      return [shape, new Map(of.map((other) => [other, other === shape ? undefined : against(other)]))];
    }),
  );
  const variants: Variant[] = [];
  const left = new Set(of);
  while (left.size > 0) {
    const next = [...left].find((shape) =>
      [...left].every((other) => other === shape || deciding.get(shape)!.get(other) !== undefined),
    );
    if (next === undefined) return undefined;
    left.delete(next);
    const required = [...deciding.get(next)!.values()].filter((name) => name !== undefined);
    variants.push({ shape: next, required: [...new Set(required)] });
  }
  return { of: variants };
}
