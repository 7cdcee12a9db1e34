import type { Options } from '../../options';
import { fetchJson } from '../modes/fetch-json';
import { type HookModule, loadNamedHook, withTimeout } from '../hook';
import type { Identity } from '../identity';
import type { EvaluatePolicies } from './policies';

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
