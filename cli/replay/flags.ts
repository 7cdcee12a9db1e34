import type { ComparisonRules } from '../../gateway/replay/compare';
import { CommandFailure, type Context } from '../context';
import { headerName, headersOf } from '../header-variables';
import type { EndpointOptions } from './endpoint';

export interface ReplayFlags {
  readonly from?: readonly string[];
  /** For consoles. */
  readonly token?: string;
  /** `NAME=VARIABLE`, for both endpoints or one. */
  readonly header?: readonly string[];
  readonly headerA?: readonly string[];
  readonly headerB?: readonly string[];
  readonly keepHeader?: readonly string[];
  readonly ignore?: readonly string[];
  readonly unordered?: readonly string[];
  readonly values?: true;
  readonly rate: number;
  readonly concurrency: number;
  /** Milliseconds. */
  readonly timeout: number;
  readonly state?: string;
  readonly format: string;
}

export interface ReplaySettings extends ComparisonRules {
  readonly from: readonly string[];
  readonly a: EndpointOptions;
  readonly b: EndpointOptions;
  /** Requests in a second to each endpoint. */
  readonly rate: number;
  readonly concurrency: number;
  readonly state: string | undefined;
}

/** No error has a value that was given, as it may be a secret. @throws {CommandFailure} */
export function readFlags(a: string, b: string, flags: ReplayFlags, env: Context['env']): ReplaySettings {
  const { from, header = [], headerA = [], headerB = [], keepHeader = [], timeout } = flags;
  // Commander would want a flag that is mandatory for `weir replay report`, too.
  if (from === undefined) throw new CommandFailure('weir: --from <SOURCE...> is needed.', 2);
  const kept = keepHeader.map((name) => headerName('--keep-header', name));
  const both = headersOf('--header', header, env);
  const endpoint = (side: string, url: string, flag: string, own: readonly string[]): EndpointOptions => ({
    ...{ url: endpointUrl(side, url), kept, timeout },
    headers: new Map([...both, ...headersOf(flag, own, env)]),
  });
  return {
    a: endpoint('A', a, '--header-a', headerA),
    b: endpoint('B', b, '--header-b', headerB),
    ...{ from, rate: flags.rate, concurrency: flags.concurrency, state: flags.state },
    ...{ ignore: flags.ignore ?? [], unordered: flags.unordered ?? [], values: flags.values === true },
  };
}

function endpointUrl(side: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new CommandFailure(
      `weir: ${side} must be the URL of a GraphQL endpoint, such as http://127.0.0.1:4000/graphql.`,
      2,
    );
  if (url.username !== '' || url.password !== '')
    throw new CommandFailure(
      `weir: ${side} must have no user name and password, which would be in the list of processes: put the header into a variable of the environment, and name it with --header authorization=VARIABLE.`,
      2,
    );
  return url;
}
