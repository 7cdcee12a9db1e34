import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { mapOf, text } from './values';
import { matchesParts } from './wildcards';

const pathRule = 'must be a path such as /mcp';
const resourceRule = 'must be an https URL without a fragment, such as https://api.shop.example/mcp';
const operationsRule =
  'must be a file or a pattern such as agents/*.graphql, or a map of a `manifest` and its `tools`';

/** RFC 8707, section 2. Tokens go to it, so only a loopback address may do without TLS. */
function isResource(value: string): boolean {
  if (!URL.canParse(value) || value.includes('#')) return false;
  const { protocol, hostname, username } = new URL(value);
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
  return username === '' && (protocol === 'https:' || (protocol === 'http:' && isLoopback));
}

const manifestOfTools = mapOf({
  manifest: text.describe('A file as `persistedOperations.manifest` names it.').meta({ example: 'web.json' }),
  tools: z
    .array(text, { error: 'must be a list of names' })
    .min(1, { error: 'must name at least one operation' })
    .describe('The names of its operations that are tools. No other operation of it is one.')
    .meta({ example: ['FindProducts'] }),
});

export const mcp = mapOf({
  path: z
    .string({ error: pathRule })
    .regex(/^\/[\w\-./]*$/, { error: pathRule })
    .refine((value) => !/^\/(health|graphiql|\.well-known)(\/|$)/.test(value), {
      error: 'must not begin with /health, /graphiql or /.well-known',
    })
    .default('/mcp')
    .describe('The path at which agents send their messages, by POST.'),
  resource: z
    .string({ error: resourceRule })
    .refine(isResource, { error: resourceRule })
    .optional()
    .describe(
      'The URL of `path` as agents call it. It is the exact audience (`aud`) that tokens must have here, and the id in the metadata by which clients find the authorisation server (RFC 9728). Left out: there are no tokens; needed with `auth.oidc`, `auth.cognito` or `auth.lambda`.',
    )
    .meta({ example: 'https://api.shop.example/mcp', protects: true }),
  operations: z
    .array(z.union([text, manifestOfTools], { error: operationsRule }), { error: 'must be a list' })
    .min(1, { error: 'must name at least one file' })
    .describe(
      'Which operations are tools: GraphQL files with one operation each, where `*` in the last part of a path stands for any characters, and named operations of manifests. They are read with the options, and again when they change.',
    )
    .meta({ example: ['agents/*.graphql', { manifest: 'web.json', tools: ['FindProducts'] }] }),
  mutations: z
    .enum(['never', 'allow'], { error: 'must be never or allow' })
    .default('never')
    .describe('Whether mutations are tools. With `never` a mutation among `operations` is left out.')
    .meta({ protects: { values: ['never'] } }),
  scopes: z
    .enum(['operation', 'all'], { error: 'must be operation or all' })
    .default('operation')
    .describe(
      'Which scopes a caller without a token is to request: none, so that each tool requests its own when it is called (`operation`), or those of `all` tools at once.',
    ),
})
  .optional()
  .describe(
    'Offers registered operations to agents as tools of the Model Context Protocol: [agents.md](agents.md). With `graphs` they are operations of the default graph. Left out: nothing is offered, and no module of it is loaded.',
  )
  .meta({
    example: {
      path: '/mcp',
      resource: 'https://api.shop.example/mcp',
      operations: ['agents/*.graphql'],
      mutations: 'never',
      scopes: 'operation',
    },
  });

export type McpOptions = NonNullable<z.output<typeof mcp>>;

/** Refuses what does not go together with other options. */
export function checkMcp(
  {
    mcp: own,
    path,
    auth,
  }: {
    readonly mcp?: McpOptions | undefined;
    readonly path: string;
    readonly auth: {
      readonly oidc: readonly { readonly withoutAudience: boolean }[];
      readonly cognito: readonly object[];
      readonly lambda?: object | undefined;
    };
  },
  context: z.RefinementCtx,
): void {
  if (own === undefined) return;
  const refuse = (option: string, message: string): void =>
    context.addIssue({ code: 'custom', path: ['mcp', option], message });
  if (own.path === path) refuse('path', `must not be \`path\`, where GraphQL is: ${path}`);
  for (const [i, { withoutAudience }] of auth.oidc.entries())
    if (withoutAudience)
      context.addIssue({
        code: 'custom',
        path: ['auth', 'oidc', i, 'withoutAudience'],
        message: 'must not be true with `mcp`, whose tokens are told from others by their audience alone',
      });
  const hasTokens = auth.oidc.length + auth.cognito.length > 0 || auth.lambda !== undefined;
  if (hasTokens && own.resource === undefined)
    refuse(
      'resource',
      'must be the URL of `mcp.path` with `auth.oidc`, `auth.cognito` or `auth.lambda`: without it, tokens for other services would open it',
    );
}

/** The files that a pattern stands for, sorted; the file itself where there is no `*`. */
export function filesMatching(pattern: string): readonly string[] {
  const [folder, name] = [dirname(pattern), basename(pattern)];
  if (!name.includes('*')) return [pattern];
  const parts = name.split('*');
  const files = entriesOf(folder).filter((each) => matchesParts(each, parts));
  return files.sort().map((each) => join(folder, each));
}

/** The files of tools, for who watches them: of a pattern also the folder, where files may come. */
export const toolFilesIn = (own: McpOptions | undefined): readonly string[] =>
  (own?.operations ?? []).flatMap((each) => {
    if (typeof each !== 'string') return [each.manifest];
    return each.includes('*') ? [dirname(each), ...filesMatching(each)] : [each];
  });

/** What cannot be read has no files: that is reported where they are read. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
