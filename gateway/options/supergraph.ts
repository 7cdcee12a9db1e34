import { z } from 'zod';
import { text, timeout } from './values';
import { webhooks } from './webhooks';

const urlRule = 'must be an http(s) or s3:// URL';

const registryRule = 'must be a folder or dynamodb://TABLE?region=REGION';

const graphRule = 'must be a graph and its variant such as shop@prod';

const versionRule = 'must be the number of a version, as `weir history` lists them';

export const graphNamePattern = /^[A-Za-z][\w-]{0,63}@[A-Za-z][\w-]{0,63}$/;
/** Whether a text is a graph and its variant, by the grammar of the registry. */
export function isGraphName(text: string): boolean {
  return graphNamePattern.test(text);
}

export const supergraphOptions = z
  .strictObject(
    {
      file: text
        .optional()
        .describe('A supergraph schema file. It is watched: an edit is live at once.')
        .meta({ title: 'file', example: 'supergraph.graphql' }),
      url: z
        .url({ protocol: /^(https?|s3)$/, error: urlRule })
        .meta({
          title: 'URL',
          pattern: '^\\s*([hH][tT][tT][pP][sS]?|[sS]3):',
          example: 'https://schemas.example.com/shop.graphql',
        })
        .optional()
        .describe(
          'The URL of a supergraph schema, polled for changes: an http(s) URL, or `s3://BUCKET/KEY?region=REGION&endpoint=URL` (`region` and `endpoint` are optional), with credentials as the AWS SDK finds them.',
        ),
      registry: z
        .string({ error: registryRule })
        .min(1, { error: registryRule })
        .refine(isFolderOrTable, { error: registryRule })
        .optional()
        .describe(
          'A [schema registry](registry.md): a folder, or `dynamodb://TABLE?region=REGION`. The newest version of `graph` is run.',
        ),
      graph: z
        .string({ error: graphRule })
        .refine(isGraphName, { error: graphRule })
        .meta({ pattern: graphNamePattern.source })
        .optional()
        .describe('The graph and its variant in the registry, such as `shop@prod`.'),
      version: z
        .int({ error: versionRule })
        .min(1, { error: versionRule })
        .optional()
        .describe('The version of the graph to run. Left out: always the newest.')
        .meta({ example: 17 }),
      pollInterval: timeout
        .optional()
        .describe(
          'How long to wait between two polls. Left out: 1s for a registry, 10s for a URL. No effect for a file.',
        ),
      headers: z
        .record(z.string(), text.meta({ writeOnly: true }), { error: 'must be a map of headers' })
        .default({})
        .describe('Headers to fetch an http(s) URL with, such as `authorization`.')
        .meta({ example: { authorization: 'Bearer ${SCHEMAS_TOKEN}' } }),
      keep: text
        .optional()
        .describe(
          'A file for a copy of the running supergraph. The gateway starts from it while the registry or the URL is down. Left out: `.weir/GRAPH@VARIANT.graphql` for a registry, none for a URL. No effect for a file.',
        )
        .meta({ title: 'file' }),
      webhooks,
    },
    { error: 'must be a file, an http(s) or s3:// URL, registry:LOCATION#GRAPH@VARIANT or a map' },
  )
  .refine(({ file, url, registry }) => [file, url, registry].filter(isGiven).length === 1, {
    error: 'must have exactly one of `file`, `url` and `registry`',
  })
  .refine((given) => isGiven(given.registry) || Object.keys(given.webhooks).length === 0, {
    error: 'must have `webhooks` only with `registry`',
  });

export const supergraph = z
  .preprocess(fromText, supergraphOptions)
  .optional()
  .describe(
    'The supergraph to run. A plain text is short for `file`, for `url` if it is a URL, or for `registry` and `graph` if it is `registry:LOCATION#GRAPH@VARIANT`.',
  )
  .meta({
    short: { type: 'string' },
    example: {
      registry: 'dynamodb://weir-registry?region=eu-west-1',
      graph: 'shop@prod',
      pollInterval: '1s',
      keep: '/var/lib/weir/shop.graphql',
    },
  });

/** Anything that is no URL is a folder. Not one expression: what forbids a text within another is hard to prove linear. */
function isFolderOrTable(registry: string): boolean {
  return !registry.includes('://') || /^dynamodb:\/\/[\w.-]+(\?.*)?$/.test(registry);
}

const isGiven = (value: unknown): boolean => value !== undefined;

/** What a text alone is short for. */
function fromText(supergraph: unknown): unknown {
  if (typeof supergraph !== 'string') return supergraph;
  if (/^(https?|s3):\/\//.test(supergraph)) return { url: supergraph };
  if (!supergraph.startsWith('registry:')) return { file: supergraph };
  const [, registry, graph] = /^registry:([^#]+)#([^@]+@.+)$/.exec(supergraph) ?? [];
  // What is no registry is left as it is, and refused with a sentence.
  return registry === undefined ? supergraph : { registry, graph };
}
