import { GrowingSize, type ProgramSize } from '../size';

/** The variants of a program by their conditions. Clients that vary many conditions pay for compiling them again. */
export class Variants<Made> {
  readonly #made = new Map<string, Made>();
  readonly #size: GrowingSize;

  constructor(size: ProgramSize) {
    this.#size = new GrowingSize(size);
  }

  get(key: string): Made | undefined {
    return this.#made.get(key);
  }

  /** Call before one is compiled. @returns the size to which it adds what it compiles later */
  makeRoom(): GrowingSize {
    if (this.#made.size >= mostVariants) {
      this.#made.clear();
      this.#size.clear();
    }
    return this.#size;
  }

  keep(key: string, made: Made, bytes: number): Made {
    this.#made.set(key, made);
    this.#size.add(bytes);
    return made;
  }
}

/** Most variants kept per operation. */
const mostVariants = 64;
