/** Positions in answers, and patterns of them. */

/** A field of an object, or an item of a list. */
export interface Position {
  /** Undefined for the whole of `data`. */
  readonly parent: Position | undefined;
  readonly step: string | number;
  readonly depth: number;
}

/** A position without its indices, with `[]` for any item: `products[].reviews[].body`. The whole of `data` is empty. */
export type ResponsePath = string;

export const root: Position = { parent: undefined, step: '', depth: 0 };

export const positionIn = (parent: Position, step: string | number): Position => ({
  ...{ parent, step },
  depth: parent.depth + 1,
});

/** @param objects the names of fields that select something; undefined if they are not known */
export const pathOf = (position: Position, objects?: ReadonlySet<string>): ResponsePath =>
  write(position, () => '[]', objects);

/** The path with indices: `products[3].price`. */
export const indexedPathOf = (position: Position, objects?: ReadonlySet<string>): string =>
  write(position, (index) => `[${index}]`, objects);

function write(
  { parent, step }: Position,
  item: (index: number) => string,
  objects: ReadonlySet<string> | undefined,
): string {
  if (parent === undefined) return '';
  const before = write(parent, item, objects);
  if (typeof step === 'number') return `${before}${item(step)}`;
  // A key in the value of a custom scalar may be a value itself.
  const name = isName.test(step) && (objects === undefined || isSelected(parent, objects)) ? step : '(key)';
  return before === '' ? name : `${before}.${name}`;
}

/** Whether the names of fields at a position are those of the operation, or of the schema. */
function isSelected(position: Position, objects: ReadonlySet<string>): boolean {
  const { parent, step } = fieldAt(position);
  return parent === undefined || (objects.has(step as string) && isSelected(parent, objects));
}

const isName = /^[A-Za-z_]\w{0,99}$/;

export type PositionMatcher = (position: Position) => boolean;

/** Names of the response, `*` for any one, and `**` before them for any way there. */
const patternForm = /^(?:\*\*\.)?(?:\w+|\*)(?:\[\])*(?:\.(?:\w+|\*)(?:\[\])*)*$/;

/**
 * Reads patterns such as `products[].reviews`, `*.total` and `**.updatedAt`. `[]` may be left out: the names alone count.
 *
 * @throws {RangeError} for a pattern that has another form
 */
export function matcherOf(patterns: readonly string[]): PositionMatcher {
  const compiled = patterns.map((pattern) => {
    if (pattern.length > 1000 || !patternForm.test(pattern))
      throw new RangeError(
        `"${pattern.slice(0, 100)}" must be names of the answer with dots between them, such as products[].reviews or **.updatedAt`,
      );
    const names = pattern.replaceAll('[]', '').split('.');
    const isAnywhere = names[0] === '**';
    return { isAnywhere, names: names.slice(isAnywhere ? 1 : 0).reverse() };
  });
  return (position) =>
    compiled.some(({ names, isAnywhere }) => {
      let field = fieldAt(position);
      for (const name of names) {
        if (field.parent === undefined || (name !== '*' && name !== field.step)) return false;
        field = fieldAt(field.parent);
      }
      return isAnywhere || field.parent === undefined;
    });
}

/** The field that a position is, or is an item of. */
function fieldAt(position: Position): Position {
  let field = position;
  while (typeof field.step === 'number') field = field.parent!;
  return field;
}
