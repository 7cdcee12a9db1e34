export type { Composition, SubgraphSchema } from './compose';
export { composeSupergraph, requireComposer } from './composer';
export { composeFile, type ComposeFileOptions, type FileComposition } from './compose-file';
export { formatProblem, type Problem, type ProblemLocation } from './problem';
export {
  loadSupergraphConfig,
  type SchemaLocation,
  type SubgraphCommand,
  type SubgraphConfig,
  type SupergraphConfig,
  SupergraphConfigError,
  type SupergraphConfigOptions,
} from './supergraph-config';
export {
  readSubgraphSchemas,
  type ReadSubgraphSchemasOptions,
  type FetchIntrospection,
  type SignIntrospection,
} from './subgraph-schemas';
export { type SupergraphWatch, watchSupergraph, type WatchSupergraphOptions } from './watch';
export { Registry, type RollbackOptions } from './registry';
export type { RegistryOptions } from './registry-writer';
export type { GatewayReport } from './gateway-reports';
export { type ClientUse, readUsage, type Usage, type UsedOperation } from './usage';
export {
  type CheckedChange,
  type CheckedVariant,
  type CheckOptions,
  type CheckResult,
  checkSchemas,
  type ReadUsage,
  type RunningContract,
  type Threshold,
} from './check';
export type { ContractTags } from './contract';
export { defaultLintRules } from './lint';
export { readLintRules } from './lint-file';
export { changesBetween, type SchemaChange, type Severity } from './changes';
export { apiSchemaOf } from './api-schema';
export {
  parseVariant,
  RegistryError,
  type Authorship,
  type ChangeResult,
  type ContractTerms,
  type PublishResult,
  type SubgraphChange,
  type Variant,
  type Version,
} from './registry-version';
export { openRegistryStore } from './store/open';
export { StoreError, type RegistryStore } from './store/store';
