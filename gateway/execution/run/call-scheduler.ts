/**
 * Collects the subgraph calls of a run. Calls added in one turn of the event loop are sent at its end; calls to one
 * subgraph share a request where they can be combined. Where later ones may be combined with them, and answers are still
 * to come, they wait for one turn more: answers to calls that were sent together come within a turn or two.
 */
import { type SubgraphCall, type CallResult } from './call';
import {
  type Combination,
  type Combinations,
  type CombinedField,
  type CombinedPart,
} from '../compile/combine';
import { RequestedEntities, writeVariables } from './entities';
import { callSubgraph } from './call-subgraph';
import { TYPE } from '../json/tape';
import { countFetches } from '../../subgraph-calls/contract/transport';
import { contextJson } from './contexts';
import { representationsVariable } from '../compile/subgraph-operation';
import { type Run } from './run';

export class CallScheduler {
  readonly #run: Run;
  readonly #combinations: Combinations;
  #calls: SubgraphCall[] = [];
  /** Whether a flush is due. `execute` makes the first one. */
  #isDue = true;
  /** Whether the collected calls have waited for a turn more. */
  #haveWaited = false;
  /** Calls that are not answered. */
  #inFlight = 0;

  constructor(run: Run, combinations: Combinations) {
    this.#run = run;
    this.#combinations = combinations;
  }

  /** Adds a query, which is sent at the end of this turn. */
  add(call: SubgraphCall): void {
    this.#calls.push(call);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#flushAfterTurn();
  }

  #flushAfterTurn(): void {
    setImmediate(() => {
      try {
        if (!this.#mayGrow()) this.flush();
        else {
          this.#haveWaited = true;
          this.#flushAfterTurn();
        }
      } catch (error) {
        this.#run.fail(error);
      }
    });
  }

  /** Whether calls that can be combined with these may follow from an answer within the next turn. */
  #mayGrow(): boolean {
    if (this.#haveWaited || this.#inFlight === 0) return false;
    return this.#calls.some(({ operation }) => this.#combinations.mayHave(operation));
  }

  /** Sends the collected calls. */
  flush(): void {
    const calls = this.#calls;
    this.#calls = [];
    this.#isDue = false;
    this.#haveWaited = false;
    for (const call of calls) call.close();
    if (calls.length === 1) this.send(calls[0]!);
    else {
      for (const group of groupsOf(calls)) {
        const merged = group.length - this.#sendTogether(group);
        if (merged > 0) countFetches(this.#run.caller, group[0]!.operation.request, 'merged', merged);
      }
    }
  }

  /** Sends a call at once, and alone. */
  send(call: SubgraphCall): void {
    const { entityRequests, operation } = call;
    const run = this.#run;
    this.#inFlight++;
    const done = (result: CallResult): void => {
      this.#inFlight--;
      call.receive(result);
      call.settleWaiting();
    };
    if (entityRequests === undefined) {
      callSubgraph(run, operation, rootVariables(run, operation.variableUsages), undefined, done);
      return;
    }
    const entities = [new RequestedEntities(run.workspace, call, '_entities', representationsVariable)];
    callSubgraph(run, operation, writeVariables(entities, entityRequests.arguments), entities, done);
  }

  /** Returns the number of requests sent. */
  #sendTogether(calls: readonly SubgraphCall[]): number {
    const combination =
      calls.length === 1 ? undefined : this.#combinations.of(calls.map(({ operation }) => operation));
    if (combination === undefined) {
      for (const call of calls) this.send(call);
      return calls.length;
    }
    const run = this.#run;
    const { parts, variableUsages } = combination;
    this.#inFlight++;
    const received = (result: CallResult): void => this.#distribute(calls, combination, result);
    if (calls[0]!.entityRequests === undefined) {
      callSubgraph(run, combination, rootVariables(run, variableUsages), undefined, received);
      return 1;
    }
    const entities = calls.map((call, i) => {
      const { entitiesKey, representations } = parts[i]!;
      return new RequestedEntities(run.workspace, call, entitiesKey, representations);
    });
    const more = [
      run.variablesFor(variableUsages),
      ...calls.map(({ entityRequests }, i) =>
        contextJson(parts[i]!.contextVariables, entityRequests!.contexts),
      ),
    ];
    const variables = writeVariables(entities, Buffer.from(more.filter((json) => json !== '').join()));
    callSubgraph(run, combination, variables, entities, received);
    return 1;
  }

  /** Gives each call its part of a combined result. */
  #distribute(calls: readonly SubgraphCall[], { parts, fields }: Combination, result: CallResult): void {
    this.#inFlight--;
    const errors = partErrors(result.errors, calls.length, fields);
    // An error at one non-null field leaves no data for the whole request. Calls without errors are sent again.
    const isInnocent = (_: unknown, i: number): boolean =>
      result.failure === undefined && result.data === 0 && errors[i]!.length === 0;
    const again = calls.filter(isInnocent);
    const received = calls.filter((call, i) => {
      if (isInnocent(call, i)) return false;
      call.receive({
        data: this.#dataOf(parts[i]!, result.data),
        body: result.body,
        errors: errors[i]!,
        failure: result.failure,
      });
      return true;
    });
    if (again.length > 0) this.#sendTogether(again);
    for (const call of received) call.settleWaiting();
  }

  /** The record of `data` that the operation would have alone. */
  #dataOf({ operation, moves }: CombinedPart, all: number): number {
    if (all === 0) return 0;
    const { workspace } = this.#run;
    const record = workspace.allocate(operation.shape.size);
    const { tape } = workspace;
    tape[record + TYPE] = tape[all + TYPE]!;
    for (const { from, to } of moves) {
      tape[record + to] = tape[all + from]!;
      tape[record + to + 1] = tape[all + from + 1]!;
    }
    return record;
  }
}

function rootVariables(run: Run, names: readonly string[]): Buffer {
  const json = run.variablesFor(names);
  return json === '' ? noVariables : Buffer.from(`{${json}}`);
}

const noVariables = Buffer.alloc(0);

/** Groups calls of one subgraph, entities or root fields, to send together. The same set has the same order. */
export function groupsOf<Requesting extends Pick<SubgraphCall, 'operation'>>(
  calls: readonly Requesting[],
): Requesting[][] {
  const groups: Requesting[][] = [];
  const open: Requesting[][] = [];
  for (const call of inOrder(calls)) {
    const { operation } = call;
    const { getsEntities } = operation;
    const group = open.findLast(([first]) => mayGoTogether(first!, call));
    // Two fetches of the same root fields stay two equal requests, which `dedupe` sends once.
    const isRepeated = !getsEntities && group?.at(-1)?.operation === operation;
    if (group !== undefined && group.length < mostTogether && !isRepeated) group.push(call);
    else {
      const next = [call];
      groups.push(next);
      if (!isRepeated) open.push(next);
    }
  }
  return groups;
}

const mayGoTogether = (
  { operation: one }: Pick<SubgraphCall, 'operation'>,
  { operation: other }: Pick<SubgraphCall, 'operation'>,
): boolean => one.getsEntities === other.getsEntities && one.request.subgraph === other.request.subgraph;

/** An insertion sort: faster than `sort` for few calls that are mostly in order. */
function inOrder<Requesting extends Pick<SubgraphCall, 'operation'>>(
  calls: readonly Requesting[],
): readonly Requesting[] {
  const ordered = calls.slice();
  for (let i = 1; i < ordered.length; i++) {
    const call = ordered[i]!;
    let at = i;
    while (at > 0 && ordered[at - 1]!.operation.number > call.operation.number) {
      ordered[at] = ordered[at - 1]!;
      at--;
    }
    ordered[at] = call;
  }
  return ordered;
}

/** Calls per request: fewer aliases than servers with an alias limit refuse. */
const mostTogether = 10;

/** The errors of each part, with the paths that they would have alone. An error of no part goes to all parts. */
function partErrors(
  errors: readonly unknown[],
  count: number,
  fields: ReadonlyMap<string, CombinedField>,
): unknown[][] {
  const byPart = Array.from({ length: count }, (): unknown[] => []);
  for (const error of errors) {
    const path: unknown = (error as { readonly path?: unknown } | null)?.path;
    const field = Array.isArray(path) ? fields.get(path[0] as string) : undefined;
    if (field === undefined) for (const part of byPart) part.push(error);
    else {
      const own = [field.responseKey, ...(path as unknown[]).slice(1)];
      byPart[field.part]!.push({ ...(error as object), path: own });
    }
  }
  return byPart;
}
