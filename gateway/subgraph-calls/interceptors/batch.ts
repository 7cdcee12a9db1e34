import DataLoader from 'dataloader';
import type { PendingCalls } from '../sharing/pending-calls';
import type { ScopesInFlight } from '../sharing/scopes-in-flight';
import { CallMember } from '../sharing/shared-call';
import {
  type Interceptor,
  isRepeatable,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
} from '../contract/transport';
import { EntityBatch } from './entity-batch';

export interface CallBatchOptions {
  /** How long a call waits for others: for the rest of this turn of the event loop, or for 1 ms. */
  readonly window: 'turn' | '1ms';
  /** The most representations in one joined call. A request with more is sent alone. */
  readonly maxRepresentations: number;
  /** Timeout of the subgraph's calls, in milliseconds. */
  readonly timeout: number;
  readonly scopes: ScopesInFlight;
  /** Ends the wait of members whose own deadline passes or whose client leaves. */
  readonly pending: PendingCalls;
}

/**
 * Joins entity fetches of different client requests into one call if they have the same selection and equal scope, and
 * are sent within `window`. Equal representations are requested once.
 *
 * Each request gets the same answer as it would alone. If a joined call fails, and a single representation may be the
 * reason, all requests are sent again separately. In the worst case that is one call more than without batching.
 */
export function batchEntities(options: CallBatchOptions): Interceptor {
  const { window, scopes } = options;
  return (next) => {
    // A key of this loader is a request with all of its representations.
    const loader = new DataLoader<SubgraphRequest, Promise<SubgraphResponse>>(
      (requests) => Promise.resolve(sendTogether(requests, next, options)),
      {
        cache: false,
        batchScheduleFn: (dispatch) => {
          if (window === 'turn') setImmediate(dispatch);
          else setTimeout(dispatch, 1);
        },
      },
    );
    return (request) => {
      const { operation, caller, entities } = request;
      return entities === undefined || !isRepeatable(operation) || !scopes.isShared(caller.scope)
        ? next(request)
        : loader.load(request).then((answer) => answer);
    };
  };
}

function sendTogether(
  requests: readonly SubgraphRequest[],
  next: Send,
  { maxRepresentations, timeout, pending }: CallBatchOptions,
): Promise<SubgraphResponse>[] {
  const members = requests.map((request) => new CallMember(request));
  for (const [first, ...others] of groupBySelection(members)) {
    let batch = new EntityBatch(first!);
    for (const member of others) {
      if (batch.take(member, maxRepresentations)) continue;
      batch.send(next, pending, timeout);
      batch = new EntityBatch(member);
    }
    batch.send(next, pending, timeout);
  }
  return members.map(({ answer }) => answer);
}

function groupBySelection(members: readonly CallMember[]): CallMember[][] {
  const groups: CallMember[][] = [];
  const bySelection = new Map<string, CallMember[][]>();
  for (const member of members) {
    const { selection } = member.request.entities![0]!;
    const similar = bySelection.get(selection);
    const group = similar?.find(([first]) => selectsTheSame(first!.request, member.request));
    if (group !== undefined) {
      group.push(member);
      continue;
    }
    const begun = [member];
    groups.push(begun);
    if (similar === undefined) bySelection.set(selection, [begun]);
    else similar.push(begun);
  }
  return groups;
}

/** Whether one call can fetch the entities of both requests. */
function selectsTheSame(one: SubgraphRequest, other: SubgraphRequest): boolean {
  const lists = one.entities!;
  const others = other.entities!;
  return (
    one.caller.scope === other.caller.scope &&
    lists.length === others.length &&
    lists.every(({ selection, arguments: given }, i) => {
      const list = others[i]!;
      return selection === list.selection && given.equals(list.arguments);
    })
  );
}
