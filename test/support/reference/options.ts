import { stringify } from 'yaml';
import { z } from 'zod';
import { errors } from '../../../gateway/errors';
import { optionsSchema } from '../../../gateway/options';
import type { JsonSchema } from '../../../gateway/options/problem';

/** `docs/configuration.md`: every option, from the schema that checks them. */
export function optionsReference(): string {
  const schema = z.toJSONSchema(optionsSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const options = Object.entries(schema.properties ?? {});
  const isGroup = (option: JsonSchema) => membersOf(option).length > 0;
  const single = options.filter(([, option]) => !isGroup(option));
  return [
    '# Configuration',
    'Generated from `gateway/options/`; a test keeps it true.',
    ...howToWrite,
    '## Options without a group',
    toYaml(Object.fromEntries(single.map(([name, option]) => [name, option.example ?? option.default]))),
    table(single),
    ...options
      .filter(([, option]) => isGroup(option))
      .map(([name, option]) =>
        [
          `## \`${name}\``,
          option.description ?? '',
          toYaml({ ...besideExamples[name], [name]: option.example }),
          table(membersOf(option)),
        ].join('\n\n'),
      ),
    '',
  ].join('\n\n');
}

/** Groups without which the example of another one is refused. */
const besideExamples: Readonly<Record<string, object>> = {
  graphs: { supergraph: { registry: './registry' } },
};

const toYaml = (options: object): string =>
  yaml(stringify(options, { lineWidth: 100, singleQuote: true, flowCollectionPadding: true }));

/** What stands above the options. */
const howToWrite = [
  'A gateway takes its options from a YAML file, and a few of them from flags, which win over the file. Everything but the supergraph has a default, so that this is enough:',
  yaml('# weir.yaml\nsupergraph: supergraph.graphql\n'),
  '```sh\nweir gateway --config weir.yaml\n```',
  'Files are relative to the folder of the YAML file. An edit is live within two seconds, without a restart; [operations-reference.md](operations-reference.md#options-that-need-a-restart) lists the options that need one.',
  '## Options that protect',
  'Options that are marked with *Protects* let less in than the gateway does without them. A reload refuses a file that leaves one of them out, because such a file may be half-written: to take it away, set it, or the group around it, to `null`. `off` means the same, but not for text, where it is a value, nor for `true` and `false`. An item of a list that is known by a name (`rates`, `limits.classes`, `auth.oidc`, `auth.cognito`, `audit.trails`, names in `exclude` and `redact`) is taken away by `off` and its name:',
  yaml(
    [
      'rates:',
      '  - { name: partners, per: client, limit: 1000, window: 1m }',
      '  - off: anonymous # the rate of this name is gone',
      'limits:',
      '  depth: null # the default counts again',
      '  classes:',
      '    - off: { mode: none } # the class of these clients is gone',
      'auth: { iam: off }',
      '',
    ].join('\n'),
  ),
  '## Values from the environment and from files',
  yaml(
    [
      'port: ${PORT:-4000} # an environment variable, and what counts where it is not set or empty',
      'zone: ${ZONE} # without a default it must be set',
      'admin:',
      '  token: ${file:/run/secrets/admin-token} # what the file holds, without its last line break',
      'headers:',
      "  set: { x-region: 'eu-${REGION}' } # a part of a text; inside {} and [] it needs quotes",
      '',
    ].join('\n'),
  ),
  'Such a value counts as a number or a boolean where the option wants one, and as text everywhere else: a key `0123` keeps its zero. An edit of such a file is live as one of the options is. `$${` is a plain `${`.',
  '## Checking a configuration',
  '`weir gateway --check` does all that a start does, but for listening: it reads the options and the files that they name, and builds the supergraph. It prints what is wrong, with the line, and exits with 0 or 2.',
  '```console\n$ weir gateway --check --config weir.yaml\nweir: weir.yaml:2: `port` must be a whole number from 0 to 65535, but got: "x".\nweir: weir.yaml:5: `limits.dept` is unknown; did you mean `depth`?\n```',
  '`weir config print` prints all options that are in force and where each comes from, without secrets and without what stands before the `@` or in the query of a URL; `--format json` is for programs.',
  '```console\n$ weir config print --config weir.yaml --port 8080\nmode: production # default\nhost: 127.0.0.1 # default\nport: 8080 # --port\n…\n```',
  'Editors that understand JSON Schema complete and check the file when it begins with `# yaml-language-server: $schema=` and the path or URL of [configuration.schema.json](configuration.schema.json).',
  '## Kinds of values',
  'A *duration* is a number of milliseconds, or text such as `500ms`, `30s`, `5m` or `1h`. A *size* is a number of bytes, or text such as `1MiB`: `KiB`, `MiB` and `GiB` are powers of 1024, `kB`, `MB` and `GB` powers of 1000. A *file* is its path.',
];

function yaml(text: string): string {
  return `\`\`\`yaml\n${text}\`\`\``;
}

/** `docs/errors.md`: every error code, from the table that errors are made of. */
export function errorsReference(): string {
  const rows = Object.entries(errors).map(([code, { status, when }]) =>
    row([`\`${code}\``, String(status), when]),
  );
  return [
    '# Errors',
    'Generated from `gateway/errors.ts`; a test keeps it true.',
    'Every error has its code in `extensions.code`. The status is that of a response without `data`; beside `data` it is 200. An error about a subgraph names it in `extensions.service`; an error that a subgraph returned keeps its code.',
    'Errors of subgraphs are forwarded with their paths. Several may have the same path; of errors with equal message, code, path and service only one is sent. An error without a path, and a failed call, become an error at each field that they left null: root fields, and fields of entities. If the client sees no such null they are sent once. Errors that the gateway finds itself are one per field. `limits.errors` is the most errors in an answer.',
    'A document that does not parse or is not valid is answered with 400 in both media types; with `errors.jsonStatus: 200`, with 200 in `application/json`. The newest draft of GraphQL over HTTP has other statuses for some of these cases, but clients and audits expect these.',
    [row(['code', 'status', 'when']), row(['---', '---', '---']), ...rows].join('\n'),
    '',
  ].join('\n\n');
}

/** The options inside of a map; those of a map with free keys are found below `NAME`. */
function membersOf({
  properties,
  additionalProperties: free,
  anyOf = [],
  oneOf = [],
}: JsonSchema): [string, JsonSchema][] {
  if (properties !== undefined) return Object.entries(properties);
  if (typeof free === 'object') return membersOf(free).map(([name, option]) => [`NAME.${name}`, option]);
  return oneOf.length > 0 ? membersByType(oneOf) : anyOf.flatMap(membersOf);
}

/** The options inside of maps that differ by their `type`: each is documented with its type. */
function membersByType(maps: readonly JsonSchema[]): [string, JsonSchema][] {
  const all = maps.map(({ properties = {} }) => properties);
  const types = all.map(({ type }) => type!.const as string);
  const others = all.flatMap(({ type, ...members }) =>
    Object.entries(members).map(([name, option]): [string, JsonSchema] => [
      name,
      { ...option, description: `With \`type: ${type!.const as string}\`. ${option.description ?? ''}` },
    ]),
  );
  return [['type', { description: all[0]!['type']!.description!, enum: types }], ...others];
}

/** An option, and those that are described within it or within the maps that it is a list of, however deep. */
function deep([name, option]: [string, JsonSchema]): [string, JsonSchema][] {
  const { type, items, as } = option;
  const members =
    as !== undefined
      ? []
      : type === 'object'
        ? membersOf(option).filter(([, { description }]) => description !== undefined)
        : items === undefined || items.title !== undefined
          ? []
          : membersOf(items);
  const within = type === 'object' ? `${name}.` : `${name}[].`;
  return [[name, option], ...members.flatMap(([member, inner]) => deep([`${within}${member}`, inner]))];
}

function table(options: readonly [string, JsonSchema][]): string {
  return [
    row(['option', 'type', 'default', 'meaning']),
    row(['---', '---', '---', '---']),
    ...options.flatMap(deep).map(rowOf),
  ].join('\n');
}

const rowOf = ([name, option]: [string, JsonSchema]): string =>
  row([
    `\`${name}\``,
    typeOf(option),
    defaultOf(option),
    `${option.description ?? ''}${protectionIn(option)}`,
  ]);

/** Also of a map in which each entry protects. */
function protectionIn({ protects: own, additionalProperties: free }: JsonSchema): string {
  const protects = own ?? (typeof free === 'object' ? free.protects : undefined);
  if (protects === undefined) return '';
  const values = protects === true ? undefined : protects.values;
  return values === undefined
    ? ' *Protects.*'
    : ` *Protects* as ${values.map((value) => `\`${value}\``).join(' or ')}.`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function typeOf({
  title,
  type,
  enum: values,
  const: value,
  anyOf,
  items,
  additionalProperties,
}: JsonSchema): string {
  if (title !== undefined) return title;
  if (value !== undefined) return `\`${value as string}\``;
  if (values !== undefined) return values.map((each) => `\`${each}\``).join(', ');
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ');
  if (items?.title !== undefined) return `list of ${items.title}s`;
  if (items !== undefined) return `list of ${plurals[typeOf(items)] ?? 'text'}`;
  if (additionalProperties !== undefined || type === 'object') return 'map';
  if (typeof type !== 'string') return (type ?? []).map((each) => words[each] ?? each).join(', ');
  return type === 'boolean' ? '`true`, `false`' : (words[type] ?? type);
}

const words: Readonly<Record<string, string>> = { string: 'text', integer: 'number' };
const plurals: Readonly<Record<string, string>> = { map: 'maps', number: 'numbers' };

function defaultOf({ default: value }: JsonSchema): string {
  return value === undefined ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
