import { bulkhead as createBulkhead, BulkheadRejectedError } from 'cockatiel';
import { type Interceptor, TransportError } from '../transport';

export interface BulkheadOptions {
  /** How many calls of the subgraph may be on their way at once. */
  readonly concurrency: number;
  /** How many more may wait for one of them to end. */
  readonly waiting: number;
}

/** Keeps one slow subgraph from taking all connections and memory: what is over its bounds fails at once. */
export function bulkhead({ concurrency, waiting }: BulkheadOptions): Interceptor {
  return (next) => {
    const policy = createBulkhead(concurrency, waiting);
    return (request) =>
      policy
        .execute(() => next(request))
        .catch((error: unknown) => {
          throw error instanceof BulkheadRejectedError
            ? new TransportError(request.operation.subgraph, 'busy')
            : error;
        });
  };
}
