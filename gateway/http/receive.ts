import type { Admit } from '../auth/authentication';
import type { GraphQLError } from 'graphql';
import type { Slots } from '../admission/slots';
import type { Pipeline } from '../request/pipeline';
import type { Reply } from '../request/reply';
import type { Exchange } from './begin-request';
import { holdContinue, noBody, readBody, refuseByHeaders } from './body';

export interface ReceiveOptions {
  /** Bytes that a body may have. */
  readonly bodyLimit: number;
  readonly slots: Pick<Slots, 'acquire' | 'release'>;
  /** For clients that wait for `100 Continue`; undefined without an auth mode. */
  readonly admitByHeaders: Admit | undefined;
  readonly pipeline: Pipeline;
  readonly reply: Reply;
}

/** Receives the body of a GET or a POST to the endpoint, and passes the request to the pipeline. */
export function createReceive(options: ReceiveOptions): (exchange: Exchange) => void {
  const { bodyLimit, slots, admitByHeaders, pipeline, reply } = options;

  return ({ request, message, response }) => {
    const sendContinue = holdContinue(message);
    if (message.method !== 'POST') {
      pipeline.admit(request, noBody);
      return;
    }
    // Where there are too many requests, even a refusal waits for a slot.
    const refuse = (error: GraphQLError): void => slots.acquire(request, () => reply.refuse(request, error));
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
