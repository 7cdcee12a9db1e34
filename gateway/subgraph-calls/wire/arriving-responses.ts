/** A response of a subgraph that comes in several pieces. */
export interface ArrivingResponse {
  /** What answers: its oldest response never waits. */
  readonly target: object;
  /** Bytes of memory that hold what has come of it. */
  readonly taken: number;
  /** Bytes that its head announces; 0 if it announces none. */
  readonly announced: number;
  /** Stops reading it. */
  pause(): void;
  resume(): void;
}

/**
 * Keeps large responses from filling the memory when many arrive at once: beyond the limit they are read no further, so
 * that their subgraphs send no more. The oldest of each target goes on, so that one always gets complete, and a target
 * that stalls does not hold up others.
 */
export class ArrivingResponses {
  readonly #limit: number;
  /** The bytes that each counts as, in the order of their first pieces: those that wait count without what is to come. */
  readonly #counted = new Map<ArrivingResponse, number>();
  readonly #waiting = new Set<ArrivingResponse>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param limit bytes. Beyond, all but the oldest response of each target wait */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Called after each piece but the last. Pauses the response if there is no room for more of it. */
  add(response: ArrivingResponse): void {
    this.#count(response, Math.max(response.taken, response.announced));
    if (this.#hasRoom || this.#isOldest(response)) return;
    this.#count(response, response.taken);
    this.#waiting.add(response);
    response.pause();
    this.#timer ??= setInterval(() => this.#goOn(), interval);
  }

  /** Called when a response is complete, or nobody waits for it any more. */
  delete(response: ArrivingResponse): void {
    this.#count(response, 0);
    this.#counted.delete(response);
    this.#waiting.delete(response);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  get #hasRoom(): boolean {
    return this.#bytes <= this.#limit;
  }

  #count(response: ArrivingResponse, bytes: number): void {
    this.#bytes += bytes - (this.#counted.get(response) ?? 0);
    this.#counted.set(response, bytes);
  }

  #isOldest(response: ArrivingResponse): boolean {
    for (const each of this.#counted.keys()) if (each.target === response.target) return each === response;
    return true;
  }

  #goOn(): void {
    const targets = new Set<object>();
    for (const response of this.#counted.keys()) {
      const isOldest = !targets.has(response.target);
      targets.add(response.target);
      if (!this.#waiting.has(response)) continue;
      this.#count(response, Math.max(response.taken, response.announced));
      if (this.#hasRoom || isOldest) {
        this.#waiting.delete(response);
        response.resume();
      } else this.#count(response, response.taken);
    }
  }
}

/** Milliseconds between two looks for room. */
const interval = 10;
