import { follow } from '../contract/pending-answer';
import {
  type Interceptor,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../contract/transport';

export interface BulkheadOptions {
  /** The most calls of the subgraph in flight. */
  readonly concurrency: number;
  /** The most calls that wait for one of those to end. */
  readonly waiting: number;
}

/** Keeps one slow subgraph from using up connections and memory. Calls beyond the limits fail at once. */
export function bulkhead({ concurrency, waiting }: BulkheadOptions): Interceptor {
  return (next) => {
    let onTheirWay = 0;
    /** The waiting calls, first in, first out. The one at index `first` is the next. */
    let queue: (() => void)[] = [];
    let first = 0;

    const begin = (request: SubgraphRequest): Promise<SubgraphResponse> => {
      onTheirWay++;
      return follow(next(request), undefined, answered, failed);
    };

    function answered(response: SubgraphResponse): SubgraphResponse {
      end();
      return response;
    }

    function failed(error: unknown): never {
      end();
      throw error;
    }

    function end(): void {
      onTheirWay--;
      if (first === queue.length) return;
      queue[first++]!();
      if (first === queue.length) {
        queue = [];
        first = 0;
      }
    }

    return (request) => {
      if (onTheirWay < concurrency) return begin(request);
      if (queue.length - first >= waiting)
        return Promise.reject(new TransportError(request.operation.subgraph, 'busy'));
      return new Promise((resolve) =>
        queue.push(() => {
          resolve(begin(request));
        }),
      );
    };
  };
}
