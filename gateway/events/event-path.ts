import { BadEvent, type DomainEvent } from './domain-event';

/** A value of a key, or of a part of a tag. */
export type Scalar = string | number | boolean;

/** Reads the value at a path of an event, undefined if it has none; with `[*]` the value for each item of the list. */
export type ReadPath = (event: DomainEvent) => readonly unknown[];

/** Compiles a path such as `subject`, `data.upc` or `data.lines[*].upc`, which the options have checked. */
export function compilePath(path: string): ReadPath {
  const steps = path.replaceAll('[*]', '.*').split('.');
  return (event) =>
    steps.reduce<readonly unknown[]>((values, step) => values.flatMap((value) => take(value, step)), [event]);
}

function take(value: unknown, step: string): readonly unknown[] {
  if (step === '*') return Array.isArray(value) ? (value as readonly unknown[]) : [undefined];
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return [
    isObject && Object.hasOwn(value, step) ? (value as Readonly<Record<string, unknown>>)[step] : undefined,
  ];
}

export const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);

/**
 * Compiles a text in which each `{PATH}` stands for a value, with `[*]` in at most one of them: a text for each item of the
 * list. What it returns throws a `BadEvent` where a value is missing.
 */
export function compileTemplate(template: string): (event: DomainEvent) => readonly string[] {
  const [first = '', ...rest] = template.split('{');
  const parts = rest.map((part) => {
    const [path, after] = part.split('}', 2) as [string, string];
    return { read: compileScalars(path, `the tag ${template}`), after };
  });
  return (event) =>
    parts.reduce<readonly string[]>(
      (texts, { read, after }) => {
        const values = read(event);
        return texts.flatMap((text) => values.map((value) => `${text}${value}${after}`));
      },
      [first],
    );
}

/**
 * Compiles a path whose values must be scalars. With `?` at its end, those that the event lacks are left out.
 *
 * @param of what the value is a part of, for the error
 */
export function compileScalars(given: string, of: string): (event: DomainEvent) => readonly Scalar[] {
  const isOptional = given.endsWith('?');
  const path = isOptional ? given.slice(0, -1) : given;
  const read = compilePath(path);
  return (event) => {
    const all = read(event);
    const values = isOptional ? all.filter((value) => value !== undefined && value !== null) : all;
    if (values.every(isScalar)) return values;
    throw new BadEvent('key', `\`${path}\`, for ${of}, is not in the event as text, number or boolean.`);
  };
}

/** What all texts of a template begin with. */
export const beginningOf = (template: string): string => template.split('{', 1)[0]!;
