import { locate, typeOf } from '../compile/response-position';
import { KIND, LENGTH_SHIFT, NULL, OBJECT, type Workspace } from '../json/tape';
import { type ContextSource, type ContextStep } from '../program';

/** The JSON of each of an operation's context variables; undefined where no ancestor has a value. */
export type ContextValues = readonly (string | undefined)[];

/** Variables with these names as JSON members: `"name":value`, comma-separated. */
export function contextJson(names: readonly string[], values: ContextValues): string {
  let json = '';
  for (const [i, value] of values.entries())
    if (value !== undefined) json += `${json === '' ? '' : ','}${JSON.stringify(names[i])}:${value}`;
  return json;
}

/** @param ancestors the records from the root to the fetched object, itself included */
export function readContexts(
  sources: readonly (readonly ContextSource[])[],
  workspace: Workspace,
  ancestors: readonly number[],
): ContextValues {
  return sources.map((alternatives) => {
    let value: string | undefined;
    for (const { depth, steps } of alternatives) value ??= read(workspace, ancestors[depth]!, steps);
    return value;
  });
}

/** The JSON of a leaf; undefined if it is absent, or if an object on the way has another type. */
function read(workspace: Workspace, from: number, steps: readonly ContextStep[]): string | undefined {
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
