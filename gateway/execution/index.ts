export { compileOperation, type CompileOptions, type Program } from './compile';
export type { ErrorOptions } from './error-paths';
export { execute, type ExecuteOptions, type Execution } from './execute';
