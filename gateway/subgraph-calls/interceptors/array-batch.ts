import DataLoader from 'dataloader';
import { JsonParts } from '../wire/json-parts';
import type { PendingCalls } from '../sharing/pending-calls';
import { bodyOf } from '../wire/request-body';
import { isShareable } from '../sharing/shareable';
import { isOfOneClient, isTooLarge, CallMember, sendEachAlone, SharedCaller } from '../sharing/shared-call';
import {
  countFetches,
  type Interceptor,
  isRepeatable,
  type SubgraphOperation,
  type SubgraphRequest,
  type SubgraphResponse,
} from '../contract/transport';

export interface ArrayBatchOptions {
  /** The most requests in one array. */
  readonly maxRequests: number;
  /** Timeout of the subgraph's calls, in milliseconds. */
  readonly timeout: number;
  /** Ends the wait of members whose own deadline passes or whose client leaves. */
  readonly pending: PendingCalls;
}

/**
 * Sends the queries of one turn of the event loop to one subgraph, from callers of equal scope, as one JSON array. The
 * subgraph answers with an array of responses. Only for subgraphs that support this.
 *
 * If the subgraph answers with anything else, each query gets the errors in that answer, or the error that the response
 * is malformed.
 */
export function batchAsArrays({ maxRequests, timeout, pending }: ArrayBatchOptions): Interceptor {
  return (next) => {
    const loader = new DataLoader<SubgraphRequest, Promise<SubgraphResponse>>(
      (requests) => Promise.resolve(sendByScope(requests)),
      { cache: false, batchScheduleFn: (dispatch) => void setImmediate(dispatch) },
    );

    function sendByScope(requests: readonly SubgraphRequest[]): Promise<SubgraphResponse>[] {
      const members = requests.map((request) => new CallMember(request));
      const byScope = new Map<string, CallMember[]>();
      for (const member of members) {
        const { scope } = member.caller;
        const others = byScope.get(scope);
        if (others === undefined) byScope.set(scope, [member]);
        else others.push(member);
      }
      for (const all of byScope.values()) {
        for (let i = 0; i < all.length; i += maxRequests) sendArray(all.slice(i, i + maxRequests));
      }
      return members.map(({ answer }) => answer);
    }

    function sendArray(members: readonly CallMember[]): void {
      const [first, ...others] = members as [CallMember, ...CallMember[]];
      if (others.length === 0) {
        first.follow(next(first.request));
        return;
      }
      for (const { caller, request } of others) countFetches(caller, request.operation, 'batched', 1);
      const expires = performance.now() + timeout;
      for (const member of members) member.waitAmong(pending, expires);
      next(arrayOf(members))
        .then((response) => {
          if (isShareable(response) || isOfOneClient(...members)) share(response, members);
          else sendEachAlone(members, next);
        })
        .catch((error: unknown) => {
          if (isTooLarge(error)) sendEachAlone(members, next);
          else for (const member of members) member.reject(error);
        });
    }

    return (request) =>
      isRepeatable(request.operation) && request.http === undefined
        ? loader.load(request).then((response) => response)
        : next(request);
  };
}

/** A request whose body is the array of these. */
function arrayOf(members: readonly CallMember[]): SubgraphRequest {
  const { operation, variables } = members.at(-1)!.request;
  const before = members.slice(0, -1).flatMap(({ request }) => [bodyOf(request), comma]);
  const array: SubgraphOperation = {
    subgraph: operation.subgraph,
    kind: 'query',
    document: members.map(({ request }) => request.operation.document).join('\n'),
    name: undefined,
    bodyPrefix: Buffer.concat([openBracket, ...before, operation.bodyPrefix]),
    bodySuffix: '}]',
    tally: members[0]!.request.operation.tally,
  };
  return { operation: array, variables, caller: new SharedCaller(members, 'batched') };
}

function share(response: SubgraphResponse, members: readonly CallMember[]): void {
  const bodies = readArray(response.body);
  const isError = response.status < 200 || response.status >= 300;
  const onlyErrors = bodies.length === members.length || isOnlyErrors(response.body);
  members.forEach((member, i) => {
    if (bodies.length === members.length) member.resolve({ ...response, body: bodies[i]! });
    else if (onlyErrors) member.resolve(response);
    else if (isError) member.resolve({ ...response, body: noBody });
    else member.giveUp('mismatched');
  });
}

/** The elements of a JSON array; an empty list for anything else. */
function readArray(body: Buffer): Buffer[] {
  const parts = new JsonParts(body);
  try {
    const elements = parts.list();
    parts.end();
    return elements;
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Whether this is a GraphQL response without data. */
function isOnlyErrors(body: Buffer): boolean {
  try {
    const { data, errors } = JSON.parse(body.toString()) as { data?: unknown; errors?: unknown };
    return (data ?? undefined) === undefined && Array.isArray(errors);
  } catch {
    return false;
  }
}

const openBracket = Buffer.from('[');
const comma = Buffer.from(',');
const noBody = Buffer.alloc(0);
