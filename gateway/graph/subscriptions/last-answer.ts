import type { CountedProgram } from '../programs';
import type { EventAnswer } from './prepared';

/**
 * The last answer that is made of an event alone. Clients with different credentials have sources of their own, over which a
 * subgraph mostly sends all of them the same: equal bytes are executed and written once.
 */
export class LastAnswer {
  #program: CountedProgram | undefined;
  #variables = '';
  #event: Buffer | undefined;
  #answer: EventAnswer | undefined;

  /** @param variables of the client, as JSON */
  find(program: CountedProgram, variables: string, event: Buffer): EventAnswer | undefined {
    const isEqual =
      this.#program === program && this.#variables === variables && this.#event?.equals(event) === true;
    return isEqual ? this.#answer : undefined;
  }

  keep(program: CountedProgram, variables: string, event: Buffer, answer: EventAnswer): void {
    // Errors are logged with whose they are.
    if (event.length > longest || answer.answered.errors.length > 0 || !answer.isShareable) return;
    this.#program = program;
    this.#variables = variables;
    this.#event = event;
    this.#answer = answer;
  }
}

/** Bytes of an event: it is kept until there is another one. */
const longest = 64 * 1024;
