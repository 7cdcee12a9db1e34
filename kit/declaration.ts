import { checkConsumers, consumerTables, eventNeeds } from './events/consumers/subgraph-consumers';
import { withEventTables } from './events/log/subgraph-events';
import { variableOf } from './serve/settings';
import { type OptionDefinition, type Subgraph } from './subgraph';
import {
  tableOperations,
  type AnyTableDefinition,
  type KeySchema,
  type TableOperation,
} from './table/definition';
import { type Definition } from './workflows/definition';
import { readWorkflows } from './workflows/open-workflows';

/** What the code of a subgraph declares that a function of AWS Lambda needs of AWS. JSON. */
export interface SubgraphDeclaration {
  readonly name: string;
  readonly tables: readonly DeclaredTable[];
  /** Whether it writes events. */
  readonly publishes: boolean;
  readonly consumers: readonly DeclaredConsumer[];
  readonly workflows: readonly DeclaredWorkflow[];
  readonly options: Readonly<Record<string, DeclaredOption>>;
}

export interface DeclaredOption extends OptionDefinition {
  /** The environment variable that sets it. */
  readonly variable: string;
}

export interface DeclaredTable extends KeySchema {
  readonly name: string;
  readonly indexes: Readonly<Record<string, KeySchema>>;
  /** What the function does with its items. `Query` means the table itself; the function queries each index. */
  readonly operations: readonly TableOperation[];
  /**
   * `own`: of the subgraph's code. `events`: its event log. `consumers`: how far its consumers and projections are.
   * `projection`: the first generation of a read model; the name of a later one has another number at its end.
   */
  readonly kind: 'own' | 'events' | 'consumers' | 'projection';
}

export interface DeclaredConsumer {
  readonly name: string;
  /** The types of events, by the subgraph that writes them. */
  readonly from: Readonly<Record<string, readonly string[]>>;
}

export interface DeclaredWorkflow {
  readonly name: string;
  /** In the Amazon States Language, as its file has it. */
  readonly definition: string;
  /** The longest time that a task may take, in seconds. */
  readonly longestTask: number;
}

/**
 * Reads what a subgraph declares. Throws what its start would throw: a {@link StartError}, such as for the definition of
 * a workflow, or a `TypeError`.
 */
export function declarationOf(
  subgraph: Pick<Subgraph, 'name' | 'tables' | 'projections' | 'consumers' | 'workflows' | 'options'>,
): SubgraphDeclaration {
  const { name, tables = [], projections = [], options = {} } = subgraph;
  const { publishes, consumers } = eventNeeds(subgraph);
  const defaults = Object.entries<OptionDefinition>(options).map(
    ([option, { default: value }]) => [option, value] as const,
  );
  checkConsumers(subgraph, Object.fromEntries(defaults));
  const withEvents = withEventTables(name, tables);
  return {
    name,
    tables: [
      ...withEvents.map((table) => declare(table, tables.includes(table) ? 'own' : 'events')),
      ...consumerTables(subgraph).map((table) => ({
        ...declare(table, 'consumers'),
        operations: projections.length > 0 ? whereProjectionsAre : [],
      })),
      ...projections.map((projection) => ({
        ...declare(projection.table(1), 'projection'),
        operations: withProjections,
      })),
    ],
    publishes,
    consumers: Object.entries(consumers).map(([consumer, from]) => ({ name: consumer, from })),
    workflows: Array.from(readWorkflows(subgraph).definitions.values(), declareWorkflow),
    options: Object.fromEntries(
      Object.entries<OptionDefinition>(options).map(([option, definition]) => [
        option,
        { ...definition, variable: variableOf(option) },
      ]),
    ),
  };
}

const declareWorkflow = ({ name, text, States }: Definition): DeclaredWorkflow => ({
  name,
  definition: text,
  longestTask: Math.max(
    ...Object.values(States).map((state) => (state.Type === 'Task' ? state.TimeoutSeconds : 0)),
  ),
});

/** A function looks which generation is live, and how far it is. The processes that fill it do the rest. */
const whereProjectionsAre: readonly TableOperation[] = ['GetItem', 'PutItem'];
/** A function reads a projection, and may apply its own events at once. */
const withProjections: readonly TableOperation[] = ['BatchGetItem', 'GetItem', 'PutItem', 'Query'];

const declare = (
  { name, partitionKey, sortKey, indexes, outbox, operations = tableOperations }: AnyTableDefinition,
  kind: DeclaredTable['kind'],
): DeclaredTable => ({
  ...{ name, partitionKey, ...(sortKey !== undefined && { sortKey }), indexes, kind },
  // Items of a table with an outbox are not deleted.
  operations: operations.filter((operation) => outbox === undefined || operation !== 'DeleteItem'),
});
