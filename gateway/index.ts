export { startGateway, type GatewayOptions, type RunningGateway } from './server';
export { loadOptions, OptionsError, type LoadOptions, type Options, type OptionsInput } from './options';
export { explainOperation, type ExplainOptions, type Explanation } from './explain';
export { SupergraphError } from './generation';
export { type ErrorCode } from './errors';
export { fileSource, type FileSourceOptions } from './supergraph/file';
export { urlSource, type UrlSourceOptions } from './supergraph/url';
export { apolloManagerSource } from './supergraph/apollo-manager';
export type { SupergraphListener, SupergraphSource } from './supergraph/source';
