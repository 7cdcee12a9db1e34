/** The kit for subgraphs: `defineSubgraph`, `defineTable` for its tables, and DataLoaders per request. */
export { defineSubgraph, type RequestScope, type Resolvers, type Subgraph } from './subgraph';
export { runWhenMain, startSubgraph, type RunningSubgraph } from './serve/serve';
export { runServiceWhenMain, type Service } from './serve/service';
export { lambdaHandler, type LambdaHandler } from './serve/lambda';
export { type DatabaseSettings } from './store/dynamodb';
export { type Settings } from './serve/settings';
export { type TraceSettings } from './traces/open-tracing';
export { type Fetch } from './traces/caused-fetch';

export { openDatabase, type Database } from './table/database';
export { type Command } from './table/commands';
export {
  atLeast,
  atMost,
  exists,
  hasEntry,
  lacksEntry,
  missing,
  not,
  type Condition,
} from './table/condition';
export { type Change, type QueryOptions, type Table, type WithNewEvents } from './table/table';
export { defineTable, type Key, type TableDefinition, type TableOperation } from './table/definition';
export {
  entityLoader,
  lookupLoader,
  relationLoader,
  type EntityLoader,
  type LookupLoader,
  type RelationLoader,
} from './table/loader';
export { pickOf, randomOf } from './table/samples';
export {
  queryConnection,
  type Connection,
  type ConnectionArgs,
  type Edge,
  type PageInfo,
} from './table/pagination';

export { looksLikeCardNumber } from './card-number';
export { SubgraphError, badInput, errorCodes, type ErrorCode } from './errors';
export {
  createOnce,
  idOf,
  updateOnce,
  type IdempotentRequest,
  type Outcome,
  type WithRequests,
} from './table/idempotency';
export {
  developmentAuthenticate,
  hasScope,
  linkAuthenticate,
  requireIdentity,
  type Authenticate,
  type Identity,
  type SignedCaller,
} from './identity/identity';
export { type LinkKeysSettings } from './identity/link-keys';
export { runStandInWhenMain, type AppSyncResolvers, type AppSyncSubgraph } from './appsync/stand-in';
export {
  type EventSelection,
  type EventSource,
  type EventStream,
  type StreamedEvent,
} from './subscriptions/event-source';
export {
  memoryEventSource,
  type MemoryEventSource,
  type MemoryEventSourceOptions,
  type PublishedEvent,
} from './subscriptions/memory-event-source';
export {
  subscriptionField,
  type SubscriptionField,
  type SubscriptionFieldOptions,
} from './subscriptions/subscription-field';
export { type SubscriptionSettings } from './subscriptions/serve-subscriptions';
export {
  defineEvent,
  type Cause,
  type DomainEvent,
  type EventDefinition,
  type NewEvent,
} from './events/event';
export { type Outbox, type WithOutbox } from './events/log/outbox';
export {
  type Execution,
  type ExecutionStatus,
  type HistoryEntry,
  type Task,
  type TaskScope,
  type WorkflowDefinition,
  type Workflows,
} from './workflows/workflows';
export { openEmbeddedDynamoDB, type EmbeddedDynamoDB } from './store/embedded-dynamodb';
export {
  type Channel,
  type ConsumerSelection,
  type Delivery,
  type Failure,
  type Failures,
  type RetryOptions,
  type Subscription,
} from './events/channels/channel';
export { consumersTable } from './events/consumers/consumers-table';
export { tableChannel, type TableChannelOptions } from './events/channels/table-channel';
export {
  openSnsSqsChannel,
  type SnsSqsChannel,
  type SnsSqsChannelOptions,
} from './events/channels/sns-sqs-channel';
export {
  defineConsumer,
  UnprocessableEvent,
  type ConsumedEvents,
  type Consumer,
  type ConsumerDefinition,
  type ConsumerScope,
  type EventOf,
} from './events/consumers/consumer';
export {
  defineProjection,
  defineTotals,
  totalOf,
  type DocumentTable,
  type ListPlace,
  type ProjectedDocument,
  type ProjectedEvent,
  type ProjectedTotal,
  type Projection,
  type ProjectionDefinition,
  type TotalsDefinition,
  type TotalsTable,
} from './events/projection';
export { type Projections } from './events/subgraph-projections';
