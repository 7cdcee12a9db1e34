import { type Caller, type Send } from '../../subgraph-calls/transport';
import { type Call } from './call';
import { type Conditions } from '../compile/conditions';
import { EntityRequests } from './loader';
import { type CompiledOperation } from '../compile/subgraph-operation';
import { FIRST_ASKER, OBJECT, SKIPPED, STATUS, type Workspace } from '../json/tape';
import { type ByteWriter } from '../json/write';
import { pool } from './pool';
import { type ContextValues } from './contexts';
import { type CompiledFetch, type Program } from '../program';
import { CallScheduler } from './call-scheduler';
import { type ObjectProjection } from '../compile/projection';

export interface RunOptions extends Pick<
  Run,
  'variables' | 'conditions' | 'projection' | 'send' | 'fail' | 'caller'
> {
  readonly program: Program;
  /** Whether what was answered so far, without this fetch and those to come, leaves no data. */
  readonly isDataNullBefore: (run: Run, fetch: number) => boolean;
}

/** A response that was written. */
export interface Output {
  readonly body: Buffer;
  /** As that of an `Execution`. */
  readonly release?: (() => void) | undefined;
}

/** One execution of a program: everything that is kept for one client request. */
export class Run {
  readonly workspace: Workspace;
  /** The response, which is written when all answers have arrived. */
  out!: ByteWriter;
  readonly variables: Readonly<Record<string, unknown>>;
  /** The variables on which `@skip` and `@include` depend, in the client's operation and in the plan. */
  readonly conditions: Conditions;
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
  readonly #isDataNullBefore: RunOptions['isDataNullBefore'];

  constructor(options: RunOptions) {
    const { rootShape, largestRecord, isExclusive, dependencies, combinations } = options.program;
    this.isExclusive = isExclusive;
    this.dependencies = dependencies;
    this.workspace = pool.takeWorkspace();
    this.variables = options.variables;
    this.conditions = options.conditions;
    this.projection = options.projection;
    this.send = options.send;
    this.fail = options.fail;
    this.caller = options.caller;
    this.#isDataNullBefore = options.isDataNullBefore;
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

  /** Whether what was answered so far, without this fetch and those to come, leaves no data. */
  isDataNullBefore(fetch: number): boolean {
    return this.#isDataNullBefore(this, fetch);
  }

  /** A writer until the run ends. */
  lendWriter(): ByteWriter {
    const writer = pool.takeWriter();
    this.#lent.push(writer);
    return writer;
  }

  /**
   * Begins the response, which has this many bytes as a rule. Not before it can be written: a large Buffer that waits
   * outlives the collection of young garbage, and takes memory until the next full one.
   */
  beginOutput(usualBytes: number): void {
    this.out = usualBytes > smallBytes ? pool.takeOutput(usualBytes) : this.lendWriter();
  }

  /** What was written to `out`, for others to keep, and how they may give it back. */
  takeOutput(): Output {
    const { out } = this;
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
    pool.giveBack(this.workspace, this.#lent);
  }
}

/** Smaller responses are copied: that is less than to hand around who may write to them again, and when. */
const smallBytes = 4096;
