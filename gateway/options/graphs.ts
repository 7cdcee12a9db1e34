import { z } from 'zod';
import { limits } from './limits';
import { persistedOperations } from './persisted-operations';
import { subgraphs } from './subgraphs';
import { graphNamePattern, isGraphName } from './supergraph';
import { authMode, clientHeaderName, credentials, mapOf, text, timeout, wholeNumber } from './values';

const nameRule = 'must be a graph and its variant such as shop@prod';
const graphName = z
  .string({ error: nameRule })
  .refine(isGraphName, { error: nameRule })
  .meta({ pattern: graphNamePattern.source });

const choiceRule = "must be a graph and its variant such as shop@partners, or 'shop@{value}'";
/** The value of the claim or header stands for `{value}`. */
const chosenGraph = z
  .string({ error: choiceRule })
  .refine((name) => isGraphName(name.replace('{value}', 'x')), { error: choiceRule });

const patternRule = "must be a graph and its variant such as shop@partners, or a pattern such as 'shop@pr-*'";
const pattern = z
  .string({ error: patternRule })
  .refine((name) => isGraphName(name.replaceAll('*', 'x')), { error: patternRule });

const names = z
  .array(text, { error: 'must be a list of names' })
  .min(1, { error: 'must hold at least one name' });

const hostPattern = /^(?:[\w-]+(?:\.[\w-]+)*\.?|\[[\da-fA-F:.]+\])$/;
const host = text
  .refine((name) => !/\P{ASCII}/u.test(name), {
    error: 'must be in ASCII as clients send it, which is punycode (xn--…) for other letters',
    abort: true,
  })
  .refine((name) => hostPattern.test(name), {
    error: 'must be the host alone such as partners.shop.example, without scheme, port, path and `*`',
  })
  .transform(normalizeHost)
  .meta({ pattern: hostPattern.source });

const choice = mapOf({
  host: host
    .optional()
    .describe(
      'Chooses by the host that the client calls, whatever its port. In punycode (`xn--…`) where it has other letters than ASCII. Left out: by `claim` or `header`.',
    )
    .meta({ example: 'partners.shop.example' }),
  claim: text
    .optional()
    .describe(
      'Chooses by a claim of the caller, instead of by `host`. A caller without the claim is not concerned.',
    )
    .meta({ example: 'tenant' }),
  header: clientHeaderName
    .refine((name) => name !== 'cookie' && !credentials.has(name), {
      error: 'must not be a header of credentials, which never name a graph',
    })
    .optional()
    .describe(
      'Chooses by a header of the client, instead of by `host`. A client that does not send it is not concerned.',
    )
    .meta({ example: 'x-weir-graph' }),
  groups: names
    .optional()
    .describe(
      'Who may choose by `header`, where it is needed. Others get 403 `GRAPH_FORBIDDEN`. No effect without `header`.',
    )
    .meta({ example: ['staff'] }),
  graph: chosenGraph
    .describe('The graph that is chosen. `{value}` stands for the value of the claim or the header.')
    .meta({ example: 'shop@{value}' }),
})
  .refine(
    ({ host, claim, header }) => [host, claim, header].filter((each) => each !== undefined).length === 1,
    {
      error: 'must have exactly one of `host`, `claim` and `header`',
    },
  )
  .refine(({ header, groups }) => (header === undefined) === (groups === undefined), {
    error: 'must have `header` and `groups` together: whoever calls can send any header',
  })
  .refine(({ host, graph }) => host === undefined || !graph.includes('{value}'), {
    error: 'must have no `{value}` with `host`',
  });

const permission = mapOf({
  graph: pattern
    .describe('The graph, or several: `*` stands for any characters.')
    .meta({ example: 'shop@pr-*' }),
  groups: names
    .optional()
    .describe('Callers must be in one of these groups. Left out: in any.')
    .meta({ example: ['staff'] }),
  clients: names
    .optional()
    .describe('Callers must be one of these clients, as their credentials name them. Left out: any.')
    .meta({ example: ['partner-app'] }),
  modes: z
    .array(authMode, { error: 'must be a list of modes' })
    .min(1, { error: 'must hold at least one mode' })
    .optional()
    .describe(
      'Callers must authenticate in one of these ways; `none` is anonymous callers. Left out: in any.',
    )
    .meta({ example: ['oidc'] }),
}).refine(
  ({ groups, clients, modes }) => groups !== undefined || clients !== undefined || modes !== undefined,
  {
    error: 'must have `groups`, `clients` or `modes`: choosing a graph gives no right to use it',
  },
);

const ofGraph = mapOf({
  subgraphs: subgraphs
    .unwrap()
    .optional()
    .describe(
      'Subgraphs with other options, as in `subgraphs`: each replaces the whole entry there. Left out: none.',
    )
    .meta({ as: 'subgraphs', example: { reviews: { timeout: '20s' } } }),
  persistedOperations: persistedOperations
    .unwrap()
    .optional()
    .describe('Counts instead of `persistedOperations`.')
    .meta({ as: 'persistedOperations', example: { automatic: false } }),
  limits: limits
    .unwrap()
    .optional()
    .describe('Counts instead of `limits`, but for `body`, which is that of the process.')
    .meta({ as: 'limits', example: { depth: 30 } }),
});

export const graphs = mapOf({
  default: graphName.describe('The graph of all requests that choose none.').meta({ example: 'shop@prod' }),
  choose: z
    .array(choice, { error: 'must be a list' })
    .prefault([])
    .describe(
      'How requests choose another graph, after authentication. The first entry that concerns a request counts.',
    )
    .meta({ protects: true }),
  allow: z
    .array(permission, { error: 'must be a list' })
    .prefault([])
    .describe(
      'Who may use graphs other than the default one. A graph that is in no entry, or in none for this caller, is unknown to it.',
    ),
  open: wholeNumber(1, 1000)
    .default(20)
    .describe(
      'The most graphs besides the default one that are open at once. One that is idle closes for another.',
    ),
  idle: timeout.prefault('10m').describe('How long a graph without requests and subscriptions stays open.'),
  of: z
    .record(graphName, ofGraph, { error: 'must be a map of graphs' })
    .prefault({})
    .describe('Options of single graphs.')
    .meta({ example: { 'shop@partners': { limits: { depth: 10 } } } }),
})
  .optional()
  .describe(
    'Several graphs of one registry in one process: [graphs.md](graphs.md). Needs `supergraph.registry`, and takes the place of `supergraph.graph`. Left out: there is one graph.',
  )
  .meta({
    example: {
      default: 'shop@prod',
      choose: [{ header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' }],
      allow: [{ graph: 'shop@pr-*', groups: ['staff'] }],
    },
  });

/** In lower case, and without the dot of the DNS root (RFC 3986, section 3.2.2): all these name the same host. */
export function normalizeHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

/** Which of `supergraph.graph` and `graphs` names the graph of a registry. */
export function checkGraphs(
  {
    supergraph,
    graphs: several,
  }: {
    readonly supergraph?:
      | { readonly registry?: string | undefined; readonly graph?: string | undefined }
      | undefined;
    readonly graphs?: GraphsOptions | undefined;
  },
  context: z.RefinementCtx,
): void {
  const refuse = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message });
  const { registry, graph } = supergraph ?? {};
  if (several === undefined) {
    if ((registry === undefined) !== (graph === undefined))
      refuse('supergraph', 'must have `registry` and `graph` together');
  } else if (supergraph === undefined) refuse('graphs', 'must have `supergraph.registry` beside it');
  else if (registry === undefined) refuse('supergraph', 'must name a registry beside `graphs`');
  else if (graph !== undefined && graph !== several.default)
    refuse('supergraph', 'must name the `default` of `graphs` as its graph, or none');
}

/** Whether these are the options of the default graph, or of the only one. */
export const isOfDefaultGraph = ({
  supergraph,
  graphs: several,
}: {
  readonly supergraph?: { readonly graph?: string | undefined } | undefined;
  readonly graphs?: GraphsOptions | undefined;
}): boolean => several === undefined || supergraph?.graph === several.default;

export type GraphsOptions = NonNullable<z.output<typeof graphs>>;
