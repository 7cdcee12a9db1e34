export interface BannerFacts {
  /** The gateway's GraphQL endpoint. */
  readonly url: string;
  readonly adminUrl: string | undefined;
  /** What the admin port takes; undefined where the configuration says it. */
  readonly adminToken: string | undefined;
  /** By name, where each subgraph is. */
  readonly subgraphs: ReadonlyMap<string, string>;
  /** Where the data is. */
  readonly data: string;
  /** What `curl` needs to be somebody, by AppSync's name of the mode; undefined where the configuration has modes. */
  readonly credentials: ReadonlyMap<string, string> | undefined;
  /** A query to try. */
  readonly query: string;
  /** Since the process began. */
  readonly milliseconds: number;
}

/** What `weir dev` shows once it runs. */
export function banner(facts: BannerFacts): string {
  const { url, adminUrl, adminToken, subgraphs, data, credentials, query, milliseconds } = facts;
  const rows: [string, string][] = [
    ['Endpoint', `${url}   in a browser: Apollo Sandbox`],
    ['GraphiQL', `${new URL('/graphiql', url).href}   needs no internet`],
    ...(adminUrl === undefined ? [] : describeAdmin(adminUrl, adminToken)),
    ['Data', data],
    ...Array.from(subgraphs, ([name, address], index): [string, string] => [
      index === 0 ? 'Subgraphs' : '',
      `${name.padEnd(longest(subgraphs))}  ${address}`,
    ]),
  ];
  return [
    '',
    `Weir runs, after ${(milliseconds / 1000).toFixed(1)} s. Schema files are watched; Ctrl-C stops everything.`,
    '',
    ...rows.map(([title, text]) => `  ${title.padEnd(10)} ${text}`),
    '',
    ...(credentials === undefined ? [] : describeCredentials(credentials)),
    `  curl ${url} -H 'content-type: application/json' -H 'authorization: Bearer u1' \\`,
    `    -d '${JSON.stringify({ query })}'`,
    '',
  ].join('\n');
}

function describeAdmin(url: string, token: string | undefined): [string, string][] {
  const header = token === undefined ? '' : `   -H 'authorization: Bearer ${token}'`;
  return [
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
