import { requestError } from '../errors';
import { reportOf } from './call-report';
import { addTotals } from './call-totals';
import { describeGraph, mergeGraphs } from './graph';
import { describeLive, mergeLive } from './live';
import type { ConsoleSource, ProcessConsole } from './source';

type Questions = ProcessConsole;
type Answer<What extends keyof Questions> = Awaited<ReturnType<Questions[What]>>;

/**
 * Asks every process of a gateway. Resolves with what each answers, by its number; those that do not answer in time are left
 * out.
 */
export type AskAll = <What extends keyof Questions>(
  what: What,
  input: Parameters<Questions[What]>[0],
) => Promise<ReadonlyMap<number, Answer<What>>>;

/** Asks any one process, for what all of them know. Resolves with undefined if none answers. */
export type AskOne = <What extends keyof Questions>(
  what: What,
  input: Parameters<Questions[What]>[0],
) => Promise<Answer<What> | undefined>;

/** What all processes of a gateway have, as one source. */
export function mergedSource(askAll: AskAll, askOne: AskOne): ConsoleSource {
  const report: ConsoleSource['report'] = async (filter) =>
    reportOf(addTotals(some([...(await askAll('report', filter)).values()])));
  const requests: ConsoleSource['requests'] = async (filter) => {
    const found = await askAll('requests', filter);
    return [...found]
      .flatMap(([worker, those]) => those.map((request) => ({ ...request, worker })))
      .sort((one, other) => other.at - one.at)
      .slice(0, mostListed);
  };
  return {
    requests,
    async request(id) {
      const found = await askAll('request', id);
      const known = [...found].flatMap(([worker, request]) =>
        request === undefined ? [] : [{ ...request, worker }],
      );
      // The store has it, too, where several gateways share one.
      const request = known.find(({ gateway }) => gateway === undefined) ?? known[0];
      if (request?.operation === undefined) return request;
      const others = await requests({ operation: request.operation.id });
      return { ...request, others: others.filter((other) => other.id !== request.id).slice(0, mostOthers) };
    },
    report,
    ...pages({
      report,
      live: async () => [...(await askAll('live', undefined)).values()],
      graph: async () => [...(await askAll('graph', undefined)).values()],
      operators: () => askOne('operators', undefined),
      schema: () => askOne('schema', undefined),
    }),
  };
}

/** What one process has, as the source of a gateway without others. */
export function sourceOf(own: ProcessConsole): ConsoleSource {
  const report: ConsoleSource['report'] = async (filter) => reportOf(await own.report(filter));
  return {
    ...{ requests: own.requests, request: own.request, report },
    ...pages({
      ...{ operators: own.operators, schema: own.schema, report },
      live: async () => [await own.live()],
      graph: async () => [await own.graph()],
    }),
  };
}

/** What the pages are made of: `live` and `graph` of every process, all else of the whole gateway. */
interface Parts extends Pick<ProcessConsole, 'operators' | 'schema'>, Pick<ConsoleSource, 'report'> {
  readonly live: () => Promise<readonly Answer<'live'>[]>;
  readonly graph: () => Promise<readonly Answer<'graph'>[]>;
}

function pages(parts: Parts): Pick<ConsoleSource, 'live' | 'graph' | 'schema'> {
  return {
    async live() {
      const [live, operators, { pairs }] = await Promise.all([
        parts.live(),
        parts.operators(),
        parts.report({ last: quarter }),
      ]);
      const chatty = pairs.filter(({ callsPerRequest }) => callsPerRequest > 0).slice(0, mostChatty);
      return { ...describeLive(mergeLive(some(live))), chatty, ...(operators && { operators }) };
    },
    async graph() {
      const [graphs, live, report, recent] = await Promise.all([
        parts.graph(),
        parts.live(),
        parts.report({ last: quarter }),
        parts.report({ last: minute }),
      ]);
      return describeGraph(mergeGraphs(some(graphs)), mergeLive(some(live)), { report, recent });
    },
    async schema() {
      const schema = await parts.schema();
      if (schema === undefined) throw requestError('NO_SUPERGRAPH', {});
      return schema;
    },
  };
}

/** @throws a `GraphQLError` if no process has answered in time */
function some<Item>(items: readonly Item[]): readonly Item[] {
  if (items.length === 0) throw requestError('OVERLOADED', {});
  return items;
}

const minute = 60_000;
const quarter = 15 * minute;
const mostChatty = 20;
export const mostListed = 200;
export const mostOthers = 20;
