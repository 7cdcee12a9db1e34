import {
  type Interceptor,
  type SubgraphResponse,
  TransportError,
} from '../../../gateway/subgraph-calls/contract/transport';
import { hideInUrls } from '../../../gateway/options/urls';
import type { Output } from '../output';

export interface CallsOfOthersOptions {
  /** Whether a subgraph is neither local nor mocked. */
  readonly isOther: (subgraph: string) => boolean;
  /** Where it is called. */
  readonly addressOf: (subgraph: string) => string | undefined;
  /** Credentials that they get. */
  readonly secrets: readonly string[];
  readonly output: Output;
}

/**
 * Explains why a subgraph that runs elsewhere refuses calls or is not there, and the way out. No answer repeats the
 * credentials that it got.
 */
export function callOthers({ isOther, addressOf, secrets, output }: CallsOfOthersOptions): Interceptor {
  const explained = new Map<string, string>();
  /** Prints a reason when it is a new one. */
  const explain = (subgraph: string, reason: string): void => {
    if (explained.get(subgraph) === reason) return;
    explained.set(subgraph, reason);
    output.say(reason);
  };
  return (next) => async (request) => {
    const { subgraph } = request.operation;
    if (!isOther(subgraph)) return next(request);
    try {
      const response = withoutSecrets(await next(request), secrets);
      const { status } = response;
      if (status !== 401 && status !== 403) {
        explained.delete(subgraph);
        return response;
      }
      const reason = `${subgraph} refuses this gateway with status ${status}: ${waysToBeAllowed(subgraph)}`;
      explain(subgraph, reason);
      return explainedIn(response, reason);
    } catch (error) {
      if (error instanceof TransportError && unreached.has(error.failure))
        explain(
          subgraph,
          `${error.message.replace(/\.$/, '')} at ${hideInUrls(addressOf(subgraph) ?? '')}: name another address with --at ${subgraph}=URL, or answer for it with --mock ${subgraph}.`,
        );
      throw error;
    }
  };
}

const unreached: ReadonlySet<TransportError['failure']> = new Set([
  'unreachable',
  'connect-timeout',
  'refused',
  'reset',
  'not-http',
  'timeout',
]);

const waysToBeAllowed = (subgraph: string): string =>
  `give its credentials with --header NAME=VARIABLE, or as \`subgraphs.${subgraph}.auth\` in weir.yaml; ` +
  'if it takes calls by a private link alone, name a key of it in WEIR_LINK_KEYS; ' +
  `or answer for it with --mock ${subgraph}.`;

function withoutSecrets(response: SubgraphResponse, secrets: readonly string[]): SubgraphResponse {
  const found = secrets.filter((secret) => response.body.includes(secret));
  if (found.length === 0) return response;
  const text = found.reduce((body, secret) => body.replaceAll(secret, '[hidden]'), response.body.toString());
  return { ...response, body: Buffer.from(text) };
}

/** The refusal as an answer whose error has the reason, unless it has data. */
function explainedIn(response: SubgraphResponse, reason: string): SubgraphResponse {
  const { data, errors = [] } = parsed(response.body);
  if (data != null) return response;
  const [first] = errors;
  const own = typeof first?.message === 'string' ? ` It says: ${first.message}` : '';
  const error = { message: `${reason}${own}`, extensions: first?.extensions };
  return { ...response, status: 200, body: Buffer.from(JSON.stringify({ errors: [error] })) };
}

interface Refusal {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message?: unknown; readonly extensions?: object }[];
}

function parsed(body: Buffer): Refusal {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
