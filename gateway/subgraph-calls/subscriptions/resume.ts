import { isTemporary } from '../wire/network-failure';
import { type PendingCalls, within } from '../sharing/pending-calls';
import type { Source } from '../contract/source';
import {
  type Caller,
  type SubgraphEvent,
  type SubgraphRequest,
  TransportError,
  type TransportFailure,
} from '../contract/transport';
import type { ConnectionPacing, Pace } from './connection-pacing';
import { gapEvent } from './events';

/** A subscription that a subgraph has accepted, or refused: its events, or the one with the reason. */
export interface OpenedSubscription {
  /** Of HTTP; 200 where there is none. */
  readonly status: number;
  readonly source: Source<SubgraphEvent>;
}

/** Opens a subscription once. It, and its source, reject with a `TransportError` when the connection breaks. */
export type OpenEvents = (request: SubgraphRequest) => Promise<OpenedSubscription>;

export interface ResumeOptions {
  readonly subgraph: string;
  /** Equal for subscriptions that share a connection; undefined for one that has a connection of its own. */
  readonly keyOf: (request: SubgraphRequest) => string | undefined;
  readonly pacing: ConnectionPacing;
  /** Milliseconds from a break until its subscriptions end. 0: they end at once. */
  readonly patience: number;
  /** Milliseconds that opening may take. */
  readonly timeout: number;
  readonly pending: PendingCalls;
  /** Called with the outcome of each subscription whose connection broke. */
  readonly onBreak: (result: ReconnectOutcome) => void;
}

/** `resumed`: nothing was lost; `gap`: events may be missing; `ended`: it could not be opened again. */
export type ReconnectOutcome = 'resumed' | 'gap' | 'ended';

/**
 * Opens subscriptions again when their connection breaks: after the last position where the subgraph sends positions, and
 * with a gap event where it sends none.
 */
export function resumeBroken(open: OpenEvents, options: ResumeOptions): OpenEvents {
  const { subgraph, keyOf, pacing, timeout, pending } = options;
  return async (request) => {
    const pace = pacing.hold(keyOf(request));
    try {
      const { step } = pace;
      if (step !== undefined) await within(step, { subgraph, caller: request.caller, timeout, pending });
      const { status, source } = await open(request);
      if (isTemporary(status)) pace.failed();
      else pace.opened();
      return { status, source: new ResumingSource(request, source, open, pace, options) };
    } catch (error) {
      if (isBreak(error)) pace.failed();
      pace.release();
      throw error;
    }
  };
}

class ResumingSource implements Source<SubgraphEvent> {
  readonly #request: SubgraphRequest;
  readonly #open: OpenEvents;
  readonly #pace: Pace;
  readonly #options: ResumeOptions;
  #source: Source<SubgraphEvent>;
  #position: string | undefined;
  #isClosed = false;
  /** Ends a wait. */
  #wake: (() => void) | undefined;

  constructor(
    request: SubgraphRequest,
    source: Source<SubgraphEvent>,
    open: OpenEvents,
    pace: Pace,
    options: ResumeOptions,
  ) {
    this.#request = { ...request, caller: lasting(request.caller) };
    this.#position = request.after;
    this.#source = source;
    this.#open = open;
    this.#pace = pace;
    this.#options = options;
  }

  async next(): Promise<SubgraphEvent | undefined> {
    while (!this.#isClosed) {
      try {
        const event = await this.#source.next();
        if (event === undefined) this.close();
        else this.#position = event.position ?? this.#position;
        return event;
      } catch (error) {
        const isReopened = await this.#reopen(error);
        if (isReopened && this.#position === undefined) return gapEvent;
      }
    }
    return undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#source.close();
    this.#pace.release();
    this.#wake?.();
  }

  /** Whether it is open again; not, if it was closed meanwhile. Rejects with the last failure. */
  async #reopen(reason: unknown): Promise<boolean> {
    const { patience, onBreak } = this.#options;
    const until = performance.now() + patience;
    let failure = reason;
    for (;;) {
      if (isBreak(failure)) this.#pace.failed();
      const left = until - performance.now();
      if (!isBreak(failure) || left <= 0) break;
      await this.#wait(this.#pace.step ?? Promise.resolve(), left);
      if (this.#isClosed) return false;
      if (performance.now() >= until) break;
      try {
        const isOpen = await this.#openOnce();
        if (isOpen) {
          this.#pace.opened();
          onBreak(this.#position === undefined ? 'gap' : 'resumed');
        }
        return isOpen;
      } catch (error) {
        failure = error;
      }
    }
    onBreak('ended');
    this.close();
    throw failure;
  }

  /** Whether it is open. Resolves at once when it is closed. */
  #openOnce(): Promise<boolean> {
    const { subgraph } = this.#options;
    const opening = this.#open({ ...this.#request, after: this.#position }).then(({ status, source }) => {
      if (this.#isClosed || isTemporary(status)) source.close();
      else this.#source = source;
      if (isTemporary(status)) throw new TransportError(subgraph, 'interrupted');
      return !this.#isClosed;
    });
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        resolve(false);
      };
      opening.then(resolve, reject);
    });
  }

  /** @param most milliseconds */
  #wait(event: Promise<void>, most: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, most);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      void event.then(this.#wake);
    });
  }
}

/** Whether the connection failed, rather than what was sent over it. */
const isBreak = (error: unknown): boolean => error instanceof TransportError && breaks.has(error.failure);

const breaks: ReadonlySet<TransportFailure> = new Set<TransportFailure>([
  'unreachable',
  'connect-timeout',
  'refused',
  'reset',
  'not-http',
  'timeout',
  'silent',
  'broken',
  'nowhere',
  'interrupted',
]);

/** The caller of a subscription that is open: it lasts longer than the request that opened it. */
const lasting = ({
  headers,
  bySubgraph,
  signedIdentity,
  scope,
  tracing,
  calls,
  provenance,
}: Caller): Caller => ({
  ...{ headers, bySubgraph, signedIdentity, scope, tracing, calls, provenance },
  isGone: false,
  deadline: undefined,
});
