/** Over 300 lines: the generations of a projection, live and being built, are one state. */
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type FastifyBaseLogger } from 'fastify';
import { missing } from '../table/condition';
import { type Database } from '../table/database';
import { SubgraphError } from '../errors';
import { prepareTable } from '../serve/prepare';
import { type Table } from '../table/table';
import { type AnyTableDefinition, type TableDefinition } from '../table/definition';
import { type Failures } from './channels/channel';
import { defaultTimeout, type Consumer } from './consumers/consumer';
import {
  tableFailures,
  type ConsumerItems,
  type ConsumersTable,
  type ConsumerState,
  type ProjectionState,
} from './consumers/consumers-table';
import { type ProjectedEvent, type Projection } from './projection';
import {
  runConsumer,
  subscriptionOf,
  type RunConsumerOptions,
  type RunningConsumer,
} from './consumers/run-consumer';
import { tableChannel, type TableChannelOptions } from './channels/table-channel';

/** The read models of a subgraph, as requests see them. */
export interface Projections {
  /** The table of the live generation. */
  table<Item extends object, KeyAttribute extends string, IndexName extends string>(
    projection: Projection<TableDefinition<Item, KeyAttribute, IndexName>>,
  ): Table<Item, KeyAttribute, IndexName>;
  /**
   * Applies an event of this subgraph at once, so that the answer to the request that wrote it has it. The projection
   * gets the event once more from the log, which changes nothing.
   */
  apply(projection: Projection, event: ProjectedEvent): Promise<void>;
  /**
   * How far a projection is: it has all events of its sources up to this time (ISO 8601, UTC), but for events in its failure
   * queue. `null` before it has caught up with them for the first time. While all is well it is at most 15 s ago.
   */
  asOf(projection: Projection): Promise<string | null>;
}

/** How a projection stands. */
export interface ProjectionStatus {
  readonly projection: string;
  /** The generation that is read. */
  readonly live: number;
  /** It has the events up to this time and takes no more, until it is rebuilt; `null`: it takes all. */
  readonly heldAt: string | null;
  /** How many events the live generation is done with. */
  readonly events: number;
  /** The generation that is being built, and how many events it is done with. */
  readonly building: {
    readonly generation: number;
    readonly to: string | null;
    readonly events: number;
  } | null;
}

export interface SubgraphProjectionsOptions
  extends
    Pick<TableChannelOptions, 'db' | 'publisher' | 'log' | 'lease'>,
    Pick<RunConsumerOptions, 'scopeOf' | 'tracer'> {
  readonly projections: readonly Projection[];
  readonly table: ConsumersTable;
  readonly client: DynamoDBDocumentClient;
  /** Writes the seeds of new generations. */
  readonly seed: boolean;
}

/** How soon a process sees what another one has begun or ended. */
const lookMilliseconds = 5000;

/** The generations of a subgraph's projections: which one is read, which one is filled. */
export class SubgraphProjections {
  readonly #options: SubgraphProjectionsOptions;
  readonly #log: FastifyBaseLogger;
  readonly #items: ConsumerItems;
  readonly #states = new Map<string, ProjectionState>();
  readonly #running = new Map<string, RunningConsumer>();
  #isStarted = false;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(options: SubgraphProjectionsOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#items = options.db.table(options.table);
  }

  /** Makes the live generation of each projection ready to be read. The table of consumers must be there. */
  async prepare(signal: AbortSignal): Promise<void> {
    for (const projection of this.#options.projections) {
      const state = await this.#read(projection);
      await this.#prepareTable(projection.table(state.live), signal);
    }
  }

  /** The projections for requests. `db` is the request's database. */
  readonly forRequest = (db: Database): Projections => ({
    table: (projection) => db.table(projection.table(this.#stateOf(projection).live)),
    apply: async (projection, event) => {
      const { live, heldAt } = this.#stateOf(projection);
      if (heldAt === undefined) await projection.apply(event, { db, generation: live });
    },
    asOf: async (projection) => {
      const { live, heldAt } = this.#stateOf(projection);
      if (heldAt !== undefined) return heldAt;
      const key = { consumer: consumerOf(projection, live), item: 'state' };
      const state = (await db.table(this.#options.table).get(key)) as ConsumerState | null;
      const times = Object.keys(projection.from).map((source) => state?.asOf?.[source] ?? null);
      return times.includes(null) ? null : times.sort()[0]!;
    },
  });

  /** The failure queue of the live generation of each projection, by its name. */
  get failures(): ReadonlyMap<string, Failures> {
    return new Map(
      this.#options.projections.map((projection) => {
        const consumer = consumerOf(projection, this.#stateOf(projection).live);
        return [projection.name, tableFailures(this.#items, consumer, () => undefined)];
      }),
    );
  }

  start(): void {
    this.#isStarted = true;
    if (this.#options.projections.length === 0) return;
    this.#timer = setInterval(() => void this.#look(), lookMilliseconds).unref();
    void this.#look();
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    clearInterval(this.#timer);
    await this.#working;
    await Promise.all([...this.#running.values()].map((each) => each.stop()));
  }

  async statuses(): Promise<ProjectionStatus[]> {
    return Promise.all(
      this.#options.projections.map(async (projection) => {
        const { live, heldAt = null, building, buildingTo = null } = await this.#read(projection);
        return {
          projection: projection.name,
          live,
          heldAt,
          events: await this.#settledOf(projection, live),
          building:
            building === undefined
              ? null
              : {
                  generation: building,
                  to: buildingTo,
                  events: await this.#settledOf(projection, building),
                },
        };
      }),
    );
  }

  /**
   * Begins to rebuild a projection from all events up to a time; without one from all, and it goes on with what happens.
   * False when there is no such projection. One that is going on is given up with `restart`; without, a
   * {@link SubgraphError} `CONFLICT` is thrown.
   */
  async rebuild(
    name: string,
    to: string | undefined,
    { restart = true }: { readonly restart?: boolean } = {},
  ): Promise<boolean> {
    const projection = this.#options.projections.find((each) => each.name === name);
    if (!projection) return false;
    for (;;) {
      const state = await this.#read(projection);
      if (state.building !== undefined && !restart)
        throw new SubgraphError('CONFLICT', `The projection "${name}" is being rebuilt already.`);
      const generation = state.last + 1;
      const begun = await this.#items.update(keyOf(projection), {
        set: { last: generation, building: generation, ...(to !== undefined && { buildingTo: to }) },
        remove: ['previous', ...(to === undefined ? (['buildingTo'] as const) : [])] as never[],
        // One that has just become live must not be taken for one that is given up.
        condition: { last: state.last, live: state.live },
      });
      if (!begun) continue;
      this.#log.info({ projection: name, generation, to }, 'a projection is being rebuilt');
      await this.#look();
      for (const old of [state.previous, state.building])
        if (old !== undefined) await this.#forget(projection, old);
      return true;
    }
  }

  async #settledOf(projection: Projection, generation: number): Promise<number> {
    const key = { consumer: consumerOf(projection, generation), item: 'state' };
    return ((await this.#items.get(key)) as ConsumerState | null)?.settled ?? 0;
  }

  #stateOf({ name }: Pick<Projection, 'name'>): ProjectionState {
    const state = this.#states.get(name);
    if (!state)
      throw new TypeError(
        `The projection "${name}" is not one of this subgraph: list it in \`projections\`.`,
      );
    return state;
  }

  /** The state in the store; that of the first generation is made where there is none. */
  async #read(projection: Projection): Promise<ProjectionState> {
    const key = keyOf(projection);
    let state = (await this.#items.get(key, { consistent: true })) as ProjectionState | null;
    if (!state) {
      const first: ProjectionState = { ...key, live: 1, last: 1 };
      const isFirst = await this.#items.put(first, { condition: { consumer: missing } });
      state = isFirst
        ? first
        : ((await this.#items.get(key, { consistent: true })) as unknown as ProjectionState);
    }
    this.#states.set(projection.name, state);
    return state;
  }

  /** Runs what is to run, and ends what is not. One after the other. */
  #look(): Promise<void> {
    this.#working = this.#working
      .then(() => this.#adjust())
      .catch((error: unknown) => this.#log.warn({ err: error }, 'the state of projections cannot be read'));
    return this.#working;
  }

  async #adjust(): Promise<void> {
    const wanted = new Set<string>();
    for (const projection of this.#options.projections) {
      const { live, heldAt, building, buildingTo } = await this.#read(projection);
      if (heldAt === undefined) wanted.add(this.#run(projection, live));
      if (building !== undefined) {
        await this.#prepareTable(projection.table(building));
        wanted.add(this.#run(projection, building, { to: buildingTo }));
      }
    }
    for (const [name, running] of this.#running) {
      if (wanted.has(name)) continue;
      this.#running.delete(name);
      await running.stop();
    }
  }

  /** Applies events to a generation; to one that is being built (`building`), until it is complete and takes over. */
  #run(projection: Projection, generation: number, building?: { readonly to: string | undefined }): string {
    const name = consumerOf(projection, generation);
    if (!this.#isStarted || this.#running.has(name)) return name;
    const { table, scopeOf, tracer } = this.#options;
    const last = building?.to === undefined ? Infinity : Date.parse(building.to);
    const consumer: Consumer = {
      name,
      from: projection.from,
      concurrency: 8,
      timeout: defaultTimeout,
      handle: async (event, { db, isRetry }) => {
        if (Date.parse(event.time) <= last) await projection.apply(event, { db, generation, isRetry });
      },
    };
    const channel = tableChannel({
      ...this.#options,
      table,
      ...(building && { onCaughtUp: () => void this.#complete(projection, generation, building.to) }),
    });
    const subscription = subscriptionOf(consumer, channel);
    this.#running.set(name, runConsumer(consumer, { subscription, log: this.#log, scopeOf, tracer }));
    return name;
  }

  /** The generation has all events that there are: it is read from now on. */
  async #complete(projection: Projection, generation: number, to: string | undefined): Promise<void> {
    const { name } = projection;
    try {
      const { live } = this.#stateOf(projection);
      const swapped = await this.#items.update(keyOf(projection), {
        set: { live: generation, previous: live, ...(to !== undefined && { heldAt: to }) },
        remove: ['building', 'buildingTo', ...(to === undefined ? (['heldAt'] as const) : [])] as never[],
        condition: { building: generation },
      });
      if (swapped) this.#log.info({ projection: name, generation, to }, 'a rebuilt projection is live');
    } catch (error) {
      this.#log.warn({ projection: name, err: error }, 'a rebuilt projection cannot be made live yet');
      setTimeout(() => void this.#complete(projection, generation, to), lookMilliseconds).unref();
    }
    void this.#look();
  }

  /** Deletes a generation that nobody reads any more. */
  async #forget(projection: Projection, generation: number): Promise<void> {
    const consumer = consumerOf(projection, generation);
    const TableName = projection.table(generation).name;
    try {
      await this.#options.client.send(new DeleteTableCommand({ TableName }));
      for (const { item } of await this.#items.query({ partition: consumer }))
        await this.#items.delete({ consumer, item });
    } catch (error) {
      this.#log.warn({ table: TableName, err: error }, 'an old generation was not deleted');
    }
  }

  async #prepareTable(definition: AnyTableDefinition, signal?: AbortSignal): Promise<void> {
    const { db, client, seed } = this.#options;
    await prepareTable(definition, { db, client, seed, ...(signal && { signal }) });
  }
}

const keyOf = ({ name }: Projection) => ({ consumer: name, item: 'projection' }) as const;

/** Each generation has a consumer of its own, so it has its own positions in the logs that it reads. */
const consumerOf = ({ name }: Projection, generation: number): string => `${name}@${generation}`;
