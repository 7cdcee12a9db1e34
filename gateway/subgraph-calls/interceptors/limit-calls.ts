import { type Send, TransportError } from '../contract/transport';

/** Makes at most `most` calls for one operation. Further calls fail without being sent. */
export function limitCalls(send: Send, most: number): Send {
  let count = 0;
  return (request) =>
    ++count > most
      ? Promise.reject(new TransportError(request.operation.subgraph, 'over-limit'))
      : send(request);
}
