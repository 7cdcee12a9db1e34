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
  readonly headers: { readonly operationName?: string | undefined };
  readonly subgraphs: Readonly<Record<string, Pick<NamedHeaders, 'headers'>>>;
}

/** Refuses a header of tokens where credentials are refused. */
export function refuseTokenHeaders(
  { auth, calls, csrf, logging, headers, subgraphs }: NamedHeaders,
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
  refuse(headers.operationName, 'headers', 'operationName');
  for (const [name, own] of Object.entries(subgraphs))
    refuse(own.headers.operationName, 'subgraphs', name, 'headers', 'operationName');
}
