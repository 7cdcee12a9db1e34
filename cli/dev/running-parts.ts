export interface Part {
  stop(): Promise<unknown>;
}

/** What was started, to be stopped in the opposite order: whoever needs something ends before it does. */
export class RunningParts {
  readonly #parts: Part[] = [];
  #stopped: Promise<void> | undefined;

  /** Once all was stopped, a part that comes late is stopped at once. @throws {StoppedError} then. */
  async add<P extends Part>(part: P): Promise<P> {
    if (this.#stopped) {
      await part.stop();
      throw new StoppedError();
    }
    this.#parts.push(part);
    return part;
  }

  /** Can be called again and again: it resolves when everything is stopped. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stopAll());
  }

  async #stopAll(): Promise<void> {
    for (const part of this.#parts.reverse()) await part.stop();
  }
}

/** Starting was given up, because the user asked to stop. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}
