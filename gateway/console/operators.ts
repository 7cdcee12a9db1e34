import type { Pool } from 'undici';
import { z } from 'zod';
import type { EventPublisher } from '../events/sources/subgraph';
import { failureOf } from '../subgraph-calls/wire/network-failure';
import type { Lease } from '../net/leases';
import { ownHeaders } from '../subgraph-calls/endpoints/own-requests';
import { parseSubgraphUrl } from '../subgraph-calls/endpoints/subgraph-url';
import { timeLimit } from '../net/time-limit';
import { requestBy } from '../net/undici';
import type { OperatorsView } from './api';

/** Milliseconds for an answer of a subgraph. */
const timeout = 2_000;
/** Bytes of an answer. */
const mostBytes = 4 * 1024 * 1024;
/** The most failures, and the most executions of each status, that a subgraph lists. */
const most = 100;

const listedFailures = z.object({
  consumers: z.array(
    z.object({ consumer: z.string(), failures: z.array(z.unknown()), next: z.string().optional() }),
  ),
});
const listedExecutions = z.object({
  executions: z.array(z.object({ workflow: z.string(), status: z.enum(['RUNNING', 'FAILED']) })),
});
const refused = z.object({
  errors: z.tuple([z.object({ extensions: z.object({ code: z.string() }) })], z.unknown()),
});

/**
 * Asks subgraphs for their failure queues and workflows, as `weir events failed` and `weir workflow list` do. A subgraph
 * without any is left out; one that does not answer is named. Never rejects.
 */
export async function askOperators(subgraphs: readonly EventPublisher[]): Promise<OperatorsView> {
  const all = await Promise.all(subgraphs.map(askOne));
  return {
    queues: all.flatMap(({ queues }) => queues),
    workflows: all.flatMap(({ workflows }) => workflows),
    troubles: all.flatMap(({ troubles }) => troubles),
  };
}

async function askOne(subgraph: EventPublisher): Promise<OperatorsView> {
  const { name } = subgraph;
  const [failures, executions] = await Promise.allSettled([
    ask(subgraph, 'events/failures', { limit: most }, listedFailures),
    ask(subgraph, 'workflows', { limit: most }, listedExecutions),
  ]);
  const reasons = [failures, executions].flatMap((each) =>
    each.status === 'rejected' ? [(each.reason as Error).message] : [],
  );
  const { consumers = [] } = (failures.status === 'fulfilled' && failures.value) || {};
  const listed = (executions.status === 'fulfilled' && executions.value?.executions) || [];
  return {
    queues: consumers.map(({ consumer, failures: found, next }) => ({
      ...{ subgraph: name, consumer, failures: found.length, hasMore: next !== undefined },
    })),
    workflows: [...new Set(listed.map(({ workflow }) => workflow))].map((workflow) => {
      const count = (status: string) =>
        listed.filter((each) => each.workflow === workflow && each.status === status).length;
      return { subgraph: name, workflow, running: count('RUNNING'), failed: count('FAILED') };
    }),
    troubles: [...new Set(reasons)].map((reason) => `${name} ${reason}`),
  };
}

/** Resolves with undefined where the subgraph does not have it. Rejects with an error whose message is a predicate of the subgraph. */
async function ask<Schema extends z.ZodType>(
  subgraph: EventPublisher,
  path: string,
  body: object,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  const { status, text } = await post(subgraph, path, Buffer.from(JSON.stringify(body)));
  const json = parsed(text);
  if (refused.safeParse(json).data?.errors[0].extensions.code === 'LINK_REFUSED')
    throw new Error('does not accept the signature of the private link.');
  if (status >= 500) throw new Error(`has failed with status ${status}: its log has more.`);
  return status === 200 ? schema.safeParse(json).data : undefined;
}

async function post(
  subgraph: EventPublisher,
  path: string,
  body: Buffer,
): Promise<{ readonly status: number; readonly text: string }> {
  const { name, tls, connections, instances } = subgraph;
  const [instance] = instances;
  if (instance === undefined) throw new Error('is not called: no endpoint of it was found.');
  let pool: Lease<Pool> | undefined;
  try {
    // The path is beside the GraphQL endpoint.
    const url = new URL(path, parseSubgraphUrl(name, instance.url));
    const headers = await ownHeaders(subgraph, { method: 'POST', url, body });
    pool = connections.pool({ name, url, address: instance.address, tls });
    const response = await requestBy(pool.value, {
      ...{ method: 'POST', path: url.pathname, body, signal: timeLimit(timeout) },
      headers: { ...headers, 'content-type': 'application/json' },
    });
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of response.body as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > mostBytes) throw new TooLarge();
      pieces.push(piece);
    }
    return { status: response.statusCode, text: Buffer.concat(pieces).toString() };
  } catch (error) {
    if (error instanceof TooLarge)
      throw new Error(`answers with more than ${mostBytes / 1024 / 1024} MB.`, { cause: error });
    if ((error as Error).name === 'TimeoutError')
      throw new Error(`does not answer within ${timeout / 1000} s.`, { cause: error });
    throw new Error(`does not answer (${failureOf(error as Error)}).`, { cause: error });
  } finally {
    pool?.end();
  }
}

class TooLarge extends Error {}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Calls `ask` at most once per period, and nobody waits for long: a caller gets the last answer if the new one is not
 * there in time, and undefined before the first.
 *
 * @param ask never rejects
 */
export function askSeldom<Answer>(
  ask: () => Promise<Answer>,
  { period = 10_000, patience = 250 }: { readonly period?: number; readonly patience?: number } = {},
): () => Promise<Answer | undefined> {
  let answer: Answer | undefined;
  let requestedAt = -Infinity;
  let pending: Promise<void> | undefined;
  return async () => {
    if (pending === undefined && performance.now() - requestedAt >= period) {
      requestedAt = performance.now();
      pending = ask().then((found) => {
        answer = found;
        pending = undefined;
      });
    }
    if (pending !== undefined) {
      let timer: NodeJS.Timeout;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, patience)));
      await Promise.race([pending, late]);
      clearTimeout(timer!);
    }
    return answer;
  };
}
