export interface Part {
  stop(): Promise<unknown>;
}

/** Started parts, which are stopped in reverse order, so that a part ends before the parts that it needs. */
export class RunningParts {
  readonly #parts: Part[] = [];
  #stopped: Promise<void> | undefined;

  /** Adds a part. After `stop`, a part is stopped at once. @throws {StoppedError} in this case */
  async add<P extends Part>(part: P): Promise<P> {
    if (this.#stopped) {
      await part.stop();
      throw new StoppedError();
    }
    this.#parts.push(part);
    return part;
  }

  /** Stops all parts. May be called repeatedly. Resolves when everything is stopped. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stopAll());
  }

  async #stopAll(): Promise<void> {
    for (const part of this.#parts.reverse()) await part.stop();
  }
}

/** The start was aborted, as the user asked to stop. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}
