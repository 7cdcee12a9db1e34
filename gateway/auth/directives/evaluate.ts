import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { type Options, OptionsError } from '../../options';
import type { Identity } from '../identity';
import type { EvaluatePolicies } from './policies';

/** Who knows policies, as the options name them. @throws {OptionsError} when a module cannot be used */
export async function openPolicyEvaluator(
  options: Options['authorization']['policies'],
): Promise<EvaluatePolicies | undefined> {
  if (options?.module !== undefined) return withTimeout(await loadModule(options.module), options.timeout);
  if (options?.url !== undefined) return postTo({ ...options, url: options.url });
  return undefined;
}

async function loadModule(file: string): Promise<EvaluatePolicies> {
  let loaded: unknown;
  try {
    loaded = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    throw new OptionsError([
      `\`authorization.policies.module\` ${file} cannot be loaded: ${(error as Error).message}`,
    ]);
  }
  const evaluate = defaultOf(defaultOf(loaded));
  if (typeof evaluate === 'function') return evaluate as EvaluatePolicies;
  throw new OptionsError([
    `\`authorization.policies.module\` ${file} must have a function as its default export.`,
  ]);
}

/** A CommonJS module that was written as an ES module has its default within the default. */
const defaultOf = (loaded: unknown): unknown =>
  typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : loaded;

const withTimeout =
  (evaluate: EvaluatePolicies, timeout: number): EvaluatePolicies =>
  (policies, identity) =>
    new Promise((settle, reject) => {
      const timer = setTimeout(() => reject(new Error(`There was no answer within ${timeout} ms.`)), timeout);
      Promise.resolve()
        .then(() => evaluate(policies, identity))
        .then(settle, reject)
        .finally(() => clearTimeout(timer));
    });

interface Endpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeout: number;
}

const postTo =
  ({ url, headers, timeout }: Endpoint): EvaluatePolicies =>
  async (policies, identity) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { accept: 'application/json', ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ policies, identity: told(identity) }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeout),
    });
    if (!response.ok) throw new Error(`The answer was HTTP status ${response.status}.`);
    const answer = (await response.json()) as { readonly policies?: unknown } | null;
    const met = answer?.policies;
    if (typeof met !== 'object' || met === null || Array.isArray(met))
      throw new Error('The answer must be {"policies": {"NAME": true, …}}.');
    return met as Record<string, boolean>;
  };

/** What of an identity is for others: not what is made for keys of caches. */
function told({ mode, subject, issuer, client, groups, scopes, claims }: Identity): object {
  return { mode, subject, issuer, client, groups, scopes, claims };
}
