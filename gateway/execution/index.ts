export { compileOperation, type Program } from './compile';
export type { ErrorOptions } from './error-paths';
export { execute, type Execution } from './execute';
