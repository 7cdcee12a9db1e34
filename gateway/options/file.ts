import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
  visit,
} from 'yaml';

export type OptionsFile =
  | {
      readonly value: unknown;
      /** Where an option stands, as `weir.yaml:3: `; empty for one that is not in the file. */
      readonly locate: (path: readonly PropertyKey[]) => string;
    }
  | { readonly problems: readonly string[] };

/**
 * Reads a YAML file, with `${NAME}` and `${NAME:-default}` replaced by the environment's values (`$${` is a plain
 * `${`). Files that the options name are relative to the folder of the YAML file.
 */
export function readOptionsFile(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): OptionsFile {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { problems: [`${file} ${code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`}.`] };
  }
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number | undefined) => `${file}:${lines.linePos(offset ?? 0).line}: `;
  const problems = [
    ...document.errors.map(({ message, pos }) => `${at(pos[0])}${message}.`),
    ...interpolate(document, env, at),
  ];
  if (problems.length > 0) return { problems };
  resolveFiles(document, dirname(file));
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch (error) {
    // An alias without its anchor, or one that is repeated without bounds.
    return { problems: [`${file}: ${(error as Error).message}.`] };
  }
  return {
    value,
    locate: (path) => {
      const offset = offsetOf(document, path);
      return offset === undefined ? '' : at(offset);
    },
  };
}

function interpolate(
  document: Document,
  env: Readonly<Record<string, string | undefined>>,
  at: (offset: number | undefined) => string,
): string[] {
  const problems: string[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const text = node.value.replace(
        /(\$)?\$\{(?:(\w+)(?::-([^}]*))?\}|[^}]*\}?)/g,
        (match, escaped: string | undefined, name: string | undefined, fallback: string | undefined) => {
          if (escaped !== undefined) return match.slice(1);
          if (name === undefined) {
            problems.push(`${at(node.range?.[0])}${match} must be \${NAME} or \${NAME:-default}.`);
            return match;
          }
          // As in a shell: `:-` also replaces what is set but empty.
          const value = fallback === undefined ? env[name] : env[name] || fallback;
          if (value === undefined)
            problems.push(`${at(node.range?.[0])}The environment variable ${name} is not set.`);
          return value ?? match;
        },
      );
      // Quotes keep a text a text; unquoted, `${PORT}` may stand for a number as `4000` does.
      node.value = node.type === Scalar.PLAIN && /^(\d+|true|false)$/.test(text) ? JSON.parse(text) : text;
    },
  });
  return problems;
}

function resolveFiles(document: Document, folder: string): void {
  const paths = [
    ['supergraph'],
    ...['file', 'registry', 'keep'].map((name) => ['supergraph', name]),
    ...['cert', 'key', 'clientCa'].map((file) => ['tls', file]),
    ['connections', 'ca'],
    ['privateLinks', 'keysFile'],
    ...namesIn(document, 'subgraphs').flatMap((name) =>
      ['cert', 'key', 'ca'].map((file) => ['subgraphs', name, 'tls', file]),
    ),
    ['authorization', 'policies', 'module'],
    ['persistedOperations', 'manifest'],
    ...itemsIn(document, ['persistedOperations', 'manifest']),
    ...['iam', 'lambda'].map((mode) => ['auth', mode, 'module']),
    ...itemsIn(document, ['audit', 'trails']).map((trail) => [...trail, 'to']),
  ];
  for (const path of paths) {
    const node = document.hasIn(path) ? document.getIn(path, true) : undefined;
    if (!isScalar(node) || typeof node.value !== 'string') continue;
    const [, scheme = '', location = ''] = /^(registry:)?(.*)$/s.exec(node.value)!;
    if (/^\w+:\/\//.test(location) || isAbsolute(location) || isStandardOutput(path, location)) continue;
    node.value = scheme + join(folder, location);
  }
}

/** The one word among the places of audit trails that is no file. */
const isStandardOutput = ([option]: readonly unknown[], location: string): boolean =>
  option === 'audit' && location === 'stdout';

function itemsIn(document: Document, path: readonly string[]): unknown[][] {
  const list = document.hasIn(path) ? document.getIn(path, true) : undefined;
  return isSeq(list) ? list.items.map((_, index) => [...path, index]) : [];
}

function namesIn(document: Document, option: string): unknown[] {
  const map = document.hasIn([option]) ? document.getIn([option], true) : undefined;
  return isMap(map) ? map.items.map(({ key }) => (isScalar(key) ? key.value : key)) : [];
}

/** The offset of the key of the option, or of the nearest map around it that is in the file. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  let map: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    const pair = isMap(map)
      ? map.items.find((item) => isScalar(item.key) && item.key.value === key)
      : undefined;
    if (pair === undefined) break;
    if (isNode(pair.key)) offset = pair.key.range?.[0];
    map = pair.value;
  }
  return offset;
}
