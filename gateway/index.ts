export { startGateway, type GatewayOptions, type RunningGateway } from './server';
export { loadOptions, OptionsError, type LoadOptions, type Options, type OptionsInput } from './options';
export type { SupergraphListener, SupergraphSource } from './supergraph/source';
