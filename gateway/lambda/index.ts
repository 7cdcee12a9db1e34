export type { LambdaAnswer } from './lambda-answer';
export type { ResponseStream } from './response-stream';
export type { LambdaHandler, LambdaStreamHandler } from './event-handlers';
export {
  createHandler,
  createStreamHandler,
  handler,
  type LambdaOptions,
  streamHandler,
} from './lambda-handler';
