/** What is open until it is closed. */
export interface OpenPart {
  close(): unknown;
}

/** Parts that are open. They are closed one after the other, in the reverse order of their opening. */
export class OpenParts {
  readonly #closers: (() => unknown)[] = [];

  add<Part extends OpenPart>(part: Part): Part {
    this.onClose(() => part.close());
    return part;
  }

  /** Has a function called before all parts are closed that were opened earlier. */
  onClose(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Closes all parts, even if one rejects. Rejects with the first error then. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Opens several parts. If one cannot be opened, those that are open are closed again. */
export async function openAll<Opened>(open: (parts: OpenParts) => Promise<Opened>): Promise<Opened> {
  const parts = new OpenParts();
  try {
    return await open(parts);
  } catch (error) {
    await parts.close().catch(() => undefined);
    throw error;
  }
}
