import { type GraphQLResolveInfo } from 'graphql';
import { type EventSource, type EventStream } from './event-source';

/** Key of what the kit keeps in the context of a subscription. */
export const subscriptionState = Symbol('weir.subscription');

export interface SubscriptionState {
  readonly events: EventSource;
  /** `extensions.after` of the request. */
  readonly after: string | undefined;
}

/** What a subscription field is made of. `Data` is the `data` of the events. */
export interface SubscriptionFieldOptions<Context, Args, Data> {
  /** The type of its events, or several. */
  readonly event: string | readonly string[];
  /**
   * The keys whose events the subscriber gets, by the field's arguments: `all`, or a list. Throwing a `SubgraphError`
   * refuses the subscription: check here whether the caller may subscribe.
   */
  readonly keys: (
    args: Args,
    context: Context,
  ) => readonly string[] | 'all' | Promise<readonly string[] | 'all'>;
  /** Takes the key from an event's data. @default the key is the event's subject */
  readonly keyOf?: (data: Data) => string;
  /**
   * The value of the field for an event. Each event has a context of its own, so loaders read anew. Check here whether
   * the caller may (still) see it. @default the event's data
   */
  readonly resolve?: (data: Data, args: Args, context: Context, info: GraphQLResolveInfo) => unknown;
}

/** A field of the type `Subscription`, as the schema takes it. */
export interface SubscriptionField<Context> {
  readonly subscribe: (root: unknown, args: never, context: Context) => Promise<EventStream>;
  readonly resolve: (data: never, args: never, context: Context, info: GraphQLResolveInfo) => unknown;
}

/**
 * Declares a field of the type `Subscription` over the subgraph's events:
 * `parcelMoved: subscriptionField({ event: 'ParcelMoved', keys: ({ ids }) => ids, resolve: … })`.
 */
export function subscriptionField<Context, Args = object, Data = unknown>({
  event,
  keys,
  keyOf,
  resolve = (data) => data,
}: SubscriptionFieldOptions<Context, Args, Data>): SubscriptionField<Context> {
  const types = typeof event === 'string' ? [event] : event;
  return {
    async subscribe(_, args, context) {
      const { events, after } = (context as { [subscriptionState]: SubscriptionState })[subscriptionState];
      return events.subscribe({ types, keys: await keys(args, context), keyOf, after });
    },
    resolve,
  };
}
