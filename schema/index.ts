export { composeSupergraph, type Composition, type SubgraphSchema } from './compose';
export { composeFile, type FileComposition } from './compose-file';
export { formatProblem, type Problem, type ProblemLocation } from './problem';
export {
  loadSupergraphConfig,
  type SchemaLocation,
  type SubgraphConfig,
  type SupergraphConfig,
  SupergraphConfigError,
  type SupergraphConfigOptions,
} from './supergraph-config';
export { readSubgraphSchemas, type ReadSubgraphSchemasOptions } from './subgraph-schemas';
export { type SupergraphWatch, watchSupergraph, type WatchSupergraphOptions } from './watch';
