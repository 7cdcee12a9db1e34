import type { DiscoveredEndpoint } from '../discovery/discovery';
import type { Options } from '../options';
import type { Lifetimes } from '../cache/configured-lifetimes';
import type { ResponseHeaderRules } from './wire/collected-headers';
import type { Signer } from './contract/signer';
import type { VerifyCallback } from './signers/signed-callback';
import type { EventBounds } from './subscriptions/event-queue';
import type { SubscriptionProtocol } from './subscriptions/subscription-transport';
import type { TlsFiles } from '../net/tls-files';
import type { SubgraphSource } from '../../schema/supergraph/sources/sources-of';

/** How the gateway subscribes at a subgraph. */
export interface SubgraphSubscriptions {
  readonly protocol: SubscriptionProtocol;
  /** Used instead of the endpoints of calls: an http, https, ws or wss URL. */
  readonly url?: string | undefined;
  /** Milliseconds of silence after which a WebSocket is checked; 0: never. */
  readonly heartbeat: number;
  /** Milliseconds from a break until its subscriptions end; 0: they end at once. */
  readonly reconnect: number;
  /** How many events of a subscription may wait, and what happens beyond. */
  readonly bounds: EventBounds;
  /** Checks its callbacks; undefined where they are not signed. */
  readonly verifyCallback: VerifyCallback | undefined;
}

/** A subgraph of a supergraph, with its options. */
export interface Subgraph {
  readonly name: string;
  /** What joins an API that is no federation subgraph; undefined for a federation subgraph. */
  readonly source: SubgraphSource | undefined;
  /** At least one. */
  readonly endpoints: readonly DiscoveredEndpoint[];
  /** Timeout of a call, in milliseconds. */
  readonly timeout: number;
  /** How many calls may be sent in a time; undefined without a limit. */
  readonly rate: Options['calls']['rate'];
  /** The most bytes of a response, both as sent and decompressed. */
  readonly maxResponseSize: number;
  /** Headers of every call, in addition to those of the caller. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the subgraph has header rules of its own; then its headers are in `Caller.bySubgraph`. */
  readonly hasOwnHeaders: boolean;
  /** The header that has the name of the client's operation; undefined if none has. */
  readonly operationNameHeader: string | undefined;
  /** Client headers besides `authorization` that tokens come in. @default none */
  readonly tokenHeaders?: readonly string[] | undefined;
  /** Those of `calls.sharedHeaders` that it does not get. */
  readonly withheldHeaders: readonly string[];
  /** Which headers of its responses go to clients. */
  readonly responseHeaders: ResponseHeaderRules;
  /** Authenticates the gateway to it. */
  readonly signer: Signer | undefined;
  readonly tls: TlsFiles | undefined;
  /** Whether the subgraph is an AWS AppSync API. */
  readonly isAppSync: boolean;
  /** Equal for two, perhaps of different options, that are connected to in the same way. */
  readonly connection: string;
  /** Equal for two, perhaps of different options, whose cached answers may replace each other: `originOf`. */
  readonly origin: string;
  /** `independent`: its answers do not depend on the caller, and it gets no headers of clients. */
  readonly identity: 'forwarded' | 'independent';
  /** Whether the subgraph takes a JSON array of requests. */
  readonly arrayBatching: boolean;
  readonly subscriptions: SubgraphSubscriptions;
  readonly lifetimes: Lifetimes;
}
