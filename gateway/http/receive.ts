import type { Admit } from '../auth/authentication';
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

  return (exchange) => {
    const { request, message } = exchange;
    const sendContinue = holdContinue(message);
    if (message.method !== 'POST') {
      pipeline.admit(request, noBody);
      return;
    }
    const refusal = refuseByHeaders(message, bodyLimit);
    if (refusal !== undefined) {
      pipeline.refuse(request, refusal);
      return;
    }
    if (admitByHeaders !== undefined && message.headers.expect !== undefined)
      authenticateEarly(exchange, admitByHeaders, sendContinue);
    else {
      sendContinue?.();
      read(exchange);
    }
  };

  function authenticateEarly(exchange: Exchange, admit: Admit, sendContinue: (() => void) | undefined): void {
    pipeline.authenticateEarly(exchange.request, admit, () => {
      sendContinue?.();
      read(exchange);
    });
  }

  function read({ request, message, response }: Exchange): void {
    readBody(message, response, {
      limit: bodyLimit,
      onBody: (body) => pipeline.admit(request, body),
      onRefusal: (error) => pipeline.refuse(request, error),
    });
  }
}
