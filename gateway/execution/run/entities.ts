import { type EntityList } from '../../subgraph-calls/contract/transport';
import { type SubgraphCall } from './call';
import { REPRESENTATION_LENGTH, REPRESENTATION_START, type Workspace } from '../json/tape';

/** The entities that a call requests. Representations are split only when read, which most requests never need. */
export class RequestedEntities implements EntityList {
  readonly responseKey: string;
  readonly variable: string;
  readonly #workspace: Workspace;
  readonly #call: SubgraphCall;
  #variables: Buffer = nothing;
  /** Where in them the representations begin. */
  #start = 0;
  #representations: Buffer[] | undefined;

  constructor(workspace: Workspace, call: SubgraphCall, responseKey: string, variable: string) {
    this.#workspace = workspace;
    this.#call = call;
    this.responseKey = responseKey;
    this.variable = variable;
  }

  get selection(): string {
    return this.#call.operation.selection;
  }

  get arguments(): Buffer {
    return this.#call.entityRequests!.arguments;
  }

  get count(): number {
    return this.#call.cells.length;
  }

  get representations(): readonly Buffer[] {
    const { tape } = this.#workspace;
    return (this.#representations ??= this.#call.cells.map((cell) => {
      const start = this.#start + tape[cell + REPRESENTATION_START]! - this.#call.start;
      return this.#variables.subarray(start, start + tape[cell + REPRESENTATION_LENGTH]!);
    }));
  }

  /** How many bytes `write` writes. */
  get length(): number {
    return this.variable.length + '"":[]'.length + this.#call.end - this.#call.start;
  }

  /** Writes the representations as a member of the variables at `at`; returns where they end. */
  write(variables: Buffer, at: number): number {
    const { entityRequests, start, end } = this.#call;
    this.#variables = variables;
    this.#start = at + variables.write(`"${this.variable}":[`, at, 'latin1');
    const after = this.#start + entityRequests!.written.bytes.copy(variables, this.#start, start, end);
    variables[after] = CLOSE_LIST;
    return after + 1;
  }
}

/** The variables as JSON: these representations and `more`, which are comma-separated members. */
export function writeVariables(lists: readonly RequestedEntities[], more: Buffer): Buffer {
  const moreLength = more.length === 0 ? 0 : more.length + 1;
  const length = lists.reduce((sum, list) => sum + list.length + 1, 1 + moreLength);
  const variables = Buffer.allocUnsafe(length);
  let at = 0;
  for (const list of lists) {
    variables[at] = at === 0 ? OPEN_OBJECT : COMMA;
    at = list.write(variables, at + 1);
  }
  if (more.length > 0) {
    variables[at] = COMMA;
    at += 1 + more.copy(variables, at + 1);
  }
  variables[at] = CLOSE_OBJECT;
  return variables;
}

const nothing = Buffer.alloc(0);
const COMMA = 0x2c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
