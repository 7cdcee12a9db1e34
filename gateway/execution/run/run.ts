import { type Caller, type Send } from '../../subgraph-calls/transport';
import { type Call } from './call';
import { type Program } from '../compile/compile';
import { type Execution } from '../execute';
import { EntityRequests } from './loader';
import { type CompiledOperation } from '../compile/subgraph-operation';
import { FIRST_ASKER, OBJECT, SKIPPED, STATUS, Workspace } from '../json/tape';
import { ByteWriter } from '../json/write';
import { type ContextValues } from './nodes/context';
import { type CompiledFetch } from './nodes/fetch';
import { CallScheduler } from './call-scheduler';
import { type ObjectProjection } from '../compile/projection';

/** One execution of a program: everything that is kept for one client request. */
export class Run {
  readonly workspace: Workspace;
  /** The response, which is written when all answers have arrived. */
  out!: ByteWriter;
  readonly variables: Readonly<Record<string, unknown>>;
  /** The variables on which `@skip` and `@include` depend, in the client's operation and in the plan. */
  readonly conditions: Readonly<Record<string, boolean>>;
  /** How the response is written. */
  readonly projection: ObjectProjection;
  readonly send: Send;
  /** Ends the run for an error that is a mistake in the engine. */
  readonly fail: (error: unknown) => void;
  readonly caller: Caller;
  /** The pair that refers to the root of the merged response. */
  readonly rootPair: number;
  /** The cell of entities that are not asked for, as what they require is missing. */
  readonly skipped: number;
  /** How many walks there were. */
  walks = 0;
  /** How often something that was written was taken back: bytes that records say they were written to may be gone. */
  takenBack = 0;
  /** The records on the way that the current walk has taken. */
  readonly ancestors: number[] = [];
  /** The entities requested so far, by the number of their operation and the arguments that come from contexts. */
  readonly #entityRequests = new Map<number | string, EntityRequests>();
  /** Entities are told apart by where they stand: a program with contexts in it. */
  readonly isExclusive: boolean;
  /** For each fetch, the numbers of those whose answers it needs. */
  readonly dependencies: Program['dependencies'];
  /** Which fetch waited for which calls. */
  readonly uses: { readonly fetch: CompiledFetch; readonly call: Call }[] = [];
  readonly calls: Call[] = [];
  readonly scheduler: CallScheduler;
  readonly #variableJson = new Map<string, string | undefined>();
  readonly #lent: ByteWriter[] = [];
  readonly #pool: Pool;

  constructor(
    { pool, rootShape, largestRecord, isExclusive, dependencies, combinations }: Program,
    variables: Readonly<Record<string, unknown>>,
    conditions: Readonly<Record<string, boolean>>,
    projection: ObjectProjection,
    send: Send,
    caller: Caller,
    fail: (error: unknown) => void,
  ) {
    this.#pool = pool;
    this.isExclusive = isExclusive;
    this.dependencies = dependencies;
    this.workspace = pool.takeWorkspace();
    this.variables = variables;
    this.conditions = conditions;
    this.projection = projection;
    this.send = send;
    this.fail = fail;
    this.caller = caller;
    this.scheduler = new CallScheduler(this, combinations);
    // Record 0, which has no fields, whatever its shape.
    this.workspace.allocate(largestRecord);
    this.skipped = this.workspace.allocate(FIRST_ASKER);
    this.rootPair = this.workspace.allocate(2);
    const root = this.workspace.allocate(rootShape.size);
    this.workspace.tape[this.rootPair] = root;
    this.workspace.tape[this.rootPair + 1] = OBJECT;
    this.workspace.tape[this.skipped + STATUS] = SKIPPED;
  }

  /** The JSON of a variable; undefined if the client did not send it. */
  #variableJsonOf(name: string): string | undefined {
    if (this.#variableJson.has(name)) return this.#variableJson.get(name);
    const value = Object.hasOwn(this.variables, name) ? this.variables[name] : undefined;
    const json = JSON.stringify(value) as string | undefined;
    this.#variableJson.set(name, json);
    return json;
  }

  /** The entities requested so far of an operation, with these values from enclosing objects. */
  entityRequestsOf(operation: CompiledOperation, contexts: ContextValues): EntityRequests {
    const key = contexts.length === 0 ? operation.number : `${operation.number},${contexts.join(',')}`;
    let requests = this.#entityRequests.get(key);
    if (requests === undefined)
      this.#entityRequests.set(key, (requests = new EntityRequests(this, operation, contexts)));
    return requests;
  }

  /** Forgets which entities are known: a mutation may have changed them. */
  forgetEntities(): void {
    for (const requests of this.#entityRequests.values()) requests.forget();
  }

  /** The variables that the client sent, of those with these names: `"a":1,"b":2`. */
  variablesFor(names: readonly string[]): string {
    let json = '';
    for (const name of names) {
      const value = this.#variableJsonOf(name);
      if (value !== undefined) json += `${json === '' ? '' : ','}${JSON.stringify(name)}:${value}`;
    }
    return json;
  }

  /** A writer until the run ends. */
  lendWriter(): ByteWriter {
    const writer = this.#pool.takeWriter();
    this.#lent.push(writer);
    return writer;
  }

  /**
   * Begins the response, which has this many bytes as a rule. Not before it can be written: a large Buffer that waits
   * outlives the collection of young garbage, and takes memory until the next full one.
   */
  beginOutput(usualBytes: number): void {
    this.out = usualBytes > smallBytes ? this.#pool.takeOutput(usualBytes) : this.lendWriter();
  }

  /** What was written to `out`, for others to keep, and how they may give it back. */
  takeOutput(): Pick<Execution, 'body' | 'release'> {
    const { out } = this;
    const pool = this.#pool;
    const body = out.bytes.subarray(0, out.end);
    const isLent = this.#lent.at(-1) === out;
    // Refers to nothing else of the run: clients that read slowly keep it.
    const release = (): void => pool.giveBackOutput(out);
    if (!isLent && out.end * 2 > out.bytes.length) return { body, release };
    const copy = Buffer.from(body);
    if (!isLent) release();
    return { body: copy };
  }

  /** Gives back what was lent. Nothing of the run may be looked at afterwards. */
  end(): void {
    this.#pool.giveBack(this.workspace, this.#lent);
  }
}

/** Smaller responses are copied: that is less than to hand around who may write to them again, and when. */
const smallBytes = 4096;

/**
 * Workspaces and writers that are used again: the next request needs about as much as the last one. As many are kept
 * as requests were served at once, within a bound in bytes.
 */
export class Pool {
  readonly #workspaces: Workspace[] = [];
  readonly #writers: ByteWriter[] = [];
  /** Those that responses were written with which have been sent. */
  readonly #outputs: ByteWriter[] = [];
  #keptBytes = 0;

  takeWorkspace(): Workspace {
    const workspace = this.#workspaces.pop();
    if (workspace === undefined) return new Workspace();
    this.#keptBytes -= workspace.byteLength;
    return workspace;
  }

  takeWriter(): ByteWriter {
    const writer = this.#writers.pop();
    if (writer === undefined) return new ByteWriter(writerBytes);
    this.#keptBytes -= writer.bytes.length;
    return writer;
  }

  takeOutput(usualBytes: number): ByteWriter {
    const writer = this.#outputs.pop();
    if (writer !== undefined) this.#keptBytes -= writer.bytes.length;
    return writer !== undefined && writer.bytes.length >= usualBytes ? writer : new ByteWriter(usualBytes);
  }

  giveBackOutput(writer: ByteWriter): void {
    writer.end = 0;
    if (this.#keeps(writer.bytes.length)) this.#outputs.push(writer);
  }

  giveBack(workspace: Workspace, writers: readonly ByteWriter[]): void {
    workspace.reset();
    if (this.#keeps(workspace.byteLength)) this.#workspaces.push(workspace);
    for (const writer of writers) {
      writer.end = 0;
      if (this.#keeps(writer.bytes.length)) this.#writers.push(writer);
    }
  }

  #keeps(bytes: number): boolean {
    if (bytes > mostBytesEach || this.#keptBytes + bytes > mostBytes) return false;
    this.#keptBytes += bytes;
    return true;
  }
}

const writerBytes = 2048;
/** 2 MiB: what has served larger answers is left to the garbage collector. */
const mostBytesEach = 2 * 1024 * 1024;
/** 64 MiB, for all programs together. */
const mostBytes = 64 * 1024 * 1024;
