import type { PendingCalls } from '../pending-calls';
import { Member, SharedCaller } from '../shared-call';
import { type Interceptor, type Send, type SubgraphRequest, TransportError } from '../transport';

export interface DedupeOptions {
  /** Milliseconds that a call of the subgraph may take. */
  readonly timeout: number;
  /** Looks after those who wait for a call that is not theirs alone. */
  readonly pending: PendingCalls;
}

/**
 * Lets identical queries of one subgraph that are in flight at the same time share one call: those of equal document,
 * variables and scope. Never mutations. The call has the tracing headers of the first.
 */
export function dedupe({ timeout, pending }: DedupeOptions): Interceptor {
  return (next) => {
    const flights = new Flights();

    const send: Send = (request) => {
      if (request.operation.kind === 'mutation') return next(request);
      const member = new Member(request);
      const flight = flights.find(request);
      if (flight === undefined) begin(member);
      else join(flight, member);
      return member.answer;
    };

    function begin(first: Member): void {
      const { operation, variables, entities } = first.request;
      const flight = new Flight(first);
      const { members } = flight;
      flights.add(flight);
      next({ operation, variables, caller: new SharedCaller(members), entities }).then(
        (response) => {
          flights.delete(flight);
          // Everybody reads it before the next turn, and nobody writes to it.
          for (const member of members) member.resolve(response);
        },
        (error: unknown) => {
          flights.delete(flight);
          for (const member of members) {
            if (member === first || !isOfOne(error)) member.reject(error);
            else if (member.isWaiting) sendAgain(member);
          }
        },
      );
    }

    function join({ members }: Flight, member: Member): void {
      member.caller.calls.deduplicated++;
      members.push(member);
      members[0]!.waitAmong(pending, Infinity);
      member.waitAmong(pending, performance.now() + timeout);
    }

    function sendAgain(member: Member): void {
      member.caller.calls.deduplicated--;
      member.follow(send(member.request));
    }

    return send;
  };
}

/** Whether a call failed for the time or the client of those who began it: who came later has time left. */
const isOfOne = (error: unknown): boolean =>
  error instanceof TransportError && (error.failure === 'timeout' || error.failure === 'aborted');

/** A call that has no answer yet. */
class Flight {
  readonly request: Pick<SubgraphRequest, 'operation' | 'variables'>;
  readonly scope: string;
  /** In the order in which they came. Nobody when it has landed: the tables below keep it for longer (see `LiveSet`). */
  members: Member[];

  constructor(first: Member) {
    const { operation, variables, caller } = first.request;
    this.request = { operation, variables };
    this.scope = caller.scope;
    this.members = [first];
  }
}

/** The calls in flight. Variables are only looked at when there are others of the same document and scope. */
class Flights {
  readonly #byDocument = new Map<string, Map<string, Flight | Map<string, Flight>>>();

  find({ operation, caller, variables }: SubgraphRequest): Flight | undefined {
    const found = this.#byDocument.get(operation.document)?.get(caller.scope);
    if (!(found instanceof Flight)) return found?.get(keyOf(variables));
    return found.request.variables.equals(variables) ? found : undefined;
  }

  add(flight: Flight): void {
    const { scope } = flight;
    const { operation, variables } = flight.request;
    let byScope = this.#byDocument.get(operation.document);
    if (byScope === undefined) {
      byScope = new Map<string, Flight | Map<string, Flight>>();
      this.#byDocument.set(operation.document, byScope);
    }
    const found = byScope.get(scope);
    if (found === undefined) byScope.set(scope, flight);
    else if (found instanceof Flight) {
      const both = [found, flight].map((each) => [keyOf(each.request.variables), each] as const);
      byScope.set(scope, new Map(both));
    } else found.set(keyOf(variables), flight);
  }

  delete(flight: Flight): void {
    flight.members = [];
    const { operation, variables } = flight.request;
    const byScope = this.#byDocument.get(operation.document)!;
    const found = byScope.get(flight.scope)!;
    if (!(found instanceof Flight)) {
      found.delete(keyOf(variables));
      if (found.size > 0) return;
    }
    byScope.delete(flight.scope);
    if (byScope.size === 0) this.#byDocument.delete(operation.document);
  }
}

const keyOf = (variables: Buffer): string => variables.toString('latin1');
