import {
  ANSWER,
  ANSWERED,
  CALL,
  FAILED,
  FIRST_REQUESTER,
  HEADER,
  SOURCE_END,
  SOURCE_START,
  STATUS,
} from '../json/tape';
import { type Shape } from '../compile/shape';
import { type CompiledFetch, type EntityFetch, type RootFetch } from '../program';
import { countFetches } from '../../subgraph-calls/contract/transport';
import { SubgraphCall } from './call';
import { type ContextValues, readContexts } from './contexts';
import { type Run } from './run';
import { walk } from './walk';

/** Starts a fetch. Calls `done` once, perhaps synchronously. The run keeps failures. */
export function startFetch(run: Run, fetch: CompiledFetch, done: () => void): void {
  switch (fetch.kind) {
    case 'root':
      fetchRoot(run, fetch, done);
      return;
    case 'mutation':
      // A mutation field is not run when an earlier one has made `data` null: a client that learns of the failure
      // expects no more effects (GraphQL, section 6.4.4, "Handling Execution Errors", lets a server choose).
      if (run.uses.length > 0 && run.isDataNullBefore(fetch.index)) done();
      else fetchRoot(run, fetch, done);
      return;
    case 'entities':
      fetchEntities(run, fetch, done);
      return;
    default:
      fetch satisfies never;
  }
}

/** Fetches fields of a root type. All objects at the end of the walk refer to the same answer. */
function fetchRoot(run: Run, fetch: RootFetch, done: () => void): void {
  const { kind, operation, join } = fetch;
  const { workspace } = run;
  const cell = workspace.allocate(FIRST_REQUESTER);
  let isNeeded = false as boolean;
  walk(run, fetch.walk, (at) => {
    workspace.tape[workspace.tape[at]! + join] = cell;
    isNeeded = true;
  });
  if (!isNeeded) {
    done();
    return;
  }
  countFetches(run.caller, operation.request, 'planned', 1);
  const isMutation = kind === 'mutation';
  const call = new SubgraphCall(run.calls, operation, [cell], ({ data }) => {
    workspace.tape[cell + ANSWER] = data;
    workspace.tape[cell + STATUS] = data === 0 ? FAILED : ANSWERED;
    // A mutation may have changed entities, so they are fetched again.
    if (isMutation) run.forgetEntities();
  });
  workspace.tape[cell + CALL] = call.id;
  run.uses.push({ fetch, call });
  call.whenDone(done);
  if (isMutation) run.scheduler.send(call);
  else run.scheduler.add(call);
}

/** Fetches the entities at the end of the walk that were not requested yet. */
function fetchEntities(run: Run, fetch: EntityFetch, done: () => void): void {
  const { operation, join, target, targetIndex, representation, contexts } = fetch;
  const { workspace } = run;
  const requests = contexts === undefined ? run.loaderOf(operation, noContexts) : undefined;
  let pending = 0;
  let lastCall = 0;
  const seen: number[] = [];
  const callsBefore = run.calls.length;
  walk(run, fetch.walk, (at, ancestors) => {
    const record = workspace.tape[at]!;
    let cell = workspace.tape[record + join]!;
    // An entity that was skipped at another position of the record may have its required fields by now.
    if (cell === 0 || cell === run.skipped) {
      cell = (requests ?? run.loaderOf(operation, readContexts(contexts!, workspace, ancestors))).cellOf(
        representation,
        record,
      );
      const { tape } = workspace;
      tape[record + join] = cell;
      if (cell === run.skipped) return;
      const first = tape[cell + FIRST_REQUESTER + targetIndex]!;
      if (first === 0) tape[cell + FIRST_REQUESTER + targetIndex] = record;
      else if (!run.isExclusive && isSame(run, target, record, first)) tape[at] = first;
    }
    const id = workspace.tape[cell + CALL]!;
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
    const made = run.calls.length - callsBefore;
    countFetches(run.caller, operation.request, 'planned', Math.max(1, made));
    if (made === 0) countFetches(run.caller, operation.request, 'merged', 1);
  }
  if (pending === 0) done();

  function oneDone(): void {
    if (--pending === 0) done();
  }
}

/** Whether two records of an entity have equal bytes and cells, so that one can replace the other. */
function isSame({ workspace: { tape, bytes } }: Run, shape: Shape, one: number, other: number): boolean {
  const start = tape[one + SOURCE_START]!;
  const length = tape[one + SOURCE_END]! - start;
  const otherStart = tape[other + SOURCE_START]!;
  if (start === 0 || otherStart === 0 || tape[other + SOURCE_END]! - otherStart !== length) return false;
  for (let word = HEADER + 2 * shape.fields.size; word < shape.size; word++)
    if (tape[one + word] !== tape[other + word]) return false;
  if (length > longLoop)
    return bytes.compare(bytes, otherStart, otherStart + length, start, start + length) === 0;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== bytes[otherStart + i]) return false;
  return true;
}

const longLoop = 128;

const noContexts: ContextValues = [];
