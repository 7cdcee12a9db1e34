import { strictest } from '../../cache/policy';
import { type EntityAnswers, readEntities, withRepresentations, writeEntities } from '../wire/entities';
import type { PendingCalls } from '../sharing/pending-calls';
import { isShareable } from '../sharing/shareable';
import {
  isOfOneClient,
  isTooLarge,
  type CallMember,
  sendEachAlone,
  SharedCaller,
} from '../sharing/shared-call';
import { countFetches, type Send, type SubgraphResponse } from '../contract/transport';

/** Entity requests with the same selections, which share one call. */
export class EntityBatch {
  readonly #members: CallMember[] = [];
  /** For each list of the operation: its representations, and the index of each, by its bytes. */
  readonly #representations: Buffer[][];
  readonly #indices: Map<string, number>[];
  /** For each member and list, the indices of its own representations. */
  readonly #own: number[][][] = [];

  constructor(first: CallMember) {
    this.#representations = first.request.entities!.map(() => []);
    this.#indices = first.request.entities!.map(() => new Map<string, number>());
    this.take(first, Infinity);
  }

  /** Adds a request, unless the call would then have too many representations. Returns whether it was added. */
  take(member: CallMember, maxRepresentations: number): boolean {
    const lists = member.request.entities!.map(({ representations }) =>
      representations.map((bytes) => ({ bytes, key: bytes.toString('latin1') })),
    );
    let size = 0;
    lists.forEach((list, i) => {
      const indices = this.#indices[i]!;
      size += indices.size;
      for (const { key } of list) if (!indices.has(key)) size++;
    });
    if (size > maxRepresentations) return false;
    this.#members.push(member);
    this.#own.push(lists.map((list, i) => list.map(({ bytes, key }) => this.#positionOf(i, key, bytes))));
    return true;
  }

  /** Sends the call. @param timeout of the call, in milliseconds */
  send(next: Send, pending: PendingCalls, timeout: number): void {
    const [first, ...others] = this.#members as [CallMember, ...CallMember[]];
    if (others.length === 0) {
      first.follow(next(first.request));
      return;
    }
    for (const { caller, request } of others) countFetches(caller, request.operation, 'batched', 1);
    const expires = performance.now() + timeout;
    for (const member of this.#members) member.waitAmong(pending, expires);
    const request = withRepresentations(first.request, this.#representations);
    next({ ...request, caller: new SharedCaller(this.#members, 'batched') })
      .then((response) => {
        if (!isShareable(response) && !isOfOneClient(...this.#members)) {
          sendEachAlone(this.#members, next);
          return;
        }
        const answers = readEntities(response.body, request.entities!);
        if (typeof answers === 'object') this.#share(response, answers);
        else if (isForAll(response, answers)) {
          const body = answers === 'unreadable' ? noBody : response.body;
          for (const member of this.#members) member.resolve({ ...response, body });
        } else sendEachAlone(this.#members, next);
      })
      .catch((error: unknown) => {
        if (isTooLarge(error)) sendEachAlone(this.#members, next);
        else for (const member of this.#members) member.reject(error);
      });
  }

  #positionOf(i: number, key: string, bytes: Buffer): number {
    const indices = this.#indices[i]!;
    let index = indices.get(key);
    if (index === undefined) {
      index = this.#representations[i]!.push(bytes) - 1;
      indices.set(key, index);
    }
    return index;
  }

  /** Gives each member the answers to its own representations. */
  #share(response: SubgraphResponse, { lists, errors, extensions }: EntityAnswers): void {
    this.#members.forEach((member, m) => {
      if (!member.isWaiting) return;
      const own = this.#own[m]!.map((indices, i) => indices.map((index) => lists[i]![index]!));
      const body = writeEntities(member.request.entities!, { lists: own, errors, extensions });
      member.resolve({ ...response, body, ...this.#policiesOf(m, response) });
    });
  }

  /** The policies of a member's entities, where they differ. */
  #policiesOf(m: number, { policies: all }: SubgraphResponse): Pick<SubgraphResponse, 'policy' | 'policies'> {
    if (all === undefined) return {};
    const policies = this.#own[m]!.map((indices, i) => indices.map((index) => all[i]![index]!));
    return { policy: policies.flat().reduce(strictest), policies };
  }
}

const noBody = Buffer.alloc(0);

/**
 * Whether each member would have got the same answer without entities alone, whatever its representations are: the
 * subgraph rejects the credentials, limits the rate, or is down.
 */
function isForAll({ status }: SubgraphResponse, answers: 'no data' | 'unreadable'): boolean {
  return [401, 403, 429, 503].includes(status) || (status >= 500 && answers === 'unreadable');
}
