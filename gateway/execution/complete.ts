/**
 * Writes `data`: walks the client's operation, finds each value in the merged response and completes it as
 * section 6.4.3 of the GraphQL specification ("Value Completion") says.
 *
 * What needs no completion is copied, fields that stand together at their source in one run. An object that
 * stands in several places is written once and copied from there. A null that may not be is taken back with
 * everything around it up to what may be null (section 6.4.4, "Handling Field Errors").
 *
 * Over 300 lines: fields, lists and values complete one another and share the path and what is taken back.
 */
import { isAbstractType } from 'graphql';
import { type ErrorTrail } from './error-paths';
import {
  ANSWER,
  KIND,
  LENGTH_SHIFT,
  LIST,
  NULL,
  OBJECT,
  RAW,
  TIGHT,
  WRITTEN_BY,
  WRITTEN_END,
  WRITTEN_START,
} from './json/tape';
import { scanLeaves } from './json/scan';
import { locate, typeOf } from './merge';
import { type FieldProjection, type Leaf, type ObjectProjection, type ValueProjection } from './projection';
import { completeLeaf } from './leaves';
import { type Run } from './run';

/** The state of writing one response. */
export class Completion {
  readonly #run: Run;
  readonly #trail: ErrorTrail;
  /** The response keys and indexes that lead to what is being written; `#depth` of them count. */
  readonly #path: (string | number)[] = [];
  #depth = 0;
  /** The JSON of the introspection fields, by response key. */
  readonly #introspect: (field: FieldProjection) => Buffer;

  constructor(run: Run, trail: ErrorTrail, introspect: (field: FieldProjection) => Buffer) {
    this.#run = run;
    this.#trail = trail;
    this.#introspect = introspect;
  }

  /** Writes the response's data: an object, or null. */
  root(): void {
    const { workspace, rootPair, out } = this.#run;
    if (!this.#fields(this.#rootFields, workspace.tape[rootPair]!)) out.all(nullBytes);
  }

  /**
   * Whether a root field that was answered before a fetch has left no data: a null of it has gone up to the root. What
   * is written meanwhile is nothing that anybody reads.
   */
  isDataNullBefore(fetch: number): boolean {
    const { workspace, rootPair, uses } = this.#run;
    const fields = this.#rootFields.filter(
      ({ value: { isNonNull }, answeredBy }) =>
        isNonNull && !answeredBy.has(fetch) && uses.some((use) => answeredBy.has(use.fetch.index)),
    );
    const isNull = !this.#fields(fields, workspace.tape[rootPair]!);
    this.#takeBack(0);
    return isNull;
  }

  get #rootFields(): readonly FieldProjection[] {
    const { projection } = this.#run;
    return projection.fieldsOf(projection.staticType)!;
  }

  /** False, and nothing written, if a null has to go up. */
  #value(projection: ValueProjection, at: number, field: FieldProjection): boolean {
    const { tape } = this.#run.workspace;
    const a = tape[at]!;
    const b = tape[at + 1]!;
    const kind = b & KIND;
    if (((projection.accepts >> kind) & 1) === 1) {
      this.#run.out.copy(this.#run.workspace, a, a + (b >> LENGTH_SHIFT));
      return true;
    }
    if (kind <= NULL) return this.#null(projection, field);
    let isWritten: boolean;
    if (projection.object !== undefined) isWritten = this.#object(projection.object, a, kind, field);
    else if (projection.item !== undefined) isWritten = this.#list(projection.item, a, b, field);
    else isWritten = this.#leaf(projection.leaf!, a, b);
    return isWritten || this.#nullAfterError(projection);
  }

  /** Completes a null, or an absent value. */
  #null(projection: ValueProjection, field: FieldProjection): boolean {
    if (!projection.isNonNull) {
      this.#run.out.all(nullBytes);
      return true;
    }
    this.#error(`Cannot return null for non-nullable field ${field.coordinate}.`);
    return false;
  }

  #nullAfterError(projection: ValueProjection): boolean {
    if (projection.isNonNull) return false;
    this.#run.out.all(nullBytes);
    return true;
  }

  /** Keeps an error for where we are, unless there is one already that explains it. */
  #error(message: string): void {
    this.#trail.addFieldError(this.#path.slice(0, this.#depth), message);
  }

  #refuse(what: string): void {
    this.#trail.addRefusal(this.#path.slice(0, this.#depth), what);
  }

  /** Forgets what was written from `end` on. */
  #takeBack(end: number): void {
    this.#run.out.end = end;
    this.#run.takenBack++;
  }

  #leaf(leaf: Leaf, a: number, b: number): boolean {
    const problem = completeLeaf(this.#run, leaf, a, b);
    if (problem === undefined) return true;
    this.#error(this.#trail.quotesValues ? problem : `Invalid value of type "${leaf.type.name}".`);
    return false;
  }

  #list(item: ValueProjection, a: number, b: number, field: FieldProjection): boolean {
    const { out, workspace } = this.#run;
    const start = out.end;
    let list = (b & KIND) === LIST ? a : 0;
    if ((b & KIND) === RAW) list = scanLeaves(workspace, a, a + (b >> LENGTH_SHIFT));
    if (list === 0) {
      this.#error(`Expected Iterable, but did not find one for field "${field.coordinate}".`);
      return false;
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

  #object(projection: ObjectProjection, record: number, kind: number, field: FieldProjection): boolean {
    if (kind !== OBJECT) {
      this.#error(`Expected an object for field "${field.coordinate}".`);
      return false;
    }
    const { out, workspace } = this.#run;
    const { tape } = workspace;
    const key = projection.id + this.#run.takenBack * idsPerProgram;
    if (projection.id !== 0 && tape[record + WRITTEN_BY] === key) {
      out.again(tape[record + WRITTEN_START]!, tape[record + WRITTEN_END]!);
      return true;
    }
    let type = projection.typeSource === undefined ? 0 : typeOf(workspace, record, projection.typeSource);
    if (type === 0) type = projection.staticType;
    const isSaid = type > 0 || (type === 0 && !projection.isTypeAsked);
    const fields = isSaid ? projection.fieldsOf(type) : undefined;
    if (fields === undefined && projection.isForbidden(type)) {
      this.#refuse(projection.nameOf(type));
      return false;
    }
    if (fields === undefined) {
      if (!this.#areExplained(projection.typeSource?.joins ?? [], record))
        this.#unfitType(projection, type, field);
      return false;
    }
    const start = out.end;
    const errors = this.#trail.count;
    if (!this.#fields(fields, record)) return false;
    if (this.#trail.count === errors) {
      const after = workspace.tape;
      after[record + WRITTEN_BY] = projection.id + this.#run.takenBack * idsPerProgram;
      after[record + WRITTEN_START] = start;
      after[record + WRITTEN_END] = out.end;
    }
    return true;
  }

  #unfitType(
    { returnType, typeSource }: ObjectProjection,
    type: number,
    { coordinate }: FieldProjection,
  ): void {
    const name = typeSource?.types.nameOf(type) ?? '';
    if (!isAbstractType(returnType)) {
      this.#error(
        `Expected value of type "${returnType.name}" for field "${coordinate}" but got type "${name}".`,
      );
    } else if (name === '') {
      const what = type < 0 ? 'a type that does not exist' : 'no type';
      this.#error(`Abstract type "${returnType.name}" was resolved to ${what} for field "${coordinate}".`);
    } else {
      this.#error(`Runtime Object type "${name}" is not a possible type for "${returnType.name}".`);
    }
  }

  #fields(fields: readonly FieldProjection[], record: number): boolean {
    const { workspace, out } = this.#run;
    let { tape } = workspace;
    const start = out.end;
    // The run of bytes at the source that is still to be copied, with whatever stands before its first key.
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
      if (((field.accepts >> (b & KIND)) & 1) === 1) {
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
      if (field.introspection !== undefined) {
        out.all(this.#introspect(field));
        continue;
      }
      this.#path[this.#depth++] = field.responseKey;
      const isWritten =
        (b & KIND) <= NULL ? this.#missing(field, record) : this.#value(field.value, at, field);
      this.#depth--;
      if (!isWritten) {
        this.#takeBack(start);
        return false;
      }
      tape = workspace.tape;
    }
    if (runEnd !== 0) out.copyBehindComma(workspace, runStart, runEnd);
    if (fields.length === 0) out.byte(OPEN_OBJECT);
    else out.bytes[start] = OPEN_OBJECT;
    out.byte(CLOSE_OBJECT);
    return true;
  }

  #missing(field: FieldProjection, record: number): boolean {
    if (field.isRefused) {
      this.#refuse(field.coordinate);
      return this.#nullAfterError(field.value);
    }
    if (field.value.isNonNull && this.#isExplained(field, record)) return false;
    return this.#null(field.value, field);
  }

  /** Whether the field is missing because a call failed, or because of an error that made null what is around it. */
  #isExplained(field: FieldProjection, record: number): boolean {
    const joins = field.access === undefined ? [field.join] : field.access.candidates.map(({ join }) => join);
    return (
      this.#areExplained(
        joins.filter((join) => join !== 0),
        record,
      ) || this.#trail.isLost(this.#path.slice(0, this.#depth), field.answeredBy)
    );
  }

  /**
   * Whether what these were to say of a record is missing because a call failed, or because of an error that left a null
   * where the record now stands: when they could be asked, there was nothing to ask them of.
   */
  #areExplained(joins: readonly number[], record: number): boolean {
    const { tape } = this.#run.workspace;
    const cells = joins.map((join) => tape[record + join]!);
    return (
      cells.some((cell) => this.#trail.isExplained(cell)) ||
      (cells.includes(0) && this.#trail.isLost(this.#path.slice(0, this.#depth)))
    );
  }
}

/** More than any program has. */
export const idsPerProgram = 2 ** 16;

const nullBytes = Buffer.from('null');
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
