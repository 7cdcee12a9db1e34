import type { AnswerProvenance } from '../../cache/policy';
import type { CallCounts } from '../../telemetry/metrics/call-counts';
import { conclude, PendingAnswer } from '../contract/pending-answer';
import type { PendingCall, PendingCalls } from './pending-calls';
import type { Span } from '../../telemetry/traces/span';
import {
  type Caller,
  countFetches,
  type Send,
  type Sharing,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
  type TransportFailure,
} from '../contract/transport';

/**
 * One of the requests that share a call. It leaves when its own deadline passes or its client is gone. The call
 * continues for the others.
 */
export class CallMember implements PendingCall {
  readonly request: SubgraphRequest;
  readonly caller: Caller;
  readonly answer = new PendingAnswer<SubgraphResponse>();
  expires = Infinity;
  indexInSet = -1;
  isWaiting = true;
  #pending: PendingCalls | undefined;

  constructor(request: SubgraphRequest) {
    this.request = request;
    this.caller = request.caller;
  }

  /**
   * Adds it to the pending calls, so that its own deadline and client are checked. A member that is alone needs no
   * check: its call has the same deadline.
   */
  waitAmong(pending: PendingCalls, expires: number): void {
    if (this.#pending !== undefined) return;
    this.expires = expires;
    const failure = pending.add(this);
    if (failure === undefined) this.#pending = pending;
    else this.giveUp(failure);
  }

  giveUp(failure: TransportFailure): void {
    this.reject(new TransportError(this.request.operation.subgraph, failure));
  }

  resolve(response: SubgraphResponse): void {
    this.#leave();
    this.answer.resolve(response);
  }

  /** @param error a `TransportError`, as a `Send` rejects with nothing else */
  reject(error: unknown): void {
    this.#leave();
    const { subgraph } = this.request.operation;
    this.answer.reject(
      error instanceof TransportError ? error : new TransportError(subgraph, 'failed', error),
    );
  }

  /** Settles as the call does. */
  follow(call: Promise<SubgraphResponse>): void {
    conclude(call, this, resolve, reject);
  }

  #leave(): void {
    this.isWaiting = false;
    this.#pending?.delete(this);
  }
}

const resolve = (response: SubgraphResponse, member: CallMember): void => member.resolve(response);
const reject = (error: unknown, member: CallMember): void => member.reject(error);

/**
 * The caller of a shared call, for all its members. It is gone when all members are, and has the latest of their
 * deadlines. The scopes of members are equal. Its tracing headers and counts are those of the first member.
 */
export class SharedCaller implements Caller, Sharing {
  readonly headers: Caller['headers'];
  readonly signedIdentity: string | undefined;
  readonly scope: string;
  readonly tracing: Caller['tracing'];
  readonly calls: CallCounts;
  readonly provenance: AnswerProvenance;
  readonly event: Caller['event'];
  readonly members: readonly CallMember[];
  readonly how: Sharing['how'];
  recordLate: Sharing['recordLate'];

  /** @param members at least one; more may be added later */
  constructor(members: readonly CallMember[], how: Sharing['how']) {
    const { headers, signedIdentity, scope, tracing, calls, provenance, event } = members[0]!.caller;
    this.headers = headers;
    this.signedIdentity = signedIdentity;
    this.scope = scope;
    this.tracing = tracing;
    this.calls = calls;
    this.provenance = provenance;
    // A call for several events, or for some and none, is sent after all of them, and must join no older call.
    this.event = members.every((member) => member.caller.event === event) ? event : this;
    this.members = members;
    this.how = how;
  }

  /** That of the first member that has one: the call is in its trace. One that is exported is preferred. */
  get span(): Span | undefined {
    let first: Span | undefined;
    for (const { caller } of this.members) {
      const { span } = caller;
      if (span?.trace.isSampled === true) return span;
      first ??= span;
    }
    return first;
  }

  get sharing(): Sharing {
    return this;
  }

  // A loop: V8 inlines `some` and its callback again at each level of callers within callers. That took its compiler
  // 15 s of the first 20 s of `bench/mix.mjs`, on the core that serves the requests.
  get isGone(): boolean {
    for (const { isWaiting, caller } of this.members) if (isWaiting && !caller.isGone) return false;
    return true;
  }

  get deadline(): number | undefined {
    let latest = -Infinity;
    for (const { isWaiting, caller } of this.members) {
      if (!isWaiting) continue;
      if (caller.deadline === undefined) return undefined;
      latest = Math.max(latest, caller.deadline);
    }
    return latest;
  }
}

/** Whether these are calls of one client request. */
export const isOfOneClient = (...members: readonly CallMember[]): boolean =>
  members.every(({ caller }) => caller.provenance === members[0]!.caller.provenance);

/** Whether a joined call failed because of its size, so that its members alone may succeed. */
export const isTooLarge = (error: unknown): boolean =>
  error instanceof TransportError && error.failure === 'too-large';

/** Sends the request of each member that still waits separately. */
export function sendEachAlone(members: readonly CallMember[], next: Send): void {
  members.forEach((member, i) => {
    if (!member.isWaiting) return;
    if (i > 0) countFetches(member.caller, member.request.operation, 'batched', -1);
    member.follow(next(member.request));
  });
}
