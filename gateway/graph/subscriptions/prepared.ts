import type { GraphQLError } from 'graphql';
import type { OperationResult } from '../../cache/responses/response-cache';
import type { IncomingRequest } from '../../request/incoming-request';
import type { Source } from '../../subgraph-calls/contract/source';
import type { EventBounds } from '../../subgraph-calls/subscriptions/event-queue';
import type { SubscriptionProtocol } from '../../subgraph-calls/subscriptions/subscription-transport';
import type { Caller, SubgraphEvent } from '../../subgraph-calls/contract/transport';
import type { Cursors } from './cursor';
import type { Subscriber } from './event-caller';

/** A subscription as its client sent it. */
export interface SubscriptionText {
  readonly document: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Prepares a running subscription for another generation. Rejects with a `GraphQLError` where it is not valid there. */
export type Prepare = (text: SubscriptionText, subscriber: Subscriber) => Promise<PreparedSubscription>;

/** A subscription with its variables and its caller, compiled for one generation. */
export interface PreparedSubscription {
  readonly text: SubscriptionText;
  /** Moves others to its generation. Distinguishes generations. */
  readonly prepare: Prepare;
  /** Equal for two that may share executions: their answers to an event are the same. */
  readonly key: string;
  /** Equal for two that may share a source: subgraph, operation, variables, and what the subgraph sees of the caller. */
  readonly sourceKey: string;
  /** Names its events, without spaces: positions are those of one stream. Equal in all processes, and generations. */
  readonly stream: string;
  /** Makes positions cursors for clients, and reads them. */
  readonly cursors: Cursors;
  /** The name of the subgraph that has the source. */
  readonly subgraph: string;
  /** Its field of the type for subscriptions. */
  readonly field: string;
  /** How events come from the subgraph; `events`: those of an event source feed it. */
  readonly source: SubscriptionProtocol | 'events';
  /** How many events may wait to be executed. */
  readonly bounds: EventBounds;
  /** Opens the source after a position. Rejects with a `GraphQLError`; the source with a `TransportError`. */
  openSource(caller: Caller, after: string | undefined): Promise<Source<SubgraphEvent>>;
  /** The error that clients get where the source breaks. */
  sourceError(reason: unknown): GraphQLError;
  /** Answers an event, without a promise where the answer is known. Rejects with a `GraphQLError` where there is none at all. */
  answer(event: SubgraphEvent, subscriber: Subscriber): EventAnswer | Promise<EventAnswer>;
  /** Checks API key, limits and hook as of a new operation. Rejects where the client may not go on. */
  readmit(request: IncomingRequest): Promise<void>;
  /** Counts the cost of an answer for the rates of a client. Throws if it exceeds one of them. */
  charge(request: IncomingRequest): void;
  /** Counts the operation as used by a client. */
  count(request: IncomingRequest): void;
  /** To be called once, when it is not used any more: until then its generation stays open. */
  release(): void;
}

export interface EventAnswer {
  readonly answered: OperationResult;
  /** Whether other clients may be given it, too. */
  readonly isShareable: boolean;
}
