import { z } from 'zod';
import { errors } from '../errors';
import { optionsSchema } from '.';

/** `docs/configuration.md`: every option, from the schema that checks them. */
export function optionsReference(): string {
  const options = Object.entries(optionsJsonSchema().properties ?? {});
  const isGroup = (option: JsonSchema) => membersOf(option).length > 0;
  return [
    '# Configuration',
    'Generated from `gateway/options/`; a test keeps it true.',
    'A gateway takes its options from a YAML file (`weir gateway --config weir.yaml`); flags of the command line win over it. `${NAME}` in a value stands for an environment variable, `${NAME:-default}` for one that may be missing; `$${` is a plain `${`. Files are relative to the folder of the YAML file. An unknown option is an error.',
    'Editors that understand JSON Schema complete and check the file when it begins with `# yaml-language-server: $schema=` and the path of [configuration.schema.json](configuration.schema.json).',
    'A *duration* is a number of milliseconds, or text such as `500ms`, `30s`, `5m` or `1h`. A *size* is a number of bytes, or text such as `64KiB` or `1MiB`.',
    table(options.filter(([, option]) => !isGroup(option))),
    ...options
      .filter(([, option]) => isGroup(option))
      .map(
        ([name, option]) => `## \`${name}\`\n\n${option.description ?? ''}\n\n${table(membersOf(option))}`,
      ),
    '',
  ].join('\n\n');
}

/** `docs/configuration.schema.json`: the options as JSON Schema, for editors. */
export function optionsJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(optionsSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const { description, ...map } = schema.properties!['supergraph']!;
  const supergraph = { description: description!, anyOf: [{ type: 'string' }, map] };
  return { ...schema, title: 'Options of a Weir gateway', properties: { ...schema.properties, supergraph } };
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
    'A document that does not parse or is not valid is answered with 400 in both media types. The newest draft of GraphQL over HTTP has other statuses for some of these cases, but clients and audits expect these.',
    [row(['code', 'status', 'when']), row(['---', '---', '---']), ...rows].join('\n'),
    '',
  ].join('\n\n');
}

interface JsonSchema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly default?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
}

/** The options inside of a map; those of a map with free keys are found below `NAME`. */
function membersOf({
  properties,
  additionalProperties: free,
  anyOf = [],
}: JsonSchema): [string, JsonSchema][] {
  if (properties !== undefined) return Object.entries(properties);
  if (typeof free === 'object') return membersOf(free).map(([name, option]) => [`NAME.${name}`, option]);
  return anyOf.flatMap(membersOf);
}

/** An option, and those that are described within it or within the maps that it is a list of, however deep. */
function deep([name, option]: [string, JsonSchema]): [string, JsonSchema][] {
  const { type, items } = option;
  const members =
    type === 'object'
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
  row([`\`${name}\``, typeOf(option), defaultOf(option), option.description ?? '']);

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
  if (value !== undefined) return `\`${value}\``;
  if (values !== undefined) return values.map((each) => `\`${each}\``).join(', ');
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ');
  if (items?.title !== undefined) return `list of ${items.title}s`;
  if (items !== undefined) return items.properties === undefined ? 'list of text' : 'list of maps';
  if (additionalProperties !== undefined) return 'map';
  return { string: 'text', integer: 'number', boolean: '`true`, `false`' }[type!] ?? type!;
}

function defaultOf({ default: value }: JsonSchema): string {
  return value === undefined ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
