import { KIND, LENGTH_SHIFT, NULL, OBJECT } from '../../json/tape';
import { type Access, locate, type Place, typeOf, type TypeSource } from '../../compile/merge';
import { type KeyRenamer } from '../../compile/plan';
import { typeConditionPrefix } from '../../compile/rewrites';
import { type Run } from '../run';
import { placeAt, type ResponsePath } from './flatten';

/**
 * Arguments that a fetch takes from the objects around the one that it is about (`@fromContext`). `ancestors` are the
 * records on the way to the object, itself included.
 */
export type Contexts = (run: Run, ancestors: readonly number[]) => ContextValues;

/** The JSON of each of an operation's context variables; undefined where no object around says it. */
export type ContextValues = readonly (string | undefined)[];

/** Variables under these names: `"name":value`, comma-separated. */
export function contextJson(names: readonly string[], values: ContextValues): string {
  let json = '';
  for (const [i, value] of values.entries()) {
    if (value !== undefined) json += `${json === '' ? '' : ','}${JSON.stringify(names[i])}:${value}`;
  }
  return json;
}

/** The variables that a fetch takes from the objects around. */
export const contextVariables = (rewrites: readonly KeyRenamer[] = []): string[] => [
  ...new Set(rewrites.map(({ renameKeyTo }) => renameKeyTo)),
];

export function compileContexts(rewrites: readonly KeyRenamer[], root: Place, path: ResponsePath): Contexts {
  const keys = path.filter((element) => !/^(@|\|)/.test(String(element)) && element !== '');
  const names = contextVariables(rewrites);
  const byName: ContextValue[][] = names.map(() => []);
  for (const { path: relative, renameKeyTo } of rewrites) {
    const up = relative.filter((element) => element === '..').length;
    const depth = keys.length - up;
    const place = depth < 0 ? undefined : placeAt(root, keys.slice(0, depth));
    const steps = place && compileSteps(place, relative.slice(up));
    if (steps === undefined) continue;
    byName[names.indexOf(renameKeyTo)]!.push({ depth, steps });
  }
  return (run, ancestors) =>
    byName.map((alternatives) => {
      let value: string | undefined;
      for (const { depth, steps } of alternatives) value ??= read(run, ancestors[depth]!, steps);
      return value;
    });
}

interface ContextValue {
  /** Which of the ancestors it is read from. */
  readonly depth: number;
  readonly steps: readonly ContextStep[];
}

interface ContextStep {
  readonly types: Uint8Array | undefined;
  readonly typed: TypeSource;
  readonly access: Access;
}

function compileSteps(from: Place, path: readonly string[]): ContextStep[] | undefined {
  const steps: ContextStep[] = [];
  let place: Place | undefined = from;
  let types: Uint8Array | undefined;
  for (const element of path) {
    if (place === undefined) return undefined;
    if (element.startsWith(typeConditionPrefix)) {
      types = place.types.matching(element.slice(typeConditionPrefix.length));
      continue;
    }
    const access = place.access(element);
    if (access === undefined) return undefined;
    steps.push({ types, typed: place.typeSource(), access });
    types = undefined;
    place = place.fields.get(element)?.child;
  }
  return steps;
}

/** The JSON of a leaf; undefined if it is not there, or of another type's object. */
function read({ workspace }: Run, from: number, steps: readonly ContextStep[]): string | undefined {
  let record = from;
  for (const [i, { types, typed, access }] of steps.entries()) {
    const type = typeOf(workspace, record, typed);
    if (types !== undefined && type !== 0 && types[type] !== 1) return undefined;
    const at = locate(workspace, record, access);
    const a = workspace.tape[at]!;
    const b = workspace.tape[at + 1]!;
    if (i === steps.length - 1) {
      if ((b & KIND) === NULL) return 'null';
      return b >> LENGTH_SHIFT === 0
        ? undefined
        : workspace.bytes.toString('utf8', a, a + (b >> LENGTH_SHIFT));
    }
    if ((b & KIND) !== OBJECT) return (b & KIND) === NULL ? 'null' : undefined;
    record = a;
  }
  return undefined;
}
