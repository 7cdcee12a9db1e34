import { type Interceptor, type SubgraphRequest, type SubgraphResponse, TransportError } from '../transport';

export interface BulkheadOptions {
  /** How many calls of the subgraph may be on their way at once. */
  readonly concurrency: number;
  /** How many more may wait for one of them to end. */
  readonly waiting: number;
}

/** Keeps one slow subgraph from using up connections and memory: calls beyond the limits fail at once. */
export function bulkhead({ concurrency, waiting }: BulkheadOptions): Interceptor {
  return (next) => {
    let onTheirWay = 0;
    /** Those who wait, the first come first; the one at `first` is the next. */
    let queue: (() => void)[] = [];
    let first = 0;

    const begin = (request: SubgraphRequest): Promise<SubgraphResponse> => {
      onTheirWay++;
      const answer = next(request);
      answer.then(end, end);
      return answer;
    };

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
