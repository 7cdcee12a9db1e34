/** What `weir` exports: docs/extending.md lists all of it. */
export { startGateway, type RunningGateway } from './process/start-gateway';
export type { GatewayOptions } from './process/given-options';
export { loadOptions, OptionsError, type LoadOptions, type Options, type OptionsInput } from './options';
export { SupergraphError } from './graph/supergraph-error';
export type { ErrorCode } from './errors';
export type { HookAnswer, HookOperation, HookRequest, Hooks } from './request/hooks';
export type { Identity } from './auth/identity';
export type {
  Caller,
  Interceptor,
  Send,
  SubgraphOperation,
  SubgraphRequest,
  SubgraphResponse,
} from './subgraph-calls/contract/transport';
export type { SupergraphListener, SupergraphOutcome, SupergraphSource } from './supergraph/source';
export type { InvalidationSource } from './cache/invalidation';
export type { Invalidation } from './options/invalidation';
