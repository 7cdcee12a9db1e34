/** What else one should know of an import. */
export interface Note {
  readonly message: string;
  /** Of which types, fields and arguments: `Pet.tag`, `Query.getPet.filter`. */
  readonly coordinates: readonly string[];
}

/** Collects notes, each once with all that it is of. */
export class Notes {
  readonly #notes = new Map<string, Set<string>>();

  add(message: string, coordinate: string): void {
    const coordinates = this.#notes.get(message) ?? new Set();
    this.#notes.set(message, coordinates.add(coordinate));
  }

  list(): Note[] {
    return Array.from(this.#notes, ([message, coordinates]) => ({ message, coordinates: [...coordinates] }));
  }
}
