export type { Composition, SubgraphSchema } from './composition/compose';
export {
  composeSupergraph,
  executableSubgraph,
  recoverSubgraphs,
  requireComposer,
} from './composition/composer';
export { asSubgraphs } from './composition/sources/read-sources';
export { isSourceSchema } from './composition/sources/source-words';
export type { EntityKey, ExecutableSubgraph } from './composition/executable-subgraph';
export { composeFile, type ComposeFileOptions, type FileComposition } from './composition/compose-file';
export { describeSource, type SourceDescription } from './composition/sources/describe-source';
export { formatProblem, type Problem, type ProblemLocation } from './composition/problem';
export {
  loadSupergraphConfig,
  type SchemaLocation,
  type SubgraphCommand,
  type SubgraphConfig,
  type SupergraphConfig,
  SupergraphConfigError,
  type SupergraphConfigOptions,
} from './composition/supergraph-config';
export {
  readSubgraphSchemas,
  type ReadSubgraphSchemasOptions,
  type FetchIntrospection,
  type SignIntrospection,
} from './composition/subgraph-schemas';
export { type SupergraphWatch, watchSupergraph, type WatchSupergraphOptions } from './composition/watch';
export type { PreviewOptions } from './registry/previews';
export { RegistryReader } from './registry/reader';
export { Registry, type RollbackOptions } from './registry/registry';
export { Variants } from './registry/variants';
export type { RegistryOptions } from './registry/writer';
export type { GatewayReport } from './registry/gateway-reports';
export { type ClientUse, readUsage, type Usage, type UsedOperation } from './registry/usage';
export {
  type CheckedChange,
  type CheckedVariant,
  type CheckOptions,
  type CheckResult,
  checkSchemas,
  type ReadUsage,
  type RunningContract,
  type Threshold,
} from './checks/check';
export type { ContractTags } from './composition/contract';
export { defaultLintRules } from './checks/lint';
export { readLintRules } from './checks/lint-file';
export { changesBetween, type SchemaChange, type Severity } from './checks/changes';
export { apiSchemaOf } from './composition/api-schema';
export {
  isVariantName,
  parseVariant,
  RegistryError,
  type Authorship,
  type ChangeResult,
  type ContractTerms,
  type PublishResult,
  type SubgraphChange,
  type Variant,
  type Version,
} from './registry/version';
export { openRegistryStore } from './store/open';
export { StoreError, type RegistryStore } from './store/store';
