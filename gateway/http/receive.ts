import type { Admit } from '../auth/authentication';
import type { GraphQLError } from 'graphql';
import type { Pipeline } from '../request/pipeline';
import type { Exchange } from './begin-request';
import { holdContinue, noBody, readBody, refuseByHeaders } from './body';

export interface ReceiveOptions {
  /** Bytes that a body may have. */
  readonly bodyLimit: number;
  /** For clients that wait for `100 Continue`; undefined without an auth mode. */
  readonly admitByHeaders: Admit | undefined;
  readonly pipeline: Pipeline;
}

/** Receives the body of a GET or a POST to the endpoint, and passes the request to the pipeline. */
export function createReceive(options: ReceiveOptions): (exchange: Exchange) => void {
  const { bodyLimit, admitByHeaders, pipeline } = options;

  return ({ request, message, response }) => {
    const sendContinue = holdContinue(message);
    if (message.method !== 'POST') {
      pipeline.admit(request, noBody);
      return;
    }
    const refuse = (error: GraphQLError): void => pipeline.refuse(request, error);
    const refusal = refuseByHeaders(message, bodyLimit);
    if (refusal !== undefined) {
      refuse(refusal);
      return;
    }
    const read = (): void => {
      sendContinue?.();
      const onBody = (body: Buffer): void => pipeline.admit(request, body);
      readBody(message, response, { limit: bodyLimit, onBody, onRefusal: refuse });
    };
    if (admitByHeaders === undefined || message.headers.expect === undefined) read();
    else pipeline.authenticateEarly(request, admitByHeaders, read);
  };
}
