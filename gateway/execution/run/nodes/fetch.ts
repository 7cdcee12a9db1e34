import {
  ANSWER,
  ANSWERED,
  BATCH,
  FAILED,
  FIRST_ASKER,
  HEADER,
  SOURCE_END,
  SOURCE_START,
  STATUS,
} from '../../json/tape';
import { Call } from '../call';
import { type CompiledOperation } from '../../compile/subgraph-operation';
import { type Representation } from '../../compile/representations';
import { type Run } from '../run';
import { type Shape } from '../../compile/shape';
import { type Contexts, type ContextValues } from './context';
import { type Step } from './step';
import { type Walk, walk } from './flatten';

/** A fetch of the plan, with everything that is known of it before a request comes. */
export interface CompiledFetch {
  /** Its number in the order of the plan. */
  readonly index: number;
  readonly operation: CompiledOperation;
  readonly walk: Walk;
  /** The word of the records at the end of the walk that refers to what this fetch answers. */
  readonly join: number;
  /** The layout of those records. */
  readonly target: Shape;
  /** Undefined for a fetch that starts at a root type. */
  readonly representation: Representation | undefined;
  /** Arguments that come from the objects around. */
  readonly contexts: Contexts | undefined;
}

/** Asks for the fields of a root type; all objects at the end of the walk refer to the same answer. */
export function rootFetch(fetch: CompiledFetch): Step {
  const { operation, join } = fetch;
  return (run, done) => {
    const { workspace } = run;
    const cell = workspace.allocate(FIRST_ASKER);
    let isNeeded = false as boolean;
    walk(run, fetch.walk, (at) => {
      workspace.tape[workspace.tape[at]! + join] = cell;
      isNeeded = true;
    });
    if (!isNeeded) {
      done();
      return;
    }
    run.caller.calls.planned++;
    const isMutation = operation.request.kind === 'mutation';
    const call = new Call(run, operation, ({ data }) => {
      workspace.tape[cell + ANSWER] = data;
      workspace.tape[cell + STATUS] = data === 0 ? FAILED : ANSWERED;
      // What a mutation has changed must be asked for again.
      if (isMutation) run.forgetEntities();
    });
    call.cells.push(cell);
    workspace.tape[cell + BATCH] = call.id;
    run.uses.push({ fetch, call });
    call.whenDone(done);
    if (isMutation) run.scheduler.send(call);
    else run.scheduler.add(call);
  };
}

/** Asks for the entities at the end of the walk, those that nobody has asked for yet. */
export function entityFetch(fetch: CompiledFetch): Step {
  const { operation, join, target, contexts } = fetch;
  const representation = fetch.representation!;
  const targetIndex = operation.targets.indexOf(target);
  return (run, done) => {
    const { workspace } = run;
    const requests = contexts === undefined ? run.entityRequestsOf(operation, noContexts) : undefined;
    let pending = 0;
    let lastCall = 0;
    const seen: number[] = [];
    const callsBefore = run.calls.length;
    walk(run, fetch.walk, (at, ancestors) => {
      const record = workspace.tape[at]!;
      let cell = workspace.tape[record + join]!;
      // What could not be asked for at another place of the record may be known here.
      if (cell === 0 || cell === run.skipped) {
        cell = (requests ?? run.entityRequestsOf(operation, contexts!(run, ancestors))).ask(
          representation,
          record,
        );
        const { tape } = workspace;
        tape[record + join] = cell;
        if (cell === run.skipped) return;
        const first = tape[cell + FIRST_ASKER + targetIndex]!;
        if (first === 0) tape[cell + FIRST_ASKER + targetIndex] = record;
        else if (!run.isExclusive && isSame(run, target, record, first)) tape[at] = first;
      }
      const id = workspace.tape[cell + BATCH]!;
      if (id === lastCall || seen.includes(id)) return;
      lastCall = id;
      seen.push(id);
      const call = run.calls[id - 1]!;
      run.uses.push({ fetch, call });
      if (!call.isPending) return;
      pending++;
      call.whenDone(oneDone);
    });
    if (seen.length > 0) {
      const { calls } = run.caller;
      const made = run.calls.length - callsBefore;
      calls.planned += Math.max(1, made);
      if (made === 0) calls.merged++;
    }
    if (pending === 0) done();

    function oneDone(): void {
      if (--pending === 0) done();
    }
  };
}

/**
 * Whether two records that stand for the same entity say the same, to the byte, and were joined by the same. Then
 * one can stand for the other: whatever is fetched and written for it is fetched and written once.
 */
function isSame({ workspace: { tape, bytes } }: Run, shape: Shape, one: number, other: number): boolean {
  const start = tape[one + SOURCE_START]!;
  const length = tape[one + SOURCE_END]! - start;
  const otherStart = tape[other + SOURCE_START]!;
  if (start === 0 || otherStart === 0 || tape[other + SOURCE_END]! - otherStart !== length) return false;
  for (let word = HEADER + 2 * shape.fields.size; word < shape.size; word++) {
    if (tape[one + word] !== tape[other + word]) return false;
  }
  if (length > longLoop)
    return bytes.compare(bytes, otherStart, otherStart + length, start, start + length) === 0;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== bytes[otherStart + i]) return false;
  return true;
}

const longLoop = 128;

const noContexts: ContextValues = [];
