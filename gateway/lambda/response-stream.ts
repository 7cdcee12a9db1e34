import type { Writable } from 'node:stream';
import type { LambdaHead } from './lambda-answer';

/** What Lambda's runtime for Node.js gives a handler to write its answer to: a part of a `Writable`. */
export interface ResponseStream extends Pick<
  Writable,
  'destroyed' | 'writableLength' | 'write' | 'destroy' | 'on' | 'off'
> {
  end(): unknown;
  /** Only before the first `write`. */
  setContentType(type: string): void;
}

/** The part of the global `awslambda` that is used: it is there in Lambda's runtime for Node.js alone. */
export interface AwsLambda {
  /** Marks a function as a handler that writes its answer to a stream, and returns it. */
  streamifyResponse<Handler>(handler: Handler): Handler;
  readonly HttpResponseStream: {
    /** Returns a stream that sends, with the first `write`, the head of an answer before it: JSON, and 8 bytes of 0. */
    from(stream: ResponseStream, head: LambdaHead): ResponseStream;
  };
}

/** The global of Lambda's runtime; undefined elsewhere. */
export function awsLambdaIfAny(): AwsLambda | undefined {
  const { awslambda: found } = globalThis as unknown as { awslambda?: Partial<AwsLambda> };
  // The AWS SDK makes an empty one.
  return found?.streamifyResponse === undefined ? undefined : (found as AwsLambda);
}

/** @throws {Error} with a sentence where there is none */
export function awsLambda(): AwsLambda {
  const found = awsLambdaIfAny();
  if (found !== undefined) return found;
  throw new Error(
    "There is no global `awslambda`, so no answer can be streamed. Lambda's runtime for Node.js has it, unless AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA is set. Elsewhere use `createHandler` or `startGateway`.",
  );
}
