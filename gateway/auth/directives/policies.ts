import { LRUCache } from 'lru-cache';
import type { Logger } from '../../telemetry/logger';
import type { Identity } from '../identity';
import type { Options } from '../../options';
import { fetchJson } from '../modes/fetch-json';
import { withTimeout } from '../../net/time-limit';
import { type HookModule, loadNamedHook } from '../hook';

/**
 * Returns which policies a caller meets. A policy that is not `true` in the answer is not met. If it throws or rejects,
 * no policy is met.
 */
export type EvaluatePolicies = (
  policies: readonly string[],
  identity: Identity,
) => Promise<Readonly<Record<string, boolean>>>;

export interface PoliciesOptions {
  /** Undefined if no evaluator is configured. Then no policy is ever met. */
  readonly evaluate: EvaluatePolicies | undefined;
  /** Milliseconds for which an answer is cached. */
  readonly ttl: number;
  readonly logger: Logger;
}

export interface Verdict {
  readonly isMet: boolean;
  /** In milliseconds of `performance.now()`. */
  readonly expires: number;
}

/** The policies that callers meet. Each is evaluated once per caller while the answer is cached. */
export class Policies {
  readonly #options: PoliciesOptions;
  readonly #verdicts: LRUCache<string, Verdict>;
  readonly #pending = new Map<string, Promise<void>>();

  constructor(options: PoliciesOptions) {
    this.#options = options;
    // The cache allocates all its memory at once, which takes 4 ms. Without an evaluator it is minimal.
    this.#verdicts = new LRUCache({ max: options.evaluate === undefined ? 1 : mostVerdicts });
  }

  /** Whether an evaluator is configured. */
  get areKnown(): boolean {
    return this.#options.evaluate !== undefined;
  }

  /** The cached answer; undefined if there is none, or it has expired. */
  peek(policy: string, identity: Identity): Verdict | undefined {
    if (this.#options.evaluate === undefined) return never;
    const verdict = this.#verdicts.get(keyOf(policy, identity));
    return verdict === undefined || verdict.expires <= performance.now() ? undefined : verdict;
  }

  /** Evaluates policies. Resolves when all are known. */
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
/** The most cached answers, of some hundred bytes each. */
const mostVerdicts = 50_000;
/** Milliseconds after a failure before the evaluator is called again. */
const failureTtl = 1_000;

/** Opens the policy evaluator of the options. @throws {OptionsError} if a module cannot be used */
export async function openPolicyEvaluator(
  options: Options['authorization']['policies'],
): Promise<EvaluatePolicies | undefined> {
  if (options?.module !== undefined) return callModule(options.module, options.timeout);
  if (options?.url !== undefined) return postTo({ ...options, url: options.url });
  return undefined;
}

async function callModule(module: HookModule, timeout: number): Promise<EvaluatePolicies> {
  const evaluate = await loadNamedHook<EvaluatePolicies>(['authorization', 'policies', 'module'], module);
  return (policies, identity) => withTimeout(timeout, async () => evaluate(policies, identity));
}

interface PolicyEndpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeout: number;
}

const postTo =
  ({ url, headers, timeout }: PolicyEndpoint): EvaluatePolicies =>
  async (policies, identity) => {
    const answer = await fetchJson(url, {
      method: 'POST',
      headers: { accept: 'application/json', ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ policies, identity: factsOf(identity) }),
      signal: AbortSignal.timeout(timeout),
    });
    const met = (answer as { readonly policies?: unknown } | null)?.policies;
    if (typeof met !== 'object' || met === null || Array.isArray(met))
      throw new Error('The answer must be {"policies": {"NAME": true, …}}.');
    return met as Record<string, boolean>;
  };

/** The public members of an identity, without those for cache keys. */
function factsOf({ mode, subject, issuer, client, groups, scopes, claims }: Identity): object {
  return { mode, subject, issuer, client, groups, scopes, claims };
}
