import { LRUCache } from 'lru-cache';
import type { Identity } from '../../auth/identity';
import type { KeyHeaders } from '../key-headers';
import type { Store } from '../stores/store';
import type { IncomingRequest } from '../../request/incoming-request';
import type { Gateway } from '../../graph/gateway';
import { isPreflighted } from '../../http/preflighted';
import type { Arrival } from '../../request/pipeline';
import type { Reply } from '../../request/reply';
import type { AnswerHeaders, Served } from './answer-headers';
import { mediaTypes } from '../../http/media-type';
import { PreparedAnswers } from './prepared-answers';
import type { ResponseCacheStatistics } from '../../telemetry/statistics/response-cache-statistics';
import { privateKey, publicKey } from './response-keys';
import { readAnswer } from './stored-answer';

export interface CachedAnswersOptions {
  readonly store: Store;
  readonly gateway: Gateway;
  readonly keyHeaders: KeyHeaders;
  readonly answerHeaders: AnswerHeaders;
  /** Whether clients may say what they want of caches: requests that do are looked at more closely. */
  readonly clientDirectives: boolean;
  readonly reply: Reply;
  readonly statistics: ResponseCacheStatistics;
}

/** A request that was answered before, by its bytes. */
interface RememberedRequest {
  readonly supergraph: string;
  /** Who was answered. */
  readonly identity: Identity;
  /** Whether somebody else may ask for so much. */
  readonly isFor: (identity: Identity) => boolean;
  readonly operation: IncomingRequest['operation'];
  readonly base: string;
  readonly scope: 'public' | 'private';
  /** What it counts for rates of cost; undefined while only clients without such a rate have asked. */
  readonly cost: number | undefined;
}

/**
 * Answers requests from memory by what they look like, byte for byte: nothing is parsed, planned or written anew. What
 * it finds is looked up under the same keys as everywhere, so that it is as fresh, and as private.
 */
export class CachedAnswers {
  readonly #options: CachedAnswersOptions;
  readonly #remembered = new LRUCache<string, RememberedRequest>({ maxSize: mostBytes });
  readonly #mediaTypeFor = mediaTypes();
  readonly #prepared: PreparedAnswers;

  constructor(options: CachedAnswersOptions) {
    this.#options = options;
    this.#prepared = new PreparedAnswers(options);
  }

  /** Remembers what was asked with a body, or a URL. */
  learn(
    request: string,
    { answer, keys }: Served,
    { operation, identity, charged: cost }: IncomingRequest,
  ): void {
    const { supergraph, base, isFor } = keys;
    if (base === undefined || request.length > longestRequest || this.#options.store.peek === undefined)
      return;
    const { scope } = answer.policy;
    const known = this.#remembered.get(request);
    const isCostKnown = cost === undefined || known?.cost === cost;
    if (known?.base === base && known.scope === scope && isCostKnown) return;
    this.#remembered.set(
      request,
      { supergraph, operation, identity, isFor, base, scope, cost },
      { size: request.length + 300 },
    );
  }

  /** Answers a request, or does nothing and says false. */
  answer(arrival: Arrival): boolean {
    const { client } = arrival;
    const { method, headers } = client.head;
    const remembered = this.#remembered.get(requestKey(arrival));
    if (remembered === undefined || remembered.supergraph !== this.#options.gateway.current?.digest)
      return false;
    if (method === 'GET' && !isPreflighted(headers)) return false;
    if (this.#options.clientDirectives && headers['cache-control'] !== undefined) return false;
    if (remembered.identity !== client.identity && !remembered.isFor(client.identity)) return false;
    const type = this.#mediaTypeFor(headers.accept);
    const answer = type === undefined ? undefined : this.#find(remembered, client);
    if (answer === undefined || !isPaidFor(remembered, client)) return false;

    if (remembered.operation !== undefined) client.resolve(remembered.operation);
    this.#options.statistics.hit++;
    client.settle();
    const { answerHeaders, reply } = this.#options;
    if (!this.#prepared.send(client, answer, type!))
      reply.send(
        client,
        answerHeaders.reply(client.head, type!, { answer, result: 'HIT', keys: remembered }),
      );
    return true;
  }

  #find({ base, scope }: RememberedRequest, client: IncomingRequest) {
    const { store, keyHeaders } = this.#options;
    const key = scope === 'public' ? publicKey(base, client, keyHeaders) : privateKey(base, client);
    const entry = store.peek!(key);
    return entry && readAnswer(entry);
  }
}

/** What a request is known by. With its method: a body may be the text of a URL. */
export function requestKey({ client: { head }, body }: Arrival): string {
  return head.method === 'GET' ? `GET ${head.url}` : `POST ${body.toString('latin1')}`;
}

/** 16 MiB. */
const mostBytes = 16 * 1024 * 1024;
const longestRequest = 32 * 1024;

/** Counts it for the rates of cost. Who has none left is told so where others are. */
const isPaidFor = ({ cost }: RememberedRequest, { charge }: IncomingRequest): boolean =>
  charge === undefined || (cost !== undefined && charge(cost) === undefined);
