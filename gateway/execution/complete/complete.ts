/**
 * Writes `data`: walks the client's operation, finds each value in the merged response and completes it as
 * section 6.4.3 of the GraphQL specification ("Value Completion") demands.
 *
 * Values that need no completion are copied; fields that are adjacent in a subgraph's answer are copied at once. An
 * object at several positions is written once and then copied. A null at a non-null field undoes the output up to the
 * closest nullable field or list item (section 6.4.4, "Handling Field Errors").
 *
 * Over 300 lines: fields, lists and values complete one another and share the path and the output.
 */
import { type FieldNode, isAbstractType } from 'graphql';
import { type ErrorCode, errors } from '../../errors';
import { type ErrorPaths } from './error-paths';
import {
  ANSWER,
  ESCAPED,
  KIND,
  LENGTH_SHIFT,
  LIST,
  NULL,
  OBJECT,
  RAW,
  STRING,
  TIGHT,
  WRITTEN_BY,
  WRITTEN_END,
  WRITTEN_START,
} from '../json/tape';
import { scanLeaves } from '../json/scan';
import { type DeferredSelection } from '../compile/defer';
import { type Path } from './losses';
import { type MissingValue, NullNotes } from './null-notes';
import { locate, typeOf } from '../compile/response-position';
import {
  type FieldProjection,
  idsPerProgram,
  type LeafProjection,
  type ObjectProjection,
  type ValueProjection,
} from '../compile/projection';
import { completeLeaf, isInaccessible } from './leaves';
import { type Run } from '../run/run';

/** Writes what no fetch answers. */
export interface Specials {
  /** Whether nothing is sent later. Read when all is written. */
  readonly isWhole: boolean;
  /** The JSON of an introspection field. */
  introspect(field: FieldProjection, nodes: readonly FieldNode[]): Buffer;
  /** Notes the parts of the object at this path that are sent later. Its output begins at `at`. */
  defer(selection: DeferredSelection, path: Path, at: number): void;
  /** Forgets what was noted of objects whose output begins at `end` or later: it is undone. */
  takeBack(end: number): void;
}

/** The state of writing one response. */
export class Completion {
  readonly #run: Run;
  readonly #errorPaths: ErrorPaths;
  /** The response path of the value that is being written; its first `#depth` elements count. */
  readonly #path: (string | number)[] = [];
  #depth = 0;
  readonly #specials: Specials;
  /** Kinds that are copied if their field accepts them; no null where a call failed or an observer gets each. */
  readonly #plainKinds: number;
  /** Undefined without an observer of nulls. */
  readonly #nulls: NullNotes | undefined;
  /** Whether the observer gets each null. */
  readonly #seesAll: boolean;

  constructor(run: Run, errorPaths: ErrorPaths, specials: Specials) {
    this.#run = run;
    this.#errorPaths = errorPaths;
    this.#nulls = errorPaths.nulls && new NullNotes(run, errorPaths, errorPaths.nulls);
    this.#seesAll = errorPaths.nulls?.isThorough === true;
    this.#plainKinds = errorPaths.isTroubled || this.#seesAll ? ~(1 << NULL) : -1;
    this.#specials = specials;
  }

  /** Writes the response's data: an object, or null. */
  root(): void {
    const { workspace, rootPair, out } = this.#run;
    if (!this.#fields(this.#rootFields, workspace.tape[rootPair]!)) {
      this.#nulls?.settle([], '');
      out.all(nullBytes);
    }
    this.#nulls?.report();
  }

  /** Writes some fields of the object at a path. Returns false and writes nothing if a null must propagate to it. */
  fieldsAt(path: Path, fields: readonly FieldProjection[], record: number): boolean {
    this.#depth = 0;
    for (const key of path) this.#path[this.#depth++] = key;
    const isWritten = this.#fields(fields, record);
    this.#nulls?.report();
    return isWritten;
  }

  /** Whether a null has propagated to `data`, but for fields that later fetches may answer. Discards its output. */
  isDataNullBefore(isToCome: (fetch: number) => boolean): boolean {
    const { workspace, rootPair, uses } = this.#run;
    const fields = this.#rootFields.filter(
      ({ value: { isNonNull }, answeredBy }) =>
        isNonNull && uses.some((use) => answeredBy.has(use.fetch.index)) && ![...answeredBy].some(isToCome),
    );
    const isNull = !this.#fields(fields, workspace.tape[rootPair]!);
    this.#takeBack(0);
    return isNull;
  }

  get #rootFields(): readonly FieldProjection[] {
    const { projection } = this.#run;
    return projection.fieldsOf(projection.staticType)!;
  }

  /** Returns false and writes nothing if a null must propagate to the parent. */
  #value(projection: ValueProjection, at: number, field: FieldProjection): boolean {
    const { tape } = this.#run.workspace;
    const a = tape[at]!;
    const b = tape[at + 1]!;
    const kind = b & KIND;
    if ((((projection.accepts & this.#plainKinds) >> kind) & 1) === 1) {
      this.#run.out.copy(this.#run.workspace, a, a + (b >> LENGTH_SHIFT));
      return true;
    }
    if (kind <= NULL) return this.#null(projection, field, at);
    let isWritten: boolean;
    if (projection.object !== undefined)
      isWritten = this.#object(projection, projection.object, a, kind, field);
    else if (projection.item !== undefined) isWritten = this.#list(projection.item, a, b, field);
    else isWritten = this.#leaf(projection, projection.leaf!, a, b, field);
    if (isWritten || projection.isNonNull) return isWritten;
    this.#nulls?.settle(this.#here(), field.coordinate);
    return this.#writeNull(projection);
  }

  #null(projection: ValueProjection, field: FieldProjection, at: number): boolean {
    if (this.#nulls !== undefined && (this.#errorPaths.isTroubled || this.#seesAll || projection.isNonNull))
      this.#noteMissing(projection, { field, record: 0, at, cells: [], isNull: true });
    if (this.#writeNull(projection)) return true;
    const { tape } = this.#run.workspace;
    this.#error(nullText(field), this.#errorPaths.senderOf(tape[at]!, NULL, field.answeredBy));
    return false;
  }

  #noteMissing({ isNonNull }: ValueProjection, missing: MissingValue): void {
    const path = this.#here();
    const cause = this.#nulls!.causeOf(path, missing);
    this.#nulls!.note(path, missing.field.coordinate, cause, !isNonNull);
  }

  /** Completes a valid value that is `@inaccessible`. */
  #inaccessible(projection: ValueProjection, field: FieldProjection): boolean {
    this.#nulls?.note(this.#here(), field.coordinate, { kind: 'hidden' }, !projection.isNonNull);
    if (this.#writeNull(projection)) return true;
    this.#error(nullText(field), undefined, 'INACCESSIBLE_VALUE');
    return false;
  }

  /** Returns false and writes nothing if the value is non-null. */
  #writeNull(projection: ValueProjection): boolean {
    if (projection.isNonNull) return false;
    this.#run.out.all(nullBytes);
    return true;
  }

  /** Adds an error at the current path, unless a known error explains it. */
  #error(message: string, subgraph: string | undefined, code?: ErrorCode): void {
    this.#errorPaths.addFieldError(this.#here(), message, { subgraph, code });
  }

  #refuse(what: string): void {
    this.#errorPaths.addRefusal(this.#here(), what);
  }

  #here(): (string | number)[] {
    return this.#path.slice(0, this.#depth);
  }

  /** Undoes the output from `end` on. */
  #takeBack(end: number): void {
    this.#run.out.end = end;
    this.#nulls?.takeBack(end);
    this.#run.takenBack++;
    this.#specials.takeBack(end);
  }

  #leaf(value: ValueProjection, leaf: LeafProjection, a: number, b: number, field: FieldProjection): boolean {
    const problem = completeLeaf(this.#run, leaf, a, b);
    if (problem === undefined) return true;
    if (isInaccessible(this.#run, leaf, a, b)) return this.#inaccessible(value, field);
    const kind = b & KIND;
    const isQuoted = this.#errorPaths.quotesValuesOf(this.#errorPaths.senderOf(a, kind, field.answeredBy));
    const message = isQuoted ? problem : `Invalid value of type "${leaf.type.name}".`;
    return this.#unfit(field, message, a, kind);
  }

  #list(item: ValueProjection, a: number, b: number, field: FieldProjection): boolean {
    const { out, workspace } = this.#run;
    const start = out.end;
    let list = (b & KIND) === LIST ? a : 0;
    if ((b & KIND) === RAW) list = scanLeaves(workspace, a, a + (b >> LENGTH_SHIFT));
    if (list === 0) {
      const message = `Expected Iterable, but did not find one for field "${field.coordinate}".`;
      return this.#unfit(field, message, a, b & KIND);
    }
    const count = workspace.tape[list]!;
    if (count === 0) out.byte(OPEN_LIST);
    const depth = this.#depth++;
    for (let i = 0; i < count; i++) {
      out.byte(i === 0 ? OPEN_LIST : COMMA);
      this.#path[depth] = i;
      if (this.#value(item, list + 1 + 2 * i, field)) continue;
      this.#depth = depth;
      this.#takeBack(start);
      return false;
    }
    this.#depth = depth;
    out.byte(CLOSE_LIST);
    return true;
  }

  #object(
    value: ValueProjection,
    projection: ObjectProjection,
    record: number,
    kind: number,
    field: FieldProjection,
  ): boolean {
    if (kind !== OBJECT)
      return this.#unfit(field, `Expected an object for field "${field.coordinate}".`, record, kind);
    const { out, workspace } = this.#run;
    const { tape } = workspace;
    const key = projection.id + this.#run.takenBack * idsPerProgram;
    if (projection.id !== 0 && tape[record + WRITTEN_BY] === key && !this.#seesAll) {
      out.again(tape[record + WRITTEN_START]!, tape[record + WRITTEN_END]!);
      return true;
    }
    let type = projection.typeSource === undefined ? 0 : typeOf(workspace, record, projection.typeSource);
    if (type === 0) type = projection.staticType;
    const isTyped = type > 0 || (type === 0 && !projection.isTypeRequested);
    const fields = isTyped ? projection.fieldsOf(type) : undefined;
    if (fields === undefined) {
      if (projection.isInaccessible(type)) return this.#inaccessible(value, field);
      if (projection.isForbidden(type)) {
        const what = projection.nameOf(type);
        this.#nulls?.note(this.#here(), field.coordinate, { kind: 'not-authorized', what }, false);
        this.#refuse(what);
      } else if (!this.#isTypeExplained(projection, record, field))
        this.#unfitType(projection, type, record, field);
      return false;
    }
    const start = out.end;
    const errors = this.#errorPaths.count;
    if (!this.#fields(fields, record)) return false;
    if (this.#errorPaths.count === errors) {
      const after = workspace.tape;
      after[record + WRITTEN_BY] = projection.id + this.#run.takenBack * idsPerProgram;
      after[record + WRITTEN_START] = start;
      after[record + WRITTEN_END] = out.end;
    }
    return true;
  }

  #unfitType(projection: ObjectProjection, type: number, record: number, field: FieldProjection): void {
    const { returnType } = projection;
    const { coordinate } = field;
    // Clients may not see the type's name if it is @inaccessible. Another subgraph than the record's may have sent it.
    const name = this.#errorPaths.quotesValuesOf(undefined)
      ? this.#typenameOf(projection, record)
      : undefined;
    let message: string;
    if (!isAbstractType(returnType)) {
      const got = name === undefined ? 'another' : `type ${name}`;
      message = `Expected value of type "${returnType.name}" for field "${coordinate}" but got ${got}.`;
    } else if (type === 0) {
      message = `Abstract type "${returnType.name}" was resolved to no type for field "${coordinate}".`;
    } else if (type < 0) {
      const what = name === undefined ? 'a type' : `a type ${name}`;
      message = `Abstract type "${returnType.name}" was resolved to ${what} that does not exist for field "${coordinate}".`;
    } else {
      const what = name === undefined ? 'The runtime Object type' : `Runtime Object type ${name}`;
      message = `${what} is not a possible type for "${returnType.name}".`;
    }
    this.#unfit(field, message, record, OBJECT);
  }

  /** Refuses a value that does not fit its type. Returns false: nothing is written. */
  #unfit(field: FieldProjection, message: string, a: number, kind: number): false {
    const subgraph = this.#errorPaths.senderOf(a, kind, field.answeredBy);
    this.#nulls?.note(this.#here(), field.coordinate, { kind: 'invalid-value', subgraph }, false);
    this.#error(message, subgraph);
    return false;
  }

  /** The type name of a record's object as JSON, as subgraphs answered it; undefined if none did. */
  #typenameOf({ typename, typeSource }: ObjectProjection, record: number): string | undefined {
    const { workspace } = this.#run;
    const type = typeSource === undefined ? 0 : typeOf(workspace, record, typeSource);
    if (type > 0) return JSON.stringify(typeSource!.types.nameOf(type));
    if (typename === undefined) return undefined;
    const at = locate(workspace, record, typename);
    const { bytes, tape } = workspace;
    const b = tape[at + 1]!;
    if ((b & KIND) !== STRING && (b & KIND) !== ESCAPED) return undefined;
    return bytes.toString('utf8', tape[at], tape[at]! + (b >> LENGTH_SHIFT));
  }

  #fields(fields: readonly FieldProjection[], record: number): boolean {
    const { workspace, out } = this.#run;
    const plainKinds = this.#plainKinds;
    let { tape } = workspace;
    const start = out.end;
    // The bytes of adjacent fields that are still to be copied, with the one byte before their first key.
    let runStart = 0;
    let runEnd = 0;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!;
      let at: number;
      if (field.access === undefined) {
        at = (field.join === 0 ? record : tape[tape[record + field.join]! + ANSWER]!) + field.slot;
      } else {
        at = locate(workspace, record, field.access);
        tape = workspace.tape;
      }
      const b = field.isAnswered ? tape[at + 1]! : 0;
      if ((((field.accepts & plainKinds) >> (b & KIND)) & 1) === 1) {
        const a = tape[at]!;
        const end = a + (b >> LENGTH_SHIFT);
        if ((b & TIGHT) !== 0) {
          const keyStart = a - field.key.length + 1;
          if (keyStart === runEnd + 1) {
            runEnd = end;
            continue;
          }
          if (runEnd !== 0) out.copyBehindComma(workspace, runStart, runEnd);
          runStart = keyStart - 1;
          runEnd = end;
          continue;
        }
        if (runEnd !== 0) out.copyBehindComma(workspace, runStart, runEnd);
        runEnd = 0;
        out.all(field.key);
        out.copy(workspace, a, end);
        continue;
      }
      if (runEnd !== 0) out.copyBehindComma(workspace, runStart, runEnd);
      runEnd = 0;
      out.all(field.key);
      if (field.constant !== undefined) {
        out.all(field.constant);
        continue;
      }
      if (field.special !== undefined) {
        this.#special(field, field.special);
        continue;
      }
      this.#path[this.#depth++] = field.responseKey;
      const isWritten =
        (b & KIND) <= NULL ? this.#missing(field, record, at, b) : this.#value(field.value, at, field);
      this.#depth--;
      if (!isWritten) {
        this.#takeBack(start);
        return false;
      }
      tape = workspace.tape;
    }
    if (runEnd !== 0) out.copyBehindComma(workspace, runStart, runEnd);
    if (out.end === start) out.byte(OPEN_OBJECT);
    else out.bytes[start] = OPEN_OBJECT;
    out.byte(CLOSE_OBJECT);
    return true;
  }

  #special(field: FieldProjection, special: NonNullable<FieldProjection['special']>): void {
    const { out } = this.#run;
    if ('later' in special) this.#specials.defer(special, this.#here(), out.end);
    else out.all(this.#specials.introspect(field, special));
  }

  /** Completes a field that is null or absent. */
  #missing(field: FieldProjection, record: number, at: number, b: number): boolean {
    const { answeredBy, isRefused, isUnplanned, value } = field;
    const nulls = this.#nulls;
    if (isRefused) {
      const what = field.coordinate;
      nulls?.note(this.#here(), what, { kind: 'not-authorized', what }, !value.isNonNull);
      this.#refuse(what);
      return this.#writeNull(value);
    }
    if (isUnplanned) {
      nulls?.note(this.#here(), field.coordinate, { kind: 'not-planned' }, !value.isNonNull);
      this.#error(
        errors.QUERY_PLANNING_FAILED.message({ field: field.coordinate }),
        undefined,
        'QUERY_PLANNING_FAILED',
      );
      return this.#writeNull(value);
    }
    const isNull = (b & KIND) === NULL;
    const { isTroubled } = this.#errorPaths;
    if (!isTroubled && !value.isNonNull && (nulls === undefined || (isNull && !this.#seesAll)))
      return this.#writeNull(value);
    const { tape } = this.#run.workspace;
    const joins = field.access === undefined ? [field.join] : field.access.candidates.map(({ join }) => join);
    const cells = joins.filter((join) => join !== 0).map((join) => tape[record + join]!);
    const isExplained =
      isNull && !value.isNonNull
        ? this.#errorPaths.explainsNull(this.#here(), cells)
        : this.#errorPaths.explainsGap(this.#here(), cells, answeredBy);
    if (nulls !== undefined) this.#noteMissing(value, { field, record, at, cells, isNull });
    if (this.#writeNull(value) || isExplained) return !value.isNonNull;
    const subgraph = isNull
      ? this.#errorPaths.senderOf(tape[at]!, NULL, answeredBy)
      : this.#errorPaths.fetchResponsibleFor(record, cells, answeredBy);
    this.#error(nullText(field), subgraph);
    return false;
  }

  #isTypeExplained(
    { typedBy, typeSource }: ObjectProjection,
    record: number,
    field: FieldProjection,
  ): boolean {
    const { tape } = this.#run.workspace;
    const cells = (typeSource?.joins ?? []).map((join) => tape[record + join]!);
    if (!this.#errorPaths.explainsGap(this.#here(), cells, typedBy)) return false;
    if (this.#nulls !== undefined) {
      const missing = { field: { ...field, answeredBy: typedBy }, record, at: 0, cells, isNull: false };
      const path = this.#here();
      this.#nulls.note(path, field.coordinate, this.#nulls.causeOf(path, missing), false);
    }
    return true;
  }
}

const nullText = ({ coordinate }: FieldProjection): string =>
  `Cannot return null for non-nullable field ${coordinate}.`;

const nullBytes = Buffer.from('null');
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
