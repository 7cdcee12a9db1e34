import { eventBounds } from '../../events/feeds';
import type { IncomingRequest } from '../../request/incoming-request';
import type { SubgraphEvent } from '../../subgraph-calls/contract/transport';
import type { SubscriptionProtocol } from '../../subgraph-calls/subscriptions/subscription-transport';
import type { Subscriber } from './event-caller';
import type { SubscriptionKeys } from './keys';
import type { EventAnswer, PreparedSubscription } from './prepared';

/** What is the same for all who subscribe with the same operation and equal variables. */
export interface PreparedOperation extends Omit<
  PreparedSubscription,
  'key' | 'sourceKey' | 'stream' | 'source' | 'openSource' | 'release'
> {
  /** How events come from its subgraph. */
  readonly protocol: SubscriptionProtocol;
}

export interface OwnOptions extends Pick<PreparedSubscription, 'openSource' | 'release'> {
  /** Whether an event source feeds it. */
  readonly isFed: boolean;
}

/** A prepared operation of one caller. A client that joins others needs little more than its key. */
export class SubscriptionOfCaller implements PreparedSubscription {
  readonly key: string;
  readonly #operation: PreparedOperation;
  readonly #keys: SubscriptionKeys;
  readonly #own: OwnOptions;

  constructor(operation: PreparedOperation, keys: SubscriptionKeys, own: OwnOptions) {
    this.key = keys.key;
    this.#operation = operation;
    this.#keys = keys;
    this.#own = own;
  }

  get text(): PreparedSubscription['text'] {
    return this.#operation.text;
  }

  get prepare(): PreparedSubscription['prepare'] {
    return this.#operation.prepare;
  }

  get sourceKey(): string {
    return this.#keys.sourceKey;
  }

  get stream(): string {
    return this.#keys.stream;
  }

  get cursors(): PreparedSubscription['cursors'] {
    return this.#operation.cursors;
  }

  get subgraph(): string {
    return this.#operation.subgraph;
  }

  get field(): string {
    return this.#operation.field;
  }

  get source(): PreparedSubscription['source'] {
    return this.#own.isFed ? 'events' : this.#operation.protocol;
  }

  get bounds(): PreparedSubscription['bounds'] {
    return this.#own.isFed ? eventBounds : this.#operation.bounds;
  }

  openSource(
    ...opening: Parameters<PreparedSubscription['openSource']>
  ): ReturnType<PreparedSubscription['openSource']> {
    return this.#own.openSource(...opening);
  }

  sourceError(reason: unknown): ReturnType<PreparedSubscription['sourceError']> {
    return this.#operation.sourceError(reason);
  }

  answer(event: SubgraphEvent, subscriber: Subscriber): EventAnswer | Promise<EventAnswer> {
    return this.#operation.answer(event, subscriber);
  }

  readmit(request: IncomingRequest): Promise<void> {
    return this.#operation.readmit(request);
  }

  charge(request: IncomingRequest): void {
    this.#operation.charge(request);
  }

  count(request: IncomingRequest): void {
    this.#operation.count(request);
  }

  release(): void {
    this.#own.release();
  }
}
