import { reportOf } from './call-report';
import { addTotals } from './call-totals';
import type { ConsoleSource } from './source';

type Questions = Required<ConsoleSource>;

/**
 * Asks every process of a gateway. Resolves with what each answers, by its number; those that do not answer in time are left
 * out.
 */
export type AskAll = <What extends keyof Questions>(
  what: What,
  input: Parameters<Questions[What]>[0],
) => Promise<ReadonlyMap<number, Awaited<ReturnType<Questions[What]>>>>;

/** What all processes of a gateway have, as one source. */
export function mergedSource(askAll: AskAll): ConsoleSource {
  return {
    async requests(filter) {
      const found = await askAll('requests', filter);
      return [...found]
        .flatMap(([worker, requests]) => requests.map((request) => ({ ...request, worker })))
        .sort((one, other) => other.at - one.at)
        .slice(0, mostListed);
    },
    async request(id) {
      const found = await askAll('request', id);
      for (const [worker, request] of found) if (request !== undefined) return { ...request, worker };
      return undefined;
    },
    async report(filter) {
      const found = await askAll('report', filter);
      if (found.size === 0) throw new Error('No worker answers.');
      return reportOf(addTotals([...found.values()]));
    },
  };
}

export const mostListed = 200;
