export { compileOperation, type Program } from './compile';
export type { ErrorOptions } from './error-paths';
export { execute, type Execution } from './execute';
export { fetchesOf } from './order';
export type { FetchNode, QueryPlan, RequiredSelection } from './plan';
export type { Refusals } from './refusals';
export { countNodes } from './size';
