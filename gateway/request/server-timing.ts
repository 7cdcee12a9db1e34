import { follow } from '../subgraph-calls/contract/pending-answer';
import type { Send, SubgraphResponse } from '../subgraph-calls/contract/transport';

/**
 * How long the parts of a request took, for `Server-Timing` (https://www.w3.org/TR/server-timing/), which browsers show beside
 * the request. It has no values of the client.
 */
export class ServerTiming {
  /** Milliseconds of waiting for a plan; 0 if it was known. */
  #plan = 0;
  /** Milliseconds in which at least one call was under way. */
  #calls = 0;
  #underWay = 0;
  #since = 0;

  /** Settles as the plan does. */
  async ofPlan<Plan>(plan: Promise<Plan>): Promise<Plan> {
    const start = performance.now();
    try {
      return await plan;
    } finally {
      this.#plan += performance.now() - start;
    }
  }

  /** Sends calls, which it measures. */
  around(send: Send): Send {
    return (request) => {
      if (this.#underWay++ === 0) this.#since = performance.now();
      return follow(send(request), undefined, this.#answered, this.#failed);
    };
  }

  readonly #answered = (response: SubgraphResponse): SubgraphResponse => {
    this.#end();
    return response;
  };

  readonly #failed = (error: unknown): never => {
    this.#end();
    throw error;
  };

  #end(): void {
    if (--this.#underWay === 0) this.#calls += performance.now() - this.#since;
  }

  /** The value of the header. @param cache how the response cache took part @param total milliseconds */
  write(cache: string | undefined, total: number): string {
    const times = { total, plan: this.#plan, calls: this.#calls };
    const parts = Object.entries(times).map(([name, time]) => `${name};dur=${time.toFixed(1)}`);
    return [...parts, ...(cache === undefined ? [] : [`cache;desc=${cache}`])].join(', ');
  }
}
