import type { z } from 'zod';

interface Issuers {
  readonly oidc: readonly { readonly header: string }[];
}

/** The headers besides `authorization` that tokens come in: credentials wherever that is one. In lower case. */
export const tokenHeadersOf = ({ oidc }: Issuers): readonly string[] =>
  [...new Set(oidc.map(({ header }) => header))].filter((name) => name !== 'authorization');

interface NamedHeaders {
  readonly auth: Issuers;
  readonly calls: { readonly sharedHeaders: readonly string[] };
  readonly csrf: { readonly headers: readonly string[] };
  readonly logging: { readonly fields: Readonly<Record<string, { readonly header?: string | undefined }>> };
  readonly headers: {
    readonly operationName?: string | undefined;
    readonly rename: Readonly<Record<string, string>>;
  };
  readonly subgraphs: Readonly<Record<string, Pick<NamedHeaders, 'headers'>>>;
  readonly graphs?: { readonly choose: readonly { readonly header?: string | undefined }[] } | undefined;
}

/** Refuses a header of tokens where credentials are refused, and another header in its place. */
export function refuseTokenHeaders(
  { auth, calls, csrf, logging, headers, subgraphs, graphs }: NamedHeaders,
  context: z.RefinementCtx,
): void {
  const tokenHeaders = tokenHeadersOf(auth);
  if (tokenHeaders.length === 0) return;
  const refuse = (name: string | undefined, ...path: PropertyKey[]): void => {
    if (name === undefined || !tokenHeaders.includes(name)) return;
    context.addIssue({ code: 'custom', path, message: 'must not be a header of `auth.oidc[].header`' });
  };
  calls.sharedHeaders.forEach((name, i) => refuse(name, 'calls', 'sharedHeaders', i));
  csrf.headers.forEach((name, i) => refuse(name, 'csrf', 'headers', i));
  for (const [field, { header }] of Object.entries(logging.fields))
    refuse(header, 'logging', 'fields', field, 'header');
  graphs?.choose.forEach(({ header }, i) => refuse(header, 'graphs', 'choose', i, 'header'));
  refuse(headers.operationName, 'headers', 'operationName');
  refuseRenamed(headers.rename, tokenHeaders, context, ['headers', 'rename']);
  for (const [name, own] of Object.entries(subgraphs)) {
    refuse(own.headers.operationName, 'subgraphs', name, 'headers', 'operationName');
    refuseRenamed(own.headers.rename, tokenHeaders, context, ['subgraphs', name, 'headers', 'rename']);
  }
}

/** Subgraphs would take what nobody has verified for a token. */
function refuseRenamed(
  rename: Readonly<Record<string, string>>,
  tokenHeaders: readonly string[],
  context: z.RefinementCtx,
  path: readonly PropertyKey[],
): void {
  for (const [from, to] of Object.entries(rename)) {
    if (!tokenHeaders.includes(to) || tokenHeaders.includes(from)) continue;
    const message = 'must not be a header of `auth.oidc[].header`, whose tokens are verified';
    context.addIssue({ code: 'custom', path: [...path, from], message });
  }
}
