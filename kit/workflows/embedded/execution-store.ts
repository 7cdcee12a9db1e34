import { randomUUID } from 'node:crypto';
import { createBackoff } from '../../backoff';
import { SubgraphError } from '../../errors';
import { StartError } from '../../serve/start-error';
import { missing, type Tests } from '../../table/condition';
import { type Table } from '../../table/table';
import { parseDefinition, type Definition } from '../definition';
import {
  always,
  definitionsTable,
  executionsTable,
  factsOf,
  listingOf,
  shards,
  traceOf,
  type StoredDefinition,
  type StoredExecution,
} from '../executions-table';
import { type EngineSettings } from './settings';

type Items = Table<StoredExecution, 'name', 'byListing'>;

/** How long an execution that this process cannot run is left to others. */
const postponedMilliseconds = 30_000;

/**
 * The executions of a subgraph: one item each, which every step replaces in one conditional write. Beside them are the
 * definitions that they began with.
 */
export class ExecutionStore {
  readonly #settings: EngineSettings;
  readonly #table: Items;
  /** For sweeps, whose commands belong to no request. */
  readonly #background: Items;
  readonly #definitions: Table<StoredDefinition, 'name', never>;
  /** Definitions that this process can run, by hash. */
  readonly #known: Map<string, Definition>;
  readonly #recorded = new Set<string>();
  readonly #process = randomUUID();
  #leases = 0;

  constructor(settings: EngineSettings) {
    const { db, subgraph, definitions } = settings;
    this.#settings = settings;
    this.#table = db.table(executionsTable(subgraph));
    this.#background = db.inBackground().table(executionsTable(subgraph));
    this.#definitions = db.table(definitionsTable(subgraph));
    this.#known = new Map([...definitions.values()].map((each) => [each.hash, each]));
  }

  /** Whether the clock of this process is right enough to take leases; logs an error if not. */
  allowsLease(): boolean {
    return this.#settings.db.clock.allowsLease(this.#settings.log);
  }

  /** The attributes of an execution that this process runs. No two leases have the same owner. */
  newLease(): { readonly owner: string; readonly due: string } {
    return { owner: `${this.#process}-${++this.#leases}`, due: always };
  }

  get(name: string): Promise<StoredExecution | null> {
    return this.#table.get({ name }, { consistent: true });
  }

  /** False when there is one of this name. */
  create(item: StoredExecution): Promise<boolean> {
    return this.#traced(item).create(item);
  }

  /** False when the condition does not hold. */
  replace(item: StoredExecution, condition: Tests<StoredExecution>): Promise<boolean> {
    return this.#traced(item).put(item, { condition });
  }

  /**
   * Writes a step of the execution `before`, whose lease this process has, and returns it; one that keeps an owner gets
   * a new lease. `undefined` when another process has taken the execution over. Repeats the write for the time of a lease.
   */
  async save(step: StoredExecution, before: StoredExecution, signal: AbortSignal) {
    const { log, leaseMilliseconds } = this.#settings;
    const lease = step.owner !== undefined && this.newLease();
    const item = { ...step, ...lease, version: before.version + 1 };
    const backoff = createBackoff({ budgetMilliseconds: leaseMilliseconds, signal });
    for (;;) {
      try {
        if (await this.replace(item, heldBy(before))) return item;
        // A write that was repeated, as its answer was lost, finds itself.
        const current = await this.get(item.name);
        if (current?.version === item.version && current.owner === item.owner && current.data === item.data)
          return item;
        log.warn({ ...factsOf(item), state: before.state }, 'another process has taken the execution over');
        return undefined;
      } catch (error) {
        if (!(error instanceof SubgraphError) || !(await backoff.pause())) throw error;
      }
    }
  }

  /** Shows other processes that this one runs the execution. False when its lease is lost. */
  async renew(item: StoredExecution, renewals: number): Promise<boolean> {
    const change = { set: { renewals }, condition: heldBy(item) };
    return (await this.#table.update({ name: item.name }, change)) !== null;
  }

  /** Gives an execution up: any process may take it at once. */
  async release(item: StoredExecution): Promise<void> {
    const change = { set: { due: always }, remove: ['owner'], condition: heldBy(item) } as const;
    await this.#table.update({ name: item.name }, change);
  }

  /** Takes the lease of an execution; `null` when it has changed, so that another process has it. */
  take(item: StoredExecution, losses: number): Promise<StoredExecution | null> {
    const set = { ...this.newLease(), version: item.version + 1, losses };
    return this.#table.update({ name: item.name }, { set, condition: unchanged(item) });
  }

  /** Leaves an execution to other processes for half a minute. */
  async postpone(item: StoredExecution, losses: number): Promise<void> {
    const due = new Date(Date.now() + postponedMilliseconds).toISOString();
    const change = { set: { due, losses }, remove: ['owner'], condition: unchanged(item) } as const;
    await this.#table.update({ name: item.name }, change);
  }

  /** Those of all shards, at most `limit`, the last `due` first. */
  async list(status: 'RUNNING' | 'FAILED', limit: number): Promise<StoredExecution[]> {
    const query = { index: 'byListing', order: 'descending', limit } as const;
    const all = await Promise.all(
      shards.map((shard) => this.#table.query({ ...query, partition: listingOf(status, shard) })),
    );
    const items = all.flat().sort((a, b) => (a.due! < b.due! ? 1 : -1));
    return items.slice(0, limit);
  }

  /** Running executions of a shard that are due at a time, at most `concurrency`; `after`: the last one read before. */
  due(shard: string, time: Date, after?: StoredExecution): Promise<StoredExecution[]> {
    const partition = listingOf('RUNNING', shard);
    return this.#background.query({
      ...{ index: 'byListing', partition, sort: { atMost: time.toISOString() } },
      limit: this.#settings.concurrency,
      ...(after && { after: { name: after.name, listing: partition, due: after.due! } }),
    });
  }

  /** Records a definition before its first execution. */
  async record({ name: workflow, hash, text }: Definition): Promise<void> {
    if (this.#recorded.has(hash)) return;
    await this.#definitions.create({ name: `#${hash}`, workflow, text });
    this.#recorded.add(hash);
  }

  /** The definition that an execution began with; `undefined` when this process cannot run it. */
  async definitionOf(item: StoredExecution): Promise<Definition | undefined> {
    const hash = item.definition;
    const known = this.#known.get(hash);
    if (known) return known;
    const recorded = await this.#definitions.get({ name: `#${hash}` }, { consistent: true });
    if (!recorded) return undefined;
    try {
      const definition = parseDefinition(recorded.text, `${recorded.workflow}.asl.json`);
      if (!this.#settings.canRun(definition)) return undefined;
      this.#known.set(hash, definition);
      return definition;
    } catch (error) {
      // Another version of the kit may have recorded it, which supports more.
      if (!(error instanceof StartError)) throw error;
      this.#settings.log.error({ ...factsOf(item), cause: error.message }, 'workflow refused');
      return undefined;
    }
  }

  /** For the steps of one execution, which are in its trace. Renewals of leases, and sweeps, are in none. */
  #traced(item: StoredExecution): Items {
    const { db, subgraph, tracer } = this.#settings;
    return tracer ? db.causedBy(traceOf(item)).table(executionsTable(subgraph)) : this.#table;
  }
}

/** Only whoever has the lease, and has written last, writes. */
const heldBy = ({ version, owner }: StoredExecution): Tests<StoredExecution> => ({
  version,
  owner: owner ?? missing,
});

/** The lease was not renewed either. */
const unchanged = (item: StoredExecution): Tests<StoredExecution> => ({
  ...heldBy(item),
  due: item.due!,
  renewals: item.renewals ?? missing,
});
