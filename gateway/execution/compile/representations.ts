import { KIND, LENGTH_SHIFT, LIST, NULL, OBJECT, type Workspace } from '../json/tape';
import { type ByteWriter } from '../json/write';
import { type ConditionValues } from './conditions';
import {
  type FieldAccess,
  locate,
  type ResponsePosition,
  typeOf,
  type TypeSource,
} from './response-position';
import { type RequiredSelection, type Rewrite } from './plan';
import { typeConditionPrefix } from './rewrites';

/** The merged response of one run, from which representations are written. */
interface MergedRun {
  readonly workspace: Workspace;
  readonly conditions: ConditionValues;
}

interface RepresentationScope {
  readonly position: ResponsePosition;
  /** The numbers of the fetches in earlier steps of the plan: what none of them requests cannot be there. */
  readonly before: readonly number[];
}

/** Writes the representations of an entity fetch as JSON, from the records at one position. */
export class Representation {
  readonly #position: ResponsePosition;
  readonly #before: readonly number[];
  readonly #selections: readonly RequiredSelection[];
  readonly #rewrites: readonly Rewrite[];
  readonly #source: TypeSource;
  /** The field groups by type number, compiled when the first object of the type comes. */
  readonly #groups: (FieldGroup[] | undefined)[] = [];
  readonly #merged = new Map<string, WrittenField[]>();
  readonly #typeKeys: ReadonlySet<number>;

  /** @param typeKeys the types for which `__typename` alone is a key */
  constructor(
    { position, before }: RepresentationScope,
    selections: readonly RequiredSelection[],
    rewrites: readonly Rewrite[] = [],
    typeKeys: readonly string[] = [],
  ) {
    this.#position = position;
    this.#before = before;
    this.#selections = selections;
    this.#rewrites = rewrites;
    this.#source = position.typeSource();
    this.#typeKeys = new Set(typeKeys.map((name) => position.types.idOf(name)));
  }

  /**
   * Writes the representation of the record's object. Returns false and writes nothing if a required field was not
   * answered, if conditions leave out all required fields, or if the fetch has no fields for the object's type.
   */
  write(run: MergedRun, record: number, out: ByteWriter): boolean {
    const start = out.end;
    const fields = this.#fieldsFor(run, record);
    const first = fields?.[0];
    if (
      first?.name !== '__typename' ||
      !writeFields(run, record, fields!, out) ||
      // Only `__typename` and a brace were written, and `__typename` alone is no key of this type.
      (first.isConstant &&
        out.end - start === first.key.length + 1 &&
        !this.#typeKeys.has(typeOf(run.workspace, record, this.#source)))
    ) {
      out.end = start;
      return false;
    }
    return true;
  }

  /** Like `write`, for an object nested in a representation, which needs no `__typename`. */
  writeNested(run: MergedRun, record: number, out: ByteWriter): boolean {
    const fields = this.#fieldsFor(run, record);
    if (fields === undefined) return false;
    return writeFields(run, record, fields, out);
  }

  /**
   * Whether its objects come with those around them, from one subgraph or a part from each. Then a missing field is missing
   * as one of the object around would be. An entity that its subgraph does not know is null.
   */
  get isOfParts(): boolean {
    return !this.#position.isJoined;
  }

  /** A representation with these selections too. */
  with(selections: readonly RequiredSelection[]): Representation {
    const at = { position: this.#position, before: this.#before };
    return new Representation(at, [...this.#selections, ...selections], this.#rewrites);
  }

  #fieldsFor(run: MergedRun, record: number): WrittenField[] | undefined {
    const type = typeOf(run.workspace, record, this.#source);
    if (type < 0) return undefined;
    const groups = (this.#groups[type] ??= this.#compile(type));
    if (groups.length === 1) return groups[0]!.fields;
    // Several fragments apply: a fragment counts only if all its fields were answered.
    let key = `${type}`;
    const complete = groups.filter(({ fields, optional }, i) => {
      const isComplete = fields.every(
        (field) => field.isConstant || isPresent(run, record, field.access) || isNotRequested(field, run),
      );
      if (isComplete) key += `,${i}`;
      return isComplete || !optional;
    });
    let merged = this.#merged.get(key);
    if (merged === undefined) this.#merged.set(key, (merged = mergeFields(complete)));
    return merged;
  }

  /** The fields for objects of one type: one group that is always required, and one per fragment. */
  #compile(type: number): FieldGroup[] {
    const { types } = this.#position;
    const groups: FieldGroup[] = [];
    const rewrites = this.#rewrites.flatMap((rewrite) => {
      const start = rewrite.path.findIndex((element) => !element.startsWith(typeConditionPrefix));
      const conditions = rewrite.path
        .slice(0, start)
        .map((element) => element.slice(typeConditionPrefix.length));
      const applies = type === 0 || conditions.every(isOfType);
      return applies ? [{ ...rewrite, path: rewrite.path.slice(start) }] : [];
    });
    const gather = (selections: readonly RequiredSelection[], optional: boolean): void => {
      const fields: WrittenField[] = [];
      for (const selection of selections) {
        if (selection.kind === 'Field') fields.push(this.#compileField(selection, type, rewrites));
        else if (selection.typeCondition === undefined || isOfType(selection.typeCondition))
          gather(selection.selections, true);
      }
      if (fields.length > 0) groups.push({ optional, fields: fields.sort(byName) });
    };
    gather(this.#selections, false);
    return groups.length === 0 ? [{ optional: false, fields: [] }] : groups;

    function isOfType(condition: string): boolean {
      return types.matching(condition)[type] === 1;
    }
  }

  #compileField(
    { name, alias, selections }: RequiredSelection & { kind: 'Field' },
    type: number,
    rewrites: readonly Rewrite[],
  ): WrittenField {
    const responseName = alias ?? name;
    const here: Rewrite[] = [];
    for (const rewrite of rewrites)
      if (rewrite.path[0] === responseName) here.push({ ...rewrite, path: rewrite.path.slice(1) });
    const own = here.find(({ path }) => path.length === 0);
    const written = own?.kind === 'KeyRenamer' ? own.renameKeyTo : responseName;
    const child = this.#position.fields.get(responseName)?.child;
    const constant =
      own?.kind === 'ValueSetter'
        ? JSON.stringify(own.setValueTo)
        : name === '__typename' && type > 0
          ? this.#position.types.quotedName(type).toString()
          : undefined;
    return {
      position: this.#position,
      before: this.#before,
      responseName,
      name: written,
      selections: selections ?? [],
      key: Buffer.from(`,${JSON.stringify(written)}:${constant ?? ''}`),
      access: this.#position.access(responseName),
      isConstant: constant !== undefined,
      child:
        selections === undefined || child === undefined
          ? undefined
          : new Representation(
              { position: child, before: this.#before },
              selections,
              here.filter(({ path }) => path.length > 0),
            ),
    };
  }
}

interface FieldGroup {
  /** Whether an incomplete group is left out. Without it, an incomplete group means no representation. */
  readonly optional: boolean;
  readonly fields: WrittenField[];
}

interface WrittenField extends RepresentationScope {
  readonly responseName: string;
  readonly name: string;
  readonly selections: readonly RequiredSelection[];
  /** Comma, name and colon; for a constant also its value. */
  readonly key: Buffer;
  readonly access: FieldAccess | undefined;
  readonly isConstant: boolean;
  readonly child: Representation | undefined;
}

/** One field order for all fetches, so that equal representations are equal byte for byte. `__typename` is first. */
function byName(one: WrittenField, other: WrittenField): number {
  if (one.name === '__typename' || other.name === '__typename') return one.name === '__typename' ? -1 : 1;
  return one.name < other.name ? -1 : 1;
}

function mergeFields(groups: readonly FieldGroup[]): WrittenField[] {
  const merged = new Map<string, WrittenField>();
  for (const field of groups.flatMap(({ fields }) => fields)) {
    const known = merged.get(field.name);
    merged.set(
      field.name,
      known?.child === undefined ? field : { ...field, child: known.child.with(field.selections) },
    );
  }
  return [...merged.values()].sort(byName);
}

function isPresent(run: MergedRun, record: number, access: FieldAccess | undefined): boolean {
  return (
    access !== undefined && (run.workspace.tape[locate(run.workspace, record, access) + 1]! & KIND) !== 0
  );
}

/** Whether the client's conditions leave the field out, so that no earlier fetch requests it. */
function isNotRequested({ position, before, responseName }: WrittenField, run: MergedRun): boolean {
  return !position.isRequested(responseName, run.conditions, before);
}

function writeFields(run: MergedRun, record: number, fields: WrittenField[], out: ByteWriter): boolean {
  const start = out.end;
  for (const field of fields) {
    const { access, isConstant, key, child } = field;
    if (isConstant) {
      out.all(key);
      continue;
    }
    const at = access === undefined ? 0 : locate(run.workspace, record, access);
    if (at === 0 || (run.workspace.tape[at + 1]! & KIND) === 0) {
      if (isNotRequested(field, run)) continue;
      return false;
    }
    out.all(key);
    if (!writeValue(run, at, child, out)) return false;
  }
  if (out.end === start) out.byte(OPEN_OBJECT);
  else out.bytes[start] = OPEN_OBJECT;
  out.byte(CLOSE_OBJECT);
  return true;
}

/** Returns false if a part of the value was not answered. What it wrote by then is to be dropped. */
function writeValue(run: MergedRun, at: number, child: Representation | undefined, out: ByteWriter): boolean {
  const { workspace } = run;
  const { tape } = workspace;
  const a = tape[at]!;
  const b = tape[at + 1]!;
  switch (b & KIND) {
    case OBJECT: {
      const start = out.end;
      if (child?.writeNested(run, a, out) === true) return true;
      if (child?.isOfParts === true) return false;
      out.end = start;
      out.all(nullBytes);
      return true;
    }
    case LIST: {
      const count = tape[a]!;
      if (count === 0) out.byte(0x5b);
      for (let i = 0; i < count; i++) {
        out.byte(i === 0 ? 0x5b : 0x2c);
        if (!writeValue(run, a + 1 + 2 * i, child, out)) return false;
      }
      out.byte(0x5d);
      return true;
    }
    case NULL:
      out.all(nullBytes);
      return true;
    default:
      out.copy(workspace, a, a + (b >> LENGTH_SHIFT));
      return true;
  }
}

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const nullBytes = Buffer.from('null');
