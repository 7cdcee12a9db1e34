export { compileOperation } from './compile/compile';
export type { ErrorOptions, MaskedError } from './complete/error-paths';
export { execute, type Execution } from './execute';
export { fetchesOf } from './compile/order';
export type { FetchNode, QueryPlan, RequiredSelection } from './compile/plan';
export type { Refusals } from './compile/refusals';
export { countNodes } from './size';
export type { Program } from './program';
export { executeEvent, sourceError, sourceRequest } from './subscribe';
