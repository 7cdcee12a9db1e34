export type { LambdaAnswer } from './lambda/lambda-answer';
export type { ResponseStream } from './lambda/response-stream';
export type { LambdaHandler, LambdaStreamHandler } from './process/event-handlers';
export {
  createHandler,
  createStreamHandler,
  handler,
  type LambdaOptions,
  streamHandler,
} from './process/lambda-handler';
