import type * as Sdk from '@aws-sdk/client-lambda';
import { loadPackages } from '../../../optional-packages';
import type { Options } from '../../options';
import type { AuthRequest } from '../authenticator';
import { awsAgents } from '../../net/outgoing';
import { fetchJson } from './fetch-json';
import { withTimeout } from '../../net/time-limit';
import { loadHook } from '../hook';

/** The input of an authoriser: the event of AppSync's Lambda authorisers. */
export interface AuthoriserEvent {
  /** The `authorization` header unchanged. */
  readonly authorizationToken: string;
  readonly requestContext: {
    readonly apiId: string;
    readonly accountId: string;
    readonly requestId: string;
    readonly queryString: string;
    readonly operationName: string | null;
    readonly variables: unknown;
  };
  readonly requestHeaders: AuthRequest['headers'];
}

type InvokeAuthoriser = (event: AuthoriserEvent, signal: AbortSignal) => Promise<unknown>;

/** Calls an authoriser, wherever it runs. Rejects if there is no answer in time. */
export function askAuthoriser(
  options: NonNullable<Options['auth']['lambda']>,
): (event: AuthoriserEvent) => Promise<unknown> {
  const { timeout } = options;
  const ask =
    options.function !== undefined
      ? awsFunction(options.function, options.region)
      : options.url !== undefined
        ? endpoint(options.url, options.headers)
        : localModule(options.module!);
  return (event) => withTimeout(timeout, () => ask(event, AbortSignal.timeout(timeout)));
}

/** The SDK is loaded only if a function is configured. It finds credentials and region as usual. */
function awsFunction(name: string, region: string | undefined): InvokeAuthoriser {
  const { InvokeCommand, LambdaClient } = loadPackages(
    '`auth.lambda.function`',
    ['@aws-sdk/client-lambda'],
    () => require('@aws-sdk/client-lambda') as typeof Sdk,
  );
  let client: Sdk.LambdaClient | undefined;
  return async (event, abortSignal) => {
    client ??= new LambdaClient({
      ...(region !== undefined && { region }),
      maxAttempts: 2,
      requestHandler: awsAgents(),
    });
    const command = new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) });
    const { FunctionError, Payload } = await client.send(command, { abortSignal });
    const text = Buffer.from(Payload ?? []).toString('utf8');
    if (FunctionError !== undefined) throw new Error(`The function failed (${FunctionError}): ${text}`);
    return JSON.parse(text) as unknown;
  };
}

function endpoint(url: string, headers: Readonly<Record<string, string>>): InvokeAuthoriser {
  return (event, signal) =>
    fetchJson(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(event),
      signal,
    });
}

function localModule(module: Parameters<typeof loadHook>[0]): InvokeAuthoriser {
  const hook = loadHook<(event: AuthoriserEvent) => unknown>(module);
  return async (event) => (await hook())(event);
}
