import { suggestionList } from 'graphql/jsutils/suggestionList';
import { z } from 'zod';

export interface OptionsProblem {
  readonly path: readonly PropertyKey[];
  /** Such as "`port` must be a whole number from 0 to 65535, but got: -1." */
  readonly sentence: string;
}

/**
 * What zod found in `input`, in sentences. Each unknown key is one, with the key that was probably meant. `whole` is
 * what the input is called.
 */
export function describeIssue(
  issue: z.core.$ZodIssue,
  input: unknown,
  schema: z.ZodType,
  whole = 'The options',
): OptionsProblem[] {
  const name = (path: readonly PropertyKey[]) => (path.length === 0 ? whole : `\`${path.join('.')}\``);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, issue.path);
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return { path, sentence: `${name(path)} is unknown; ${suggest(key, known)}` };
    });
  }
  if (issue.code === 'invalid_key') {
    const [wrong] = issue.issues;
    return [
      { path: issue.path, sentence: `The key of ${name(issue.path)} ${wrong?.message ?? 'is not allowed'}.` },
    ];
  }
  const value = issue.path.reduce<unknown>((map, key) => (map as Record<PropertyKey, unknown>)[key], input);
  const rule = issue.message.startsWith('must') ? issue.message : 'must be a map';
  const got =
    isSecret(issue.path) || (typeof value === 'object' && value !== null) ? '' : `, but got: ${show(value)}`;
  return [{ path: issue.path, sentence: `${name(issue.path)} ${rule}${got}.` }];
}

/** What is wrong with a secret is no reason to write it to a log. */
function isSecret(path: readonly PropertyKey[]): boolean {
  const option = path.findLast((key) => typeof key === 'string');
  return option !== undefined && /(key|keys|token|secret)$/i.test(option);
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function suggest(key: string, known: readonly string[]): string {
  const [nearest] = suggestionList(key, known);
  return nearest === undefined ? `known here: ${known.join(', ')}.` : `did you mean \`${nearest}\`?`;
}

function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let node: JsonSchema | undefined = jsonSchemaOf(schema);
  for (const key of path) {
    const { properties = {}, additionalProperties, items }: JsonSchema = node ?? {};
    if (typeof key === 'number') node = items;
    else if (Object.hasOwn(properties, key)) node = properties[String(key)];
    else node = asSchema(additionalProperties);
  }
  return Object.keys(node?.properties ?? {});
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

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
}

function asSchema(value: JsonSchema | boolean | undefined): JsonSchema | undefined {
  return typeof value === 'object' ? value : undefined;
}
