import { type LiveSetMember, LiveSet } from './live-set';
import { type Caller, TransportError, type TransportFailure } from '../contract/transport';

/** A call that waits for its response. */
export interface PendingCall extends LiveSetMember {
  readonly caller: Caller;
  /** When its own timeout passes, in milliseconds of `performance.now()`. */
  readonly expires: number;
  giveUp(failure: TransportFailure): void;
}

/**
 * The calls that have no response yet. Their deadlines and clients are checked many times a second, which is cheaper than
 * thousands of timers and abort listeners, and leaves no listener behind. A call is aborted at most 50 ms late.
 */
export class PendingCalls {
  readonly #calls = new LiveSet<PendingCall>();
  #timer: NodeJS.Timeout | undefined;
  #sweptAt = 0;
  #waited = false;

  /** Adds a call. If its deadline has passed or its client is gone, returns why, and does not add it. */
  add(call: PendingCall, now = performance.now()): TransportFailure | undefined {
    const failure = reasonToGiveUp(call, now);
    if (failure !== undefined) return failure;
    this.#calls.add(call);
    if (this.#timer === undefined) {
      this.#sweptAt = now;
      this.#timer = setInterval(() => this.#sweep(), sweepInterval);
    }
    return undefined;
  }

  delete(call: PendingCall): void {
    this.#calls.delete(call);
  }

  /** Fails all calls, with `closed`. */
  close(): void {
    for (const call of this.#calls) call.giveUp('closed');
    this.#sweep();
  }

  #sweep(): void {
    const now = performance.now();
    // If the event loop was blocked, answers may already wait in sockets. One sweep is skipped so that these are read
    // first.
    this.#waited = !this.#waited && now - this.#sweptAt > 2 * sweepInterval;
    this.#sweptAt = now;
    if (this.#calls.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else if (!this.#waited) {
      for (const call of this.#calls) {
        const failure = reasonToGiveUp(call, now);
        if (failure !== undefined) call.giveUp(failure);
      }
    }
  }
}

const sweepInterval = 25;

function reasonToGiveUp({ caller, expires }: PendingCall, now: number): TransportFailure | undefined {
  if (caller.isGone) return 'aborted';
  return now >= expires || (caller.deadline !== undefined && now >= caller.deadline) ? 'timeout' : undefined;
}

interface WithinOptions {
  readonly subgraph: string;
  readonly caller: Caller;
  /** Milliseconds. */
  readonly timeout: number;
  readonly pending: PendingCalls;
}

/** Waits for something as long as its caller does. Rejects with a `TransportError` when that is over. */
export function within<Value>(
  waited: Promise<Value>,
  { subgraph, caller, timeout, pending }: WithinOptions,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const call: PendingCall = {
      indexInSet: -1,
      caller,
      expires: performance.now() + timeout,
      giveUp: (failure) => {
        pending.delete(call);
        reject(new TransportError(subgraph, failure));
      },
    };
    const failure = pending.add(call);
    if (failure !== undefined) {
      call.giveUp(failure);
      return;
    }
    waited.then(resolve, reject).finally(() => pending.delete(call));
  });
}
