import { z } from 'zod';
import { optionsSchema } from '../../../gateway/options';
import { isMap } from '../../../gateway/options/is-map';
import type { JsonSchema } from '../../../gateway/options/problem';

/**
 * `docs/configuration.schema.json`: what a file of options may have, as JSON Schema, for editors. It describes what is
 * written, before `${NAME}` and `${file:PATH}` are replaced. Rules about several options together are not in it.
 *
 * Draft 7, which every editor understands.
 */
export function optionsJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(optionsSchema, { io: 'input', unrepresentable: 'any', target: 'draft-7' });
  return { ...inside(schema as JsonSchema, undefined, undefined), title: 'Options of a Weir gateway' };
}

/**
 * @param example what the example of the map or the list around has here
 * @param isNamed whether it has a name of its own, by which it may be switched off
 * @param members where the examples of its members are; of a list of maps, no single one may have all of them
 */
function asWritten(given: JsonSchema, example: unknown, members: unknown, isNamed: boolean): JsonSchema {
  const { short, example: own, title, description, default: value, writeOnly } = given;
  const shown = given.const ?? own ?? example ?? exampleOf(given);
  const annotations = {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(value === undefined ? {} : { default: value }),
    ...(writeOnly === undefined ? {} : { writeOnly }),
    ...(shown === undefined ? {} : { examples: [shown] }),
  };
  const { anyOf, oneOf, as } = given;
  // Beside `$ref` nothing counts.
  if (as !== undefined) return { ...annotations, allOf: [{ $ref: `#/properties/${as}` }] };
  const ways = [
    ...(short === undefined ? [] : [short]),
    ...(anyOf ?? oneOf ?? [without(given, ownWords)]).map((way) => inside(way, shown, own ?? members)),
  ];
  const isText = ways.some(takesAnyText);
  const isScalar = ways.some(({ type }) => type !== 'object' && type !== 'array');
  const all = [
    ...(isText || !isScalar ? ways : [...ways, reference]),
    ...(isNamed && holdsProtection(given) ? switchedOff(ways, isText) : []),
  ];
  const [only] = all;
  return all.length === 1 ? { ...only, ...annotations } : { ...annotations, anyOf: all };
}

/** What is inside a map or a list, as it is written. */
function inside(node: JsonSchema, example: unknown, members: unknown): JsonSchema {
  const { properties, additionalProperties: free, propertyNames, items } = node;
  const { anyOf, oneOf, maximum, protects } = node;
  if (anyOf !== undefined || oneOf !== undefined) return asWritten(node, example, members, false);
  const member = (name: string): unknown => (isMap(members) ? members[name] : undefined);
  return {
    ...without(node, rewritten),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, each]) => [
          name,
          asWritten(each, member(name), member(name), true),
        ]),
      ),
    }),
    ...(propertyNames?.pattern !== undefined && { propertyNames: { pattern: propertyNames.pattern } }),
    ...(free !== undefined && {
      additionalProperties: isMap(free)
        ? asWritten(free, ...firstAndAll(isMap(example) ? Object.values(example) : []), true)
        : free,
    }),
    ...(items !== undefined && {
      items: withOffItem(
        asWritten(items, ...firstAndAll(Array.isArray(example) ? example : []), false),
        protects,
      ),
    }),
  };
}

/** The schema of an option as a whole, whatever its type is. */
const ownWords = ['title', 'description', 'default', 'writeOnly'];

/** What is written anew, and what is for us or, as `format`, understood differently everywhere. */
const rewritten = [
  'properties',
  'additionalProperties',
  'propertyNames',
  'items',
  'maximum',
  'format',
  'example',
  'short',
  'protects',
];

const without = (node: JsonSchema, names: readonly string[]): JsonSchema =>
  Object.fromEntries(Object.entries(node).filter(([name]) => !names.includes(name)));

/** How an option that protects, or a group of them, is switched off: not by `off` where that is a value of its own. */
const switchedOff = (ways: readonly JsonSchema[], isText: boolean): JsonSchema[] =>
  isText || ways.some(({ type }) => type === 'boolean') ? [nothing] : [nothing, { const: 'off' }];

const nothing: JsonSchema = { type: 'null' };

function holdsProtection({
  protects,
  properties,
  additionalProperties,
  items,
  anyOf,
  oneOf,
}: JsonSchema): boolean {
  const free = isMap(additionalProperties) ? [additionalProperties as JsonSchema] : [];
  const members = [...Object.values(properties ?? {}), ...free, ...(items === undefined ? [] : [items])];
  return protects !== undefined || [...members, ...(anyOf ?? []), ...(oneOf ?? [])].some(holdsProtection);
}

/** Beside the items of a list that are known by something, those that are switched off: `- off: NAME`. */
function withOffItem(item: JsonSchema, protects: JsonSchema['protects']): JsonSchema {
  const by = protects === undefined || protects === true || protects.mayGo ? undefined : protects.items;
  if (by === undefined) return item;
  const known = by.map((key): [string, JsonSchema] => [key, item.properties![key]!]);
  const [name] = known.length === 0 ? [item] : known.length === 1 ? [known[0]![1]] : [];
  const off: JsonSchema = {
    ...(name ?? { type: 'object', properties: Object.fromEntries(known), additionalProperties: false }),
    description: 'An item of the options in use that is left out on purpose.',
    examples: [
      name?.examples?.[0] ??
        Object.fromEntries(known.slice(0, 1).map(([key, { examples }]) => [key, examples![0]])),
    ],
  };
  return {
    anyOf: [item, { type: 'object', properties: { off }, required: ['off'], additionalProperties: false }],
  };
}

/** The first example, and all of them in one. */
function firstAndAll(examples: readonly unknown[]): [unknown, unknown] {
  const maps = examples.filter(isMap);
  return [examples[0], maps.length === 0 ? undefined : Object.assign({}, ...maps.toReversed())];
}

/** What stands for a value that is taken from elsewhere. */
const reference: JsonSchema = { type: 'string', pattern: '\\$\\{' };

/** Whether every text that is not empty will do. */
function takesAnyText({ type, pattern, minLength = 0, enum: values, const: value }: JsonSchema): boolean {
  if (type === undefined) return true;
  return type === 'string' && pattern === undefined && minLength <= 1 && (values ?? value) === undefined;
}

/** Of what needs no thought: a switch, one of a few words, a number with a default. */
function exampleOf({ type, enum: values, default: usual }: JsonSchema): unknown {
  if (values !== undefined) return values.find((each) => each !== usual);
  if (type === 'boolean') return usual !== true;
  return isMap(usual) || Array.isArray(usual) ? undefined : usual;
}
