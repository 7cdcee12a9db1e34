export {
  addressOf,
  listen,
  startGateway,
  type GatewayOptions,
  type RunningGateway,
} from './process/start-gateway';
export { type ConnectionSource, closePort } from './process/drain';
export { createAdminServer } from './process/admin-server';
export { describeGateway } from './console/about';
export { type AskAll, type AskOne, mergedGateway } from './console/merged-source';
export { gatewayName, openConsole, openConsoleStore, type OpenConsole } from './process/open-console';
export type { MetricsFormat } from './telemetry/metrics/prometheus';
export type { ProcessConsole } from './console/source';
export { createPrimaryMetrics, versionIfKnown } from './telemetry/metrics/metrics';
export { type CheckedGateway, checkGateway } from './process/check-gateway';
export { digestOfFiles } from './process/named-files';
export { modesIn } from './options/auth';
export { type OptionInForce, optionsInForce } from './options/in-force';
export {
  loadOptions,
  OptionsError,
  readOptions,
  type LoadedOptions,
  type LoadOptions,
  type Options,
  type OptionsInput,
} from './options';
export type { OptionOrigin, OptionSources } from './options/sources';
export { explainOperation, type Explained, type ExplainOptions, type Explanation } from './explain/explain';
export { measurePlans } from './explain/plan-costs';
export type { Invalidation } from './options/invalidation';
export { type InvalidationSource, UnknownNames } from './cache/invalidation';
export type { InvalidateFor } from './process/invalidation-route';
export type { Peers } from './cache/stores/peer';
export { StoreUnavailable } from './cache/stores/store';
export { SupergraphError } from './graph/generation';
export { type ErrorCode } from './errors';
export type { HookAnswer, HookOperation, HookRequest, Hooks } from './request/hooks';
export type {
  Caller,
  Interceptor,
  Send,
  SubgraphOperation,
  SubgraphRequest,
  SubgraphResponse,
} from './subgraph-calls/contract/transport';
export type { Identity } from './auth/identity';
export { fileSource, type FileSourceOptions } from './supergraph/file';
export { urlSource, type UrlSourceOptions } from './supergraph/url';
export { apolloManagerSource } from './supergraph/apollo-manager';
export { type AuditFinding, type AuditVerdict, verifyAudit } from './telemetry/audit/verify';
export type { SupergraphListener, SupergraphSource } from './supergraph/source';
