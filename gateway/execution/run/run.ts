import { type Caller, type Send } from '../../subgraph-calls/contract/transport';
import { type SubgraphCall } from './call';
import { type ConditionValues } from '../compile/conditions';
import { EntityLoader } from './loader';
import { type FetchOperation } from '../compile/subgraph-operation';
import { FIRST_REQUESTER, OBJECT, SKIPPED, STATUS, type Workspace } from '../json/tape';
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
  /** Whether the answers so far, without this fetch and later ones, make `data` null. */
  readonly isDataNullBefore: (run: Run, fetch: number) => boolean;
}

export interface Output {
  readonly body: Buffer;
  /** As in `Execution`. */
  readonly release?: (() => void) | undefined;
}

/** One execution of a program: the state of one client request. */
export class Run {
  readonly workspace: Workspace;
  /** The response; written when all answers have arrived. */
  out!: ByteWriter;
  readonly variables: Readonly<Record<string, unknown>>;
  /** The values of the variables that `@skip`, `@include` and condition nodes of the plan depend on. */
  readonly conditions: ConditionValues;
  /** How the response is written. */
  readonly projection: ObjectProjection;
  readonly send: Send;
  /** Ends the run for an error that is a fault of the engine. */
  readonly fail: (error: unknown) => void;
  readonly caller: Caller;
  /** The pair that refers to the root of the merged response. */
  readonly rootPair: number;
  /** The cell of entities that are not requested, because fields that they require are missing. */
  readonly skipped: number;
  walks = 0;
  /** How often output was undone. After that, the output position that a record remembers may be invalid. */
  takenBack = 0;
  /** The records from the root to the current object of a walk. */
  readonly ancestors: number[] = [];
  /** By operation and values of context arguments. Undefined until entities are requested. */
  #loaders: Map<number | string, EntityLoader> | undefined;
  /** Whether equal entities at different positions stay apart, as in a program with context arguments. */
  readonly isExclusive: boolean;
  /** For each fetch, the numbers of those whose answers it needs. */
  readonly dependencies: Program['dependencies'];
  readonly uses: { readonly fetch: CompiledFetch; readonly call: SubgraphCall }[] = [];
  readonly calls: SubgraphCall[] = [];
  /** Where the calls of the fetches that are being started go. */
  scheduler: CallScheduler;
  /** Undefined until a variable is sent. */
  #variableJson: Map<string, string | undefined> | undefined;
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
    // Record 0 stands for no answer: all its fields are absent, whatever its shape.
    this.workspace.allocate(largestRecord);
    this.skipped = this.workspace.allocate(FIRST_REQUESTER);
    this.rootPair = this.workspace.allocate(2);
    const root = this.workspace.allocate(rootShape.size);
    this.workspace.tape[this.rootPair] = root;
    this.workspace.tape[this.rootPair + 1] = OBJECT;
    this.workspace.tape[this.skipped + STATUS] = SKIPPED;
  }

  /** The JSON of a variable; undefined if the client did not send it. */
  #variableJsonOf(name: string): string | undefined {
    const known = (this.#variableJson ??= new Map<string, string | undefined>());
    if (known.has(name)) return known.get(name);
    const value = Object.hasOwn(this.variables, name) ? this.variables[name] : undefined;
    const json = JSON.stringify(value) as string | undefined;
    known.set(name, json);
    return json;
  }

  /** The entities requested so far with this operation and these context values. */
  loaderOf(operation: FetchOperation, contexts: ContextValues): EntityLoader {
    const key = contexts.length === 0 ? operation.number : `${operation.number},${contexts.join(',')}`;
    const known = (this.#loaders ??= new Map<number | string, EntityLoader>());
    let requests = known.get(key);
    if (requests === undefined) known.set(key, (requests = new EntityLoader(this, operation, contexts)));
    return requests;
  }

  /** Forgets which entities are known: a mutation may have changed them. */
  forgetEntities(): void {
    this.#loaders?.forEach((requests) => requests.forget());
  }

  /** The variables with these names that the client sent, as JSON members: `"a":1,"b":2`. */
  variablesFor(names: readonly string[]): string {
    let json = '';
    for (const name of names) {
      const value = this.#variableJsonOf(name);
      if (value !== undefined) json += `${json === '' ? '' : ','}${JSON.stringify(name)}:${value}`;
    }
    return json;
  }

  /** Whether the answers so far, without this fetch and later ones, make `data` null. */
  isDataNullBefore(fetch: number): boolean {
    return this.#isDataNullBefore(this, fetch);
  }

  /** Lends a writer until the run ends. */
  lendWriter(): ByteWriter {
    const writer = pool.takeWriter();
    this.#lent.push(writer);
    return writer;
  }

  /**
   * Begins the response, which usually has this many bytes. Call only when it can be written: a large Buffer that waits
   * survives young garbage collections, and takes memory until the next full one.
   */
  beginOutput(usualBytes: number): void {
    this.out = usualBytes > smallBytes ? pool.takeOutput(usualBytes) : this.lendWriter();
  }

  /** The written response, which outlives the run. */
  takeOutput(): Output {
    const { out } = this;
    const isLent = this.#lent.at(-1) === out;
    if (!isLent && out.end * 2 > out.bytes.length) return outputOf(out);
    const body = Buffer.allocUnsafe(out.end);
    out.bytes.copy(body, 0, 0, out.end);
    if (!isLent) pool.giveBackOutput(out);
    return { body };
  }

  /** Gives the workspace and the lent writers back to the pool. The run must not be used afterwards. */
  end(): void {
    pool.giveBack(this.workspace, this.#lent);
  }
}

/** What is written, without a copy. Refers to no run: a client that reads slowly keeps it alive. */
const outputOf = (out: ByteWriter): Output => ({
  body: out.bytes.subarray(0, out.end),
  release: () => pool.giveBackOutput(out),
});

/** Bytes of a small response, which is copied: cheaper than to track when its writer can be reused. */
const smallBytes = 4096;
