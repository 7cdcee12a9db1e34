import { LRUCache } from 'lru-cache';
import type { Logger } from '../../telemetry/logger';
import type { Identity } from '../identity';

/**
 * Says which policies a caller meets. A policy that is not `true` in the answer is not met; when it throws or rejects,
 * none is.
 */
export type EvaluatePolicies = (
  policies: readonly string[],
  identity: Identity,
) => Promise<Readonly<Record<string, boolean>>>;

export interface PoliciesOptions {
  /** Undefined where nobody was named who knows policies: then none is ever met. */
  readonly evaluate: EvaluatePolicies | undefined;
  /** Milliseconds for which an answer is kept. */
  readonly ttl: number;
  readonly logger: Logger;
}

export interface Verdict {
  readonly isMet: boolean;
  /** In milliseconds of `performance.now()`. */
  readonly expires: number;
}

/** The policies that callers meet, asked for once per caller and policy while the answer is good. */
export class Policies {
  readonly #options: PoliciesOptions;
  readonly #verdicts: LRUCache<string, Verdict>;
  readonly #pending = new Map<string, Promise<void>>();

  constructor(options: PoliciesOptions) {
    this.#options = options;
    // Room for all of them is taken at once, 4 ms of each start: not where none is ever kept.
    this.#verdicts = new LRUCache({ max: options.evaluate === undefined ? 1 : mostVerdicts });
  }

  /** Whether anybody was named who knows policies. */
  get areKnown(): boolean {
    return this.#options.evaluate !== undefined;
  }

  /** Undefined where it is not known, or not any more. */
  peek(policy: string, identity: Identity): Verdict | undefined {
    if (this.#options.evaluate === undefined) return never;
    const verdict = this.#verdicts.get(keyOf(policy, identity));
    return verdict === undefined || verdict.expires <= performance.now() ? undefined : verdict;
  }

  /** Resolves when all are known. */
  async learn(policies: readonly string[], identity: Identity): Promise<void> {
    const unknown = policies.filter((policy) => this.peek(policy, identity) === undefined);
    if (unknown.length === 0) return;
    const key = keyOf(JSON.stringify(unknown), identity);
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#ask(unknown, identity).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    await pending;
  }

  async #ask(policies: readonly string[], identity: Identity): Promise<void> {
    const { evaluate, ttl, logger } = this.#options;
    let answer: Readonly<Record<string, boolean>> = {};
    let keptFor = ttl;
    try {
      const given = (await evaluate!(policies, identity)) as unknown;
      if (typeof given !== 'object' || given === null) throw new Error('The answer must be an object.');
      answer = given as Record<string, boolean>;
    } catch (error) {
      keptFor = Math.min(ttl, failureTtl);
      logger.error({ err: error, policies }, 'policies could not be evaluated: they count as not met');
    }
    const expires = performance.now() + keptFor;
    for (const policy of policies) {
      const isMet = Object.hasOwn(answer, policy) && answer[policy] === true;
      this.#verdicts.set(keyOf(policy, identity), { isMet, expires });
    }
  }
}

const keyOf = (policy: string, { scope }: Identity): string => `${scope}\n${policy}`;

const never: Verdict = { isMet: false, expires: Infinity };
/** A verdict takes some hundred bytes. */
const mostVerdicts = 50_000;
/** Milliseconds: who fails is not asked by every request. */
const failureTtl = 1_000;
