/** What "the same answer" means for sources: where all is well, and where calls of one entity fail. */
import { isDeepStrictEqual } from 'node:util';
import { errorsByNull } from './compare';
import { type NaiveAnswer } from './sources-graph';
import { type Answer } from './systems';

type Path = readonly (string | number)[];

/**
 * Why an answer is not that of the naive join: other data, a null without an error that has one there, or an error of what
 * did not fail.
 */
export function differenceFromNaive(expected: NaiveAnswer, got: Answer): string | undefined {
  if (got.errors.some(isOfTypes) || got.errors.some(isOfPath)) return undefined;
  if (JSON.stringify(expected.data) !== JSON.stringify(got.data))
    return isDeepStrictEqual(expected.data, got.data) ? 'order of data' : 'data';
  const [wanted, found] = [errorsByNull(expected).byPlace, errorsByNull(got).byPlace];
  // The engine reports a null that may not be once for all positions of an entity.
  const reported = new Set([...found.keys()].map(withoutNumbers));
  for (const [place, errors] of wanted)
    if (
      !found.has(place) &&
      !reported.has(withoutNumbers(place)) &&
      !errors.every(({ path }) => expected.unknown.has(JSON.stringify(path)))
    )
      return `missing error at ${place}`;
  for (const [place, errors] of found)
    if (!wanted.has(place) && !isUnknown(place, expected) && !errors.every(isNotFound))
      return `unexpected error at ${place}`;
  return undefined;
}

/** A response name of two fields of one type in the graph, but of two at the API: it refuses them. */
const isOfTypes = ({ message }: Answer['errors'][number]): boolean =>
  message.includes('return conflicting types');

/** A path has no empty segments. */
const isOfPath = ({ message }: Answer['errors'][number]): boolean => message.includes('is a part of a path');

/** A root field of a REST API that answers 404 fails. */
const isNotFound = ({ extensions }: Answer['errors'][number]): boolean =>
  (extensions?.['http'] as { readonly status: number } | undefined)?.status === 404;

const withoutNumbers = (place: string): string => place.replaceAll(/,\d+/g, '');

/** Whether an API does not know the entity there: a lookup that cannot be null fails for it. */
const isUnknown = (place: string, { unknown }: NaiveAnswer): boolean =>
  [...unknown].some((path) => path === place || path.startsWith(`${place.slice(0, -1)},`));

/**
 * Why an answer is wrong where calls fail for an entity: a value that is neither that of the whole answer nor null where `least`
 * has null, too; or a null that no error explains.
 *
 * @param least what is left where all that the API has of the entity fails
 * @param isSilent whether the entity is unknown, so that its nulls need no error
 */
export function differenceFromFaulty(
  whole: Answer,
  least: Answer,
  got: Answer,
  { isSilent }: { readonly isSilent: boolean },
): string | undefined {
  if (got.errors.some(isOfTypes) || got.errors.some(isOfPath)) return undefined;
  // An error of a lookup is at the entity, or at what is null of it.
  const told = got.errors.map(({ path = [] }) => JSON.stringify(path).slice(0, -1));
  const isTold = (path: Path): boolean => {
    const text = JSON.stringify(path).slice(0, -1);
    return told.some(
      (one) =>
        text === '[' ||
        one === text ||
        one.startsWith(`${text},`) ||
        (one !== '[' && text.startsWith(one.replace(/,?[^,]*$/, ''))),
    );
  };
  const differs = (whole: unknown, least: unknown, got: unknown, path: Path): string | undefined => {
    if (got === null) {
      if (whole === null) return undefined;
      if (least !== null && least !== undefined) return `lost ${path.join('.')}`;
      return isSilent || isTold(path) ? undefined : `silent null at ${path.join('.')}`;
    }
    if (typeof whole !== 'object' || whole === null)
      return whole === got ? undefined : `other value at ${path.join('.')}`;
    if (typeof got !== 'object' || Array.isArray(got) !== Array.isArray(whole))
      return `other value at ${path.join('.')}`;
    const [keys, gotKeys] = [Object.keys(whole), Object.keys(got)];
    if (keys.join() !== gotKeys.join()) return `other keys at ${path.join('.')}`;
    for (const key of keys) {
      const [one, other, last] = [whole, got, least].map(
        (value) => (value as Record<string, unknown> | null | undefined)?.[key],
      );
      const what = differs(one, last ?? null, other, [...path, Array.isArray(whole) ? Number(key) : key]);
      if (what !== undefined) return what;
    }
    return undefined;
  };
  return differs(whole.data, least.data, got.data, []);
}
