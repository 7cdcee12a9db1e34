export { createHandler, handler, type LambdaHandler, type LambdaOptions } from './process/lambda-handler';
export type { LambdaAnswer } from './lambda/lambda-answer';
