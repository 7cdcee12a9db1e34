import { entries, type Located, textAt } from './document';
import type { Shape, Shapes } from './shapes';

/** How the type of an object is known by its JSON. */
export interface Variants {
  /** The property whose value decides. Without it the first variant counts whose `required` are all there. */
  readonly property?: string;
  /** Values of `property`, else the names of required properties. */
  readonly of: ReadonlyMap<Shape, readonly string[]>;
}

/** More would take long to compare. */
const mostVariants = 100;

/** How one knows which of the objects of `oneOf` or `anyOf` one is; undefined where nothing decides. */
export const variantsOf = (
  of: readonly Shape[],
  { discriminator }: Shape,
  shapes: Shapes,
): Variants | undefined =>
  (discriminator && byDiscriminator(of, discriminator, shapes)) ?? byConstant(of, shapes) ?? byRequired(of);

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
  all: readonly Shape[],
  discriminator: Located,
  { document }: Shapes,
): Variants | undefined {
  const property = textAt(discriminator, 'propertyName');
  if (property === undefined) return undefined;
  const mapped = new Map<unknown, string[]>();
  // Of names of schemas, or references to them.
  for (const [value, target] of entries(discriminator, 'mapping')) {
    const text = String(target.value);
    const $ref = /[#/]/.test(text) ? text : `#/components/schemas/${text}`;
    const schema = document.resolve({ value: { $ref }, path: target.path }).value;
    mapped.set(schema, [...(mapped.get(schema) ?? []), value]);
  }
  const of = new Map<Shape, readonly string[]>();
  for (const shape of all) {
    const { path, value } = shape.at;
    const isComponent = path.length === 3 && path[0] === 'components' && path[1] === 'schemas';
    const values = mapped.get(value) ?? (isComponent ? [path[2]!] : undefined);
    if (values === undefined) return undefined;
    of.set(shape, values);
  }
  return { property, of };
}

/** By a property that has other values in each variant. */
function byConstant(all: readonly Shape[], shapes: Shapes): Variants | undefined {
  for (const property of all[0]!.properties.keys()) {
    const taken = new Set<unknown>();
    const of = new Map<Shape, readonly string[]>();
    for (const shape of all) {
      const declared = shape.properties.get(property);
      const values = declared?.isRequired ? shapes.of(declared.schema).values : undefined;
      if (!values?.length || !values.every((value) => typeof value === 'string' && !taken.has(value))) break;
      for (const value of values) taken.add(value);
      of.set(shape, values as string[]);
    }
    if (of.size === all.length) return { property, of };
  }
  return undefined;
}

/**
 * By required properties that the other variants do not have. The variants are put into an order in which each has one
 * that none after it has.
 */
function byRequired(all: readonly Shape[]): Variants | undefined {
  /** For each variant, by the others, the property that these do not have. */
  const deciding = new Map(
    all.map((shape) => {
      const required = [...shape.properties].flatMap(([name, { isRequired }]) => (isRequired ? [name] : []));
      return [
        shape,
        new Map(all.map((other) => [other, required.find((name) => !other.properties.has(name))])),
      ];
    }),
  );
  const of = new Map<Shape, readonly string[]>();
  const left = new Set(all);
  while (left.size > 0) {
    const next = [...left].find((shape) =>
      [...left].every((other) => other === shape || deciding.get(shape)!.get(other) !== undefined),
    );
    if (next === undefined) return undefined;
    left.delete(next);
    const required = [...deciding.get(next)!.values()].filter((name) => name !== undefined);
    of.set(next, [...new Set(required)]);
  }
  return { of };
}
