import { LRUCache } from 'lru-cache';
import type { Identity } from '../../auth/identity';
import type { KeyHeaders } from '../key-headers';
import type { Store } from '../stores/store';
import type { IncomingRequest } from '../../request/incoming-request';
import type { IsPreflighted } from '../../http/preflighted';
import type { Arrival } from '../../request/pipeline';
import type { Reply } from '../../request/reply';
import type { AnswerHeaders, CachedReply } from './answer-headers';
import { mediaTypes } from '../../net/media-type';
import { PreparedAnswers } from './prepared-answers';
import { noteCached } from '../../telemetry/traces/trace-notes';
import { loggedIds } from '../../telemetry/logged-ids';
import type { Logger } from '../../telemetry/logger';
import {
  type CallStatistics,
  type CountedOperation,
  countedOperation,
} from '../../telemetry/metrics/call-statistics';
import type { CacheStatistics } from '../../telemetry/statistics/cache-statistics';
import type { ResponseCacheStatistics } from '../../telemetry/statistics/response-cache-statistics';
import { privateKey, publicKey } from './response-keys';
import { readAnswer } from './stored-answer';
import { nullsOf } from './stored-nulls';

export interface CachedAnswersOptions {
  /** Of requests that are remembered. */
  readonly mostBytes: number;
  readonly store: Store;
  /** Has the supergraph that answers now; undefined before the first one. */
  readonly gateway: { readonly current: { readonly digest: string } | undefined };
  readonly keyHeaders: KeyHeaders;
  readonly answerHeaders: AnswerHeaders;
  /** Whether `Cache-Control` of clients is honoured. Requests with it are not answered here. */
  readonly clientDirectives: boolean;
  readonly isPreflighted: IsPreflighted;
  readonly reply: Reply;
  readonly statistics: ResponseCacheStatistics;
  readonly caches: Pick<CacheStatistics, 'responses'>;
  readonly calls: Pick<CallStatistics, 'of'>;
  readonly logger: Pick<Logger, 'debug' | 'isLevelEnabled'>;
}

/** A request that was answered before, remembered by its bytes. */
interface RememberedRequest {
  readonly supergraph: string;
  readonly identity: Identity;
  /** Whether the query is within the limits of another client. */
  readonly isFor: (identity: Identity) => boolean;
  readonly operation: IncomingRequest['operation'];
  readonly counted: CountedOperation | undefined;
  readonly base: string;
  readonly scope: 'public' | 'private';
  /** Its cost for rate limits; undefined until a client with a limit of cost has sent it. */
  readonly cost: number | undefined;
}

/**
 * Answers requests from memory if their bytes are equal to those of an earlier request: nothing is parsed, planned or
 * serialised. The answer is looked up under the usual cache keys, so it is as fresh and as private as usual.
 */
export class CachedAnswers {
  readonly #options: CachedAnswersOptions;
  readonly #remembered: LRUCache<string, RememberedRequest>;
  readonly #mediaTypeFor = mediaTypes();
  readonly #prepared: PreparedAnswers;

  constructor(options: CachedAnswersOptions) {
    this.#options = options;
    this.#remembered = new LRUCache({ maxSize: options.mostBytes });
    this.#prepared = new PreparedAnswers(options);
  }

  /** Remembers the query of a request's body or URL. */
  learn(
    request: string,
    { answer, keys }: CachedReply,
    { operation, identity, charged: cost }: IncomingRequest,
  ): void {
    const { supergraph, base, isFor } = keys;
    if (base === undefined || request.length > longestRequest || this.#options.store.peek === undefined)
      return;
    const { scope } = answer.policy;
    const known = this.#remembered.get(request);
    const isCostKnown = cost === undefined || known?.cost === cost;
    if (known?.base === base && known.scope === scope && isCostKnown) return;
    const counted = operation && countedOperation(operation.type, operation.name);
    this.#remembered.set(
      request,
      { supergraph, operation, counted, identity, isFor, base, scope, cost },
      { size: request.length + 300 },
    );
  }

  /** Answers a request if it can. Returns whether it did. */
  answer(arrival: Arrival): boolean {
    // Where nothing may be kept, most requests come here.
    if (this.#remembered.size === 0) return false;
    const { request } = arrival;
    const { method, headers } = request.head;
    const remembered = this.#remembered.get(requestKey(arrival));
    if (remembered === undefined || remembered.supergraph !== this.#options.gateway.current?.digest)
      return false;
    if (method === 'GET' && !this.#options.isPreflighted(headers)) return false;
    if (this.#options.clientDirectives && headers['cache-control'] !== undefined) return false;
    if (remembered.identity !== request.identity && !remembered.isFor(request.identity)) return false;
    const type = this.#mediaTypeFor(headers.accept);
    const answer = type === undefined ? undefined : this.#find(remembered, request);
    if (answer === undefined || !isPaidFor(remembered, request)) return false;

    if (remembered.operation !== undefined) request.resolve(remembered.operation);
    request.cacheResult = 'HIT';
    request.span?.set('weir.cache.age', this.#options.answerHeaders.ageOf(answer));
    noteCached(request.span, answer, nullsOf);
    const { statistics, caches, calls } = this.#options;
    statistics.hit++;
    caches.responses.served('fresh', answer.storedAt, Date.now());
    if (remembered.counted !== undefined) calls.of(remembered.counted).answers.hit++;
    request.settle();
    request.keepAnswer?.(answer.body);
    const { answerHeaders, reply } = this.#options;
    const { sink } = request;
    const isSent = sink.answerFromCache?.(answer.body) ?? this.#prepared.send(request, answer, type!);
    if (!isSent)
      reply.send(
        request,
        answerHeaders.reply(request.head, type!, { answer, result: 'HIT', keys: remembered }),
      );
    return true;
  }

  #find({ base, scope }: RememberedRequest, request: IncomingRequest) {
    const { store, keyHeaders, logger } = this.#options;
    const key = scope === 'public' ? publicKey(base, request, keyHeaders) : privateKey(base, request);
    const entry = store.peek!(key);
    if (entry === undefined) return undefined;
    if (logger.isLevelEnabled('debug'))
      logger.debug({ ...loggedIds(request), [`${scope}Key`]: key }, 'a request was found by its bytes');
    return readAnswer(entry);
  }
}

/**
 * The key of a request: its URL or body. The method is part of it, as a body could equal a URL, and so is the protocol: what
 * is answered to tools may be refused to others.
 */
export function requestKey({ request: { head, protocol }, body }: Arrival): string {
  if (head.method === 'GET') return `GET ${head.url}`;
  return `${protocol === 'mcp' ? 'TOOL' : 'POST'} ${body.toString('latin1')}`;
}

const longestRequest = 32 * 1024;

/** Counts its cost for rate limits. If the client has nothing left, the usual steps refuse the request. */
const isPaidFor = ({ cost }: RememberedRequest, { charge }: IncomingRequest): boolean =>
  charge === undefined || (cost !== undefined && charge(cost) === undefined);
