import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap } from '../../../gateway/options/is-map';
import type { JsonSchema } from '../../../gateway/options/problem';
import { optionsJsonSchema } from './json-schema';

/**
 * `values.schema.json` of the Helm chart: as it is written there, but for `definitions.options`, which is made of the options.
 * What is for editors is left out of that, and each secret must be a reference (`${NAME}`), as a chart holds none.
 */
export function chartSchema(): string {
  const file = join(__dirname, '../../../deploy/helm/weir/values.schema.json');
  const own = JSON.parse(readFileSync(file, 'utf8')) as JsonSchema & { definitions: object };
  const { definitions, ...options } = bare(optionsJsonSchema()) as Record<string, object>;
  const marks = { ...definitions, options };
  const marked = {
    ...own,
    definitions: { ...own.definitions, ...mapValues(marks, (_, name) => `@${name}`) },
  };
  // Each of these on a line of its own.
  return `${JSON.stringify(marked, null, 2)}\n`.replace(/"@(\w+)"/g, (_, name: keyof typeof marks) =>
    JSON.stringify(marks[name]),
  );
}

/** The words of a schema that check nothing. */
const annotations = new Set(['$schema', 'title', 'description', 'default', 'examples', 'writeOnly']);

function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(bare);
  if (!isMap(node)) return node;
  const schema = node['writeOnly'] === true ? referenceOnly(node) : node;
  const words = Object.entries(schema).filter(([word]) => !annotations.has(word));
  return Object.fromEntries(
    words.map(([word, value]) => [
      word,
      (word === 'properties' || word === 'definitions') && isMap(value)
        ? mapValues(value, bare)
        : bare(value),
    ]),
  );
}

/** A secret, or the word that switches it off. */
function referenceOnly({ anyOf }: JsonSchema): JsonSchema {
  const ways = (anyOf ?? []).filter(({ type }) => type !== 'string');
  return { anyOf: [{ type: 'string', pattern: '\\$\\{' }, ...ways] };
}

const mapValues = <From, To>(map: Record<string, From>, to: (value: From, key: string) => To) =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, to(value, key)]));
