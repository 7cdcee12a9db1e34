import type { DataChanges } from '../../cache/data-changes';
import { type LiveSetMember, outOfSet, LiveIndex } from '../sharing/live-set';
import { conclude } from '../contract/pending-answer';
import type { PendingCalls } from '../sharing/pending-calls';
import { isShareable } from '../sharing/shareable';
import { isOfOneClient, CallMember, SharedCaller } from '../sharing/shared-call';
import {
  countFetches,
  type Interceptor,
  isRepeatable,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../contract/transport';

export interface DedupeOptions {
  /** Timeout of the subgraph's calls, in milliseconds. */
  readonly timeout: number;
  /** Ends the wait of members whose own deadline passes or whose client leaves. */
  readonly pending: PendingCalls;
  /** Nobody joins a call that was sent before the last change. */
  readonly changes: Pick<DataChanges, 'count'>;
}

/**
 * Coalesces identical in-flight queries of one subgraph: those with equal document, variables and scope, and for the same
 * event of a subscription or for none, share one call. Never mutations, nor a call that was sent before the answer to a
 * mutation or an invalidation. The call has the tracing headers of the first request; if its response is for one client
 * request alone, the others send calls of their own.
 */
export function dedupe({ timeout, pending, changes }: DedupeOptions): Interceptor {
  return (next) => {
    const flights = new LiveIndex<SharedFlight>();
    const near = ({ caller, variables }: SubgraphRequest) => flights.at(caller.scope, variables.length);

    const send: Send = (request) => {
      if (!isRepeatable(request.operation)) return next(request);
      const member = new CallMember(request);
      const flight = near(request).find((each) => each.isOf(request, changes.count));
      if (flight === undefined) begin(member);
      else join(flight, member);
      return member.answer;
    };

    function begin(first: CallMember): void {
      const { operation, variables, entities } = first.request;
      const flight = new SharedFlight(first, changes.count);
      near(first.request).add(flight);
      conclude(next({ operation, variables, caller: flight.caller, entities }), flight, answered, failed);
    }

    function answered(response: SubgraphResponse, flight: SharedFlight): void {
      const { request, members, caller } = flight;
      near(request).delete(flight);
      if (members.length > 1) caller.recordLate?.(response);
      const isForAll = isShareable(response);
      for (const member of members) {
        // All members may share the response: each reads it before the next turn of the event loop, and none writes
        // to it.
        if (isForAll || isOfOneClient(members[0]!, member)) member.resolve(response);
        else if (member.isWaiting) askAgain(member, next);
      }
    }

    function failed(error: unknown, flight: SharedFlight): void {
      const { request, members, caller } = flight;
      near(request).delete(flight);
      if (members.length > 1) caller.recordLate?.(undefined, error);
      for (const member of members) {
        if (member === members[0] || !isOfOne(error)) member.reject(error);
        else if (member.isWaiting) askAgain(member, send);
      }
    }

    function join({ members }: SharedFlight, member: CallMember): void {
      countFetches(member.caller, member.request.operation, 'deduplicated', 1);
      members.push(member);
      members[0]!.waitAmong(pending, Infinity);
      member.waitAmong(pending, performance.now() + timeout);
    }

    function askAgain(member: CallMember, by: Send): void {
      countFetches(member.caller, member.request.operation, 'deduplicated', -1);
      member.follow(by(member.request));
    }

    return send;
  };
}

/**
 * Whether a call failed because of the deadline or the client of its first members. Later members may still have time.
 */
const isOfOne = (error: unknown): boolean =>
  error instanceof TransportError && (error.failure === 'timeout' || error.failure === 'aborted');

/** A call in flight and the requests that wait for it. */
class SharedFlight implements LiveSetMember {
  indexInSet = outOfSet;
  readonly request: SubgraphRequest;
  /** In the order of arrival. */
  readonly members: CallMember[];
  readonly caller: SharedCaller;
  readonly #changes: number;

  /** @param changes the count of changes when it was sent */
  constructor(first: CallMember, changes: number) {
    this.request = first.request;
    this.#changes = changes;
    this.members = [first];
    this.caller = new SharedCaller(this.members, 'deduplicated');
  }

  isOf({ operation, caller, variables }: SubgraphRequest, changes: number): boolean {
    const { request } = this;
    return (
      this.#changes === changes &&
      request.operation.document === operation.document &&
      request.caller.scope === caller.scope &&
      request.caller.event === caller.event &&
      request.variables.equals(variables)
    );
  }
}
