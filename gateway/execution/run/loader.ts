/**
 * Requests each entity from a subgraph once per operation, however many positions of the response need it. A run has a
 * loader for each operation and its context values.
 *
 * Each representation is written to the buffer of the next call and compared there as bytes. A known one is removed
 * again. Entities requested in one turn of the event loop go into one call.
 */
import {
  ANSWER,
  ANSWERED,
  CALL,
  FAILED,
  FIRST_REQUESTER,
  KIND,
  LIST,
  NULL,
  OBJECT,
  REPRESENTATION_HASH,
  REPRESENTATION_LENGTH,
  REPRESENTATION_START,
  STATUS,
} from '../json/tape';
import { type ByteWriter } from '../json/write';
import { SubgraphCall, type EntitiesOfCalls } from './call';
import { contextJson, type ContextValues } from './contexts';
import { type FetchOperation } from '../compile/subgraph-operation';
import { type Representation } from '../compile/representations';
import { type Run } from './run';

/** The entities that a run requests with one operation. */
export class EntityLoader implements EntitiesOfCalls {
  readonly operation: FetchOperation;
  readonly arguments: Buffer;
  readonly contexts: ContextValues;
  readonly written: ByteWriter;
  readonly #run: Run;
  #cells: number[] = [];
  /** The call that collects entities now. */
  #next: SubgraphCall | undefined;
  /** Where on the tape the hash table of the cells begins: open addressing, 0 is an empty slot. */
  #table: number;
  /** Size of the table - 1. */
  #mask = firstTableSize - 1;

  constructor(run: Run, operation: FetchOperation, contexts: ContextValues) {
    this.operation = operation;
    this.contexts = contexts;
    const variables = [
      run.variablesFor(operation.variableUsages),
      contextJson(operation.contextVariables, contexts),
    ];
    this.arguments = Buffer.from(variables.filter((json) => json !== '').join(','));
    this.written = run.lendWriter();
    this.#run = run;
    this.#table = run.workspace.allocate(firstTableSize);
  }

  /** The cell of a record's entity; the `skipped` cell if no representation can be written. */
  cellOf(representation: Representation, record: number): number {
    const { workspace } = this.#run;
    const out = this.written;
    const before = out.end;
    out.byte(COMMA);
    if (!representation.write(this.#run, record, out)) {
      out.end = before;
      return this.#run.skipped;
    }
    const start = before + 1;
    const length = out.end - start;
    const hash = hashOf(out.view, start, out.end);
    const mask = this.#mask;
    let slot = hash & mask;
    for (; workspace.tape[this.#table + slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#run.isExclusive) continue;
      const { tape } = workspace;
      const cell = tape[this.#table + slot]!;
      if (tape[cell + REPRESENTATION_HASH] !== hash || tape[cell + REPRESENTATION_LENGTH] !== length)
        continue;
      if (!isEqual(out.bytes, tape[cell + REPRESENTATION_START]!, start, length)) continue;
      out.end = before;
      return cell;
    }
    const cell = workspace.allocate(FIRST_REQUESTER + this.operation.targets.length);
    const { tape } = workspace;
    tape[cell + REPRESENTATION_START] = start;
    tape[cell + REPRESENTATION_LENGTH] = length;
    tape[cell + REPRESENTATION_HASH] = hash;
    tape[this.#table + slot] = cell;
    this.#cells.push(cell);
    if (this.#next === undefined) {
      this.#next = new SubgraphCall(this.#run.calls, this.operation, [], this.#read, this, start);
      this.#run.scheduler.add(this.#next);
    }
    tape[cell + CALL] = this.#next.id;
    this.#next.cells.push(cell);
    if (this.#cells.length * 2 > mask) this.#growTable();
    return cell;
  }

  endCall(): number {
    this.#next = undefined;
    return this.written.end;
  }

  /** Forgets the known entities, so that they are requested again. */
  forget(): void {
    this.#run.workspace.tape.fill(0, this.#table, this.#table + this.#mask + 1);
    this.#cells = [];
  }

  readonly #read = (call: SubgraphCall): void => {
    const { tape } = this.#run.workspace;
    const { cells } = call;
    let list = 0;
    if (call.data !== 0) {
      const at = call.data + call.operation.shape.fields.get('_entities')!.slot;
      const kind = tape[at + 1]! & KIND;
      if (kind === LIST) list = checkEntities(call, tape, tape[at]!);
      else if (call.errors.length === 0) call.reject('it has no entities');
    }
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]!;
      if (list === 0) tape[cell + STATUS] = FAILED;
      else {
        tape[cell + STATUS] = ANSWERED;
        if ((tape[list + 2 + 2 * i]! & KIND) === OBJECT) tape[cell + ANSWER] = tape[list + 1 + 2 * i]!;
      }
    }
  };

  #growTable(): void {
    const { workspace } = this.#run;
    this.#mask = (this.#mask + 1) * 4 - 1;
    this.#table = workspace.allocate(this.#mask + 1);
    const { tape } = workspace;
    for (const cell of this.#cells) {
      let slot = tape[cell + REPRESENTATION_HASH]! & this.#mask;
      while (tape[this.#table + slot] !== 0) slot = (slot + 1) & this.#mask;
      tape[this.#table + slot] = cell;
    }
  }
}

const firstTableSize = 64;

/** Returns the list, or fails the call and returns 0 if the list does not match the requested entities. */
function checkEntities(call: SubgraphCall, tape: Int32Array, list: number): number {
  const count = tape[list]!;
  if (count !== call.cells.length) {
    call.reject(`it has ${count} entities instead of ${call.cells.length}`);
    return 0;
  }
  for (let i = 0; i < count; i++) {
    const kind = tape[list + 2 + 2 * i]! & KIND;
    if (kind === OBJECT || kind === NULL) continue;
    call.reject('one of its entities is no object');
    return 0;
  }
  return list;
}

/** Like FNV-1a, but over four bytes at a time. Bytes after the end do not count. */
function hashOf(view: DataView, start: number, end: number): number {
  let hash = (end - start) | 0;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    hash = Math.imul(hash ^ view.getInt32(i, true), 0x01000193);
    hash ^= hash >>> 15;
  }
  for (; i < end; i++) hash = Math.imul(hash ^ view.getUint8(i), 0x01000193);
  return hash ^ (hash >>> 13);
}

function isEqual(bytes: Buffer, one: number, other: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[one + i] !== bytes[other + i]) return false;
  return true;
}

const COMMA = 0x2c;
