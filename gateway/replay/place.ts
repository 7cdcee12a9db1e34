/** Places in answers, and patterns of them. */

/** A field of an object, or an item of a list. */
export interface Place {
  /** Undefined for the whole of `data`. */
  readonly parent: Place | undefined;
  readonly step: string | number;
  readonly depth: number;
}

/** A place without its indices, with `[]` for any item: `products[].reviews[].body`. The whole of `data` is empty. */
export type ResponsePath = string;

export const root: Place = { parent: undefined, step: '', depth: 0 };

export const placeIn = (parent: Place, step: string | number): Place => ({
  ...{ parent, step },
  depth: parent.depth + 1,
});

export const pathOf = (place: Place): ResponsePath => write(place, () => '[]');

/** The path with indices: `products[3].price`. */
export const positionOf = (place: Place): string => write(place, (index) => `[${index}]`);

function write(place: Place, item: (index: number) => string): string {
  if (place.parent === undefined) return '';
  const before = write(place.parent, item);
  if (typeof place.step === 'number') return `${before}${item(place.step)}`;
  // A key that is no name of GraphQL is of a custom scalar, and may be a value.
  const name = isName.test(place.step) ? place.step : '(key)';
  return before === '' ? name : `${before}.${name}`;
}

const isName = /^[A-Za-z_]\w{0,99}$/;

export type PlaceMatcher = (place: Place) => boolean;

/** Names of the response, `*` for any one, and `**` before them for any way there. */
const patternForm = /^(?:\*\*\.)?(?:\w+|\*)(?:\[\])*(?:\.(?:\w+|\*)(?:\[\])*)*$/;

/**
 * Reads patterns such as `products[].reviews`, `*.total` and `**.updatedAt`. `[]` may be left out: the names alone count.
 *
 * @throws {RangeError} for a pattern that has another form
 */
export function matcherOf(patterns: readonly string[]): PlaceMatcher {
  const compiled = patterns.map((pattern) => {
    if (pattern.length > 1000 || !patternForm.test(pattern))
      throw new RangeError(
        `"${pattern.slice(0, 100)}" must be names of the answer with dots between them, such as products[].reviews or **.updatedAt`,
      );
    const names = pattern.replaceAll('[]', '').split('.');
    const isAnywhere = names[0] === '**';
    return { isAnywhere, names: names.slice(isAnywhere ? 1 : 0).reverse() };
  });
  return (place) =>
    compiled.some(({ names, isAnywhere }) => {
      let field = fieldAt(place);
      for (const name of names) {
        if (field.parent === undefined || (name !== '*' && name !== field.step)) return false;
        field = fieldAt(field.parent);
      }
      return isAnywhere || field.parent === undefined;
    });
}

/** The field that a place is, or is an item of. */
function fieldAt(place: Place): Place {
  let field = place;
  while (typeof field.step === 'number') field = field.parent!;
  return field;
}
