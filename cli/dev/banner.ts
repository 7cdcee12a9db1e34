import { hideInUrls } from '../../gateway/options/urls';
import { printable } from '../terminal/printable';
import type { GraphFacts } from './graph';

export interface BannerFacts extends GraphFacts {
  /** The gateway's GraphQL endpoint. */
  readonly url: string;
  readonly adminUrl: string | undefined;
  /** Whether the console is on. */
  readonly hasConsole: boolean;
  /** The generated token for the admin port; undefined if the configuration has one. */
  readonly adminToken: string | undefined;
  /** The subgraphs that are not called, but answered for. */
  readonly mocked: readonly string[];
  /** The options file, if there is one. */
  readonly options: string | undefined;
  /** Milliseconds since the process began. */
  readonly milliseconds: number;
}

/** The text that `weir dev` prints once it runs. */
export function banner(facts: BannerFacts): string {
  const { url, subgraphs, mocked, data, credentials, milliseconds } = facts;
  const { watched, options, needsCredentials, query, header } = facts;
  const rows: [string, string][] = [
    ['Endpoint', `${url}   in a browser: Apollo Sandbox`],
    ['GraphiQL', `${new URL('/graphiql', url).href}   needs no internet`],
    ...describeAdmin(facts),
    ...(options === undefined ? [] : [['Options', options] satisfies [string, string]]),
    ...(data === undefined ? [] : [['Data', data] satisfies [string, string]]),
    ...Array.from(subgraphs, ([name, address], index): [string, string] => [
      index === 0 ? 'Subgraphs' : '',
      printable(
        `${name.padEnd(longest(subgraphs))}  ${mocked.includes(name) ? 'mocked' : hideInUrls(address)}`,
      ),
    ]),
  ];
  return [
    '',
    `Weir runs, after ${(milliseconds / 1000).toFixed(1)} s. ${watched} watched; Ctrl-C stops everything.`,
    '',
    ...rows.map(([title, text]) => `  ${title.padEnd(10)} ${text}`),
    '',
    ...(credentials === undefined ? [] : describeCredentials(credentials)),
    ...(needsCredentials ? ['  Add your credentials to curl, as the options ask for them:', ''] : []),
    // `curl` seldom trusts a certificate for development.
    `  curl ${url.startsWith('https:') ? '-k ' : ''}${url} -H 'content-type: application/json'${header === undefined ? '' : ` -H '${header}'`} \\`,
    `    -d '${JSON.stringify({ query })}'`,
    '',
  ].join('\n');
}

function describeAdmin({ adminUrl: url, adminToken: token, hasConsole }: BannerFacts): [string, string][] {
  if (url === undefined) return [];
  const header = token === undefined ? '' : `   -H 'authorization: Bearer ${token}'`;
  // The page takes the token out of its address.
  const page = new URL(token === undefined ? '/console' : `/console#token=${token}`, url);
  return [
    ...(hasConsole ? [['Console', `${page.href}   explains each request`] satisfies [string, string]] : []),
    ['Metrics', `${new URL('/metrics', url).href}${header}`],
    ['', `${new URL('/cache/invalidate', url).href}   with the same header`],
  ];
}

function describeCredentials(credentials: ReadonlyMap<string, string>): string[] {
  return [
    '  To log in as user u1 (API key: as an application), add one of these to curl (until Weir stops):',
    ...Array.from(credentials, ([mode, text]) => `    ${mode.padEnd(longest(credentials))}  ${text}`),
    "  Support staff: -H 'authorization: Bearer support'. Other users: `u2`, `u3` and so on.",
    '',
  ];
}

function longest(names: ReadonlyMap<string, string>): number {
  return Math.max(...Array.from(names.keys(), (name) => name.length));
}
