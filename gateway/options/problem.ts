import { suggestionList } from 'graphql/jsutils/suggestionList';
import { z } from 'zod';
import { removedPlanning } from './planning';
import type { OptionProtection } from './protection';
import { hideInUrls } from './urls';
import { memberOf, waysAt, waysOf } from './ways';

export interface OptionsProblem {
  /** Undefined for a problem of no option, or one whose sentence has the position. */
  readonly path: readonly PropertyKey[] | undefined;
  /** Such as "`port` must be a whole number from 0 to 65535, but got: -1." */
  readonly sentence: string;
}

/**
 * What zod found in `input`, in sentences. Each unknown key is one, with the key that was probably meant. `whole` is
 * what the input is called; values that are secrets, or that are `isHidden`, are left out.
 */
export function describeIssue(
  issue: z.core.$ZodIssue,
  input: unknown,
  schema: z.ZodType,
  whole = 'The options',
  isHidden: (path: readonly PropertyKey[]) => boolean = () => false,
): OptionsProblem[] {
  const name = (path: readonly PropertyKey[]) => (path.length === 0 ? whole : `\`${path.join('.')}\``);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, issue.path, input);
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      const removed = removedPlanning.get(path.join('.'));
      const inside = issue.path.length === 0 ? insideOthers(key, schema) : [];
      const hint = inside.length === 0 ? suggest(key, known) : `did you mean ${inside.join(' or ')}?`;
      return { path, sentence: `${name(path)} ${removed ?? `is unknown; ${hint}`}` };
    });
  }
  if (issue.code === 'invalid_key') {
    const [wrong] = issue.issues;
    return [
      { path: issue.path, sentence: `The key of ${name(issue.path)} ${wrong?.message ?? 'is not allowed'}.` },
    ];
  }
  const value = valueAt(input, issue.path);
  const rule = issue.message.startsWith('must') ? issue.message : 'must be a map';
  if (value === undefined && issue.path.length > 0)
    return [{ path: issue.path, sentence: `${name(issue.path)} is missing; it ${rule}.` }];
  const isSilent =
    isHidden(issue.path) || isSecret(schema, issue.path) || (typeof value === 'object' && value !== null);
  // Where an empty text is allowed, nothing at all is something else.
  const isEmpty = (value === null && !rule.includes("''")) || (value === '' && rule !== 'must not be empty');
  const got = isEmpty ? ', but it is empty' : isSilent || value === '' ? '' : `, but got: ${show(value)}`;
  return [{ path: issue.path, sentence: `${name(issue.path)} ${rule}${got}.` }];
}

/** Why a file cannot be read, to follow its name. */
export function whyUnreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'EISDIR') return 'is a folder';
  if (code === 'EACCES') return 'may not be read by this process';
  return `cannot be read: ${message}`;
}

/** Of the files of `tls` options. */
export const notPem = (error: unknown): string =>
  `must have files in PEM, \`cert\` and \`key\` of one pair (${(error as Error).message}).`;

/** What is wrong with a secret is no reason to write it to a log. */
export const isSecret = (schema: z.ZodType, path: readonly PropertyKey[]): boolean =>
  waysAt(schema, path).some(
    (way) =>
      way.isSecret || [undefined, 0].some((key) => waysOf(memberOf(way, key)).some((each) => each.isSecret)),
  );

/** Whether an option may be a number or a boolean. */
export const takesMoreThanText = (schema: z.ZodType, path: readonly PropertyKey[]): boolean =>
  waysAt(schema, path).some(({ schema: { _zod } }) => {
    const { def } = _zod;
    return def.type === 'literal'
      ? def.values.some((value) => typeof value !== 'string')
      : def.type === 'number' || def.type === 'boolean';
  });

function show(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  const shown = hideInUrls(value);
  return JSON.stringify(shown.length > 100 ? `${shown.slice(0, 100)}…` : shown);
}

function suggest(key: string, known: readonly string[]): string {
  const [nearest] = suggestionList(key, known);
  return nearest === undefined ? `known here: ${known.join(', ')}.` : `did you mean \`${nearest}\`?`;
}

/** The options of this very name that stand in a map of others, such as `telemetry.traces`. */
function insideOthers(key: string, schema: z.ZodType): string[] {
  const maps = schemasAt(schema, []).flatMap(({ properties = {} }) => Object.keys(properties));
  return maps
    .filter((map) => schemasAt(schema, [map]).some(({ properties = {} }) => Object.hasOwn(properties, key)))
    .map((map) => `\`${map}.${key}\``)
    .slice(0, 3);
}

export function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((map, key) => (map as Record<PropertyKey, unknown> | undefined)?.[key], input);
}

function knownKeys(schema: z.ZodType, path: readonly PropertyKey[], input: unknown): string[] {
  const value = valueAt(input, path) as { readonly type?: unknown } | undefined;
  const fits = ({ properties }: JsonSchema): boolean =>
    properties?.['type']?.const === undefined || properties['type'].const === value?.type;
  const maps = schemasAt(schema, path).filter(fits);
  return [...new Set(maps.flatMap(({ properties = {} }) => Object.keys(properties)))];
}

/** What an option may be: several where it may be one of several. */
export function schemasAt(schema: z.ZodType, path: readonly PropertyKey[]): JsonSchema[] {
  let nodes = alternatives(jsonSchemaOf(schema));
  for (const key of path) {
    nodes = nodes.flatMap(({ properties = {}, additionalProperties, items }) => {
      const next =
        typeof key === 'number'
          ? items
          : Object.hasOwn(properties, key)
            ? properties[String(key)]
            : additionalProperties;
      return typeof next === 'object' ? alternatives(next) : [];
    });
  }
  return nodes;
}

function alternatives(node: JsonSchema): JsonSchema[] {
  const { anyOf = [], oneOf = [], title } = node;
  const ways = [...anyOf, ...oneOf];
  if (ways.length === 0) return [node];
  return ways.flatMap((way) => alternatives(title === undefined ? way : { ...way, title }));
}

/** It takes longer than all the rest: each is made once. */
const jsonSchemas = new WeakMap<z.ZodType, JsonSchema>();

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  let made = jsonSchemas.get(schema);
  if (made === undefined) {
    made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
    jsonSchemas.set(schema, made);
  }
  return made;
}

/** What is used here of JSON Schema, and what options say of themselves beside it. */
export interface JsonSchema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly format?: string;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly allOf?: readonly JsonSchema[];
  readonly $ref?: string;
  /** The option that has the same options inside. */
  readonly as?: string;
  readonly examples?: readonly unknown[];
  /** A secret: shown by nobody. */
  readonly writeOnly?: boolean;
  /** What may be written, of an option that has it in `meta`. */
  readonly example?: unknown;
  /** Whether, and how, the option protects. */
  readonly protects?: true | OptionProtection;
  /** A text that is short for the map or the list. */
  readonly short?: JsonSchema;
}
