/** Over 300 lines: parsing, replacing variables, resolving paths and naming the line of a mistake share one document. */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from 'yaml';
import { whyUnreadable } from './problem';

/** What a value in the file has from elsewhere, in the order of the text: `${NAME}`, `${file:PATH}`. */
export interface Substitutions {
  readonly variables: readonly string[];
  readonly files: readonly string[];
}

/** Where an option stands in the file. */
export interface FilePosition {
  readonly line: number;
  /** Undefined for what is written there, and for a map or a list. */
  readonly taken?: Substitutions | undefined;
  /** Whether a text stands there that is short for a map, as that of `supergraph` is, and the option is in the map. */
  readonly isShort: boolean;
  /** Whether nothing is written there. */
  readonly isBlank: boolean;
}

export interface OptionsFile {
  /** As it was read. */
  readonly text: string;
  /** What is taken from elsewhere is text, whatever it looks like. */
  readonly value: unknown;
  /** Undefined for an option that is not in the file. */
  find(path: readonly PropertyKey[]): FilePosition | undefined;
  /** The line of the option, or of the nearest map or list around it that is in the file. */
  lineOf(path: readonly PropertyKey[]): number;
}

export interface ReadOptionsFile {
  /** The files that `${file:…}` names, whether they could be read or not. */
  readonly files: readonly string[];
  readonly read: OptionsFile | { readonly problems: readonly string[] };
}

/**
 * Reads a YAML file, with `${NAME}` and `${NAME:-default}` replaced by the environment's values, and `${file:PATH}` by
 * the content of a file (`$${` is a plain `${`). Files are relative to the folder of the YAML file. A file without options
 * is refused, as one that is being written is empty at first.
 *
 * @param text what the file holds, where it has been read
 */
export function readOptionsFile(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  text?: string,
): ReadOptionsFile {
  let content: string;
  try {
    content = text ?? readFileSync(file, 'utf8');
  } catch (error) {
    return { files: [], read: { problems: [`${file} ${whyUnreadable(error)}.`] } };
  }
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false });
  // An empty file has one line, too.
  const lineAt = (offset = 0): number => Math.max(1, lines.linePos(offset).line);
  const at = (offset?: number): string => `${file}:${lineAt(offset)}: `;
  // Of several syntax errors the first one is the cause of the others.
  const [first] = document.errors;
  const isSyntax = first !== undefined && first.code !== 'DUPLICATE_KEY';
  const wrong = isSyntax ? [first] : [...document.errors, ...document.warnings];
  if (wrong.length > 0) {
    const problems = wrong.map((error) => `${at(error.pos[0])}${describeYamlError(error, content)}`);
    return { files: [], read: { problems } };
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    return {
      files: [],
      read: { problems: [`${file} has no options: write {} if none is meant to be set.`] },
    };
  const aliasProblem = findAliasProblem(document);
  if (aliasProblem !== undefined) {
    const { node, sentence } = aliasProblem;
    return { files: [], read: { problems: [`${at(node?.range?.[0])}${sentence}`] } };
  }
  const { problems, files, taken } = interpolate({ document, env, folder: dirname(file), at });
  if (problems.length > 0) return { files, read: { problems } };
  resolveFiles(document, dirname(file));
  const value: unknown = document.toJS();
  return {
    files,
    read: {
      text: content,
      value,
      find(path) {
        const { offset, node, depth } = walk(document, path);
        const isShort = depth < path.length;
        if (isShort && (depth === 0 || !isScalar(node))) return undefined;
        const [begin, end] = node?.range ?? [];
        return {
          isShort,
          // Also of a key without a value in a map that is written in one line.
          isBlank: node === undefined || (isScalar(node) && begin === end),
          line: lineAt(offset),
          taken: node === undefined ? undefined : taken.get(node),
        };
      },
      lineOf: (path) => lineAt(walk(document, path).offset),
    },
  };
}

/** What the `yaml` package finds, in a sentence with the remedy. */
function describeYamlError({ code, message, pos: [offset] }: YAMLError, content: string): string {
  const line = content.slice(content.lastIndexOf('\n', offset - 1) + 1).split(/\r?\n/, 1)[0]!;
  if (code === 'DUPLICATE_KEY') {
    const key = /^[\w.-]+/.exec(content.slice(offset))?.[0] ?? 'a key';
    return `\`${key}\` is given a second time in the same map: keep one.`;
  }
  if (code === 'TAG_RESOLVE_FAILED') {
    const tag = /![^\s]*/.exec(message)?.[0] ?? 'This';
    return `\`${tag}\` is a tag, which has no meaning here: write the value itself.`;
  }
  if (code === 'MULTIPLE_DOCS') return 'A second document begins here: the options are one document.';
  if (/[{[]/.test(line.split('${', 1)[0]!) && line.includes('${'))
    return 'Inside {} and [], `${NAME}` needs quotes: write "${NAME}".';
  return `This is not valid YAML: ${message.replace(/\.$/, '')}.`;
}

function findAliasProblem(document: Document): { node?: Node; sentence: string } | undefined {
  const aliases: Node[] = [];
  let unknown: { node: Node; sentence: string } | undefined;
  visit(document, {
    Alias(_, node) {
      aliases.push(node);
      if (node.resolve(document) !== undefined) return undefined;
      unknown = { node, sentence: `*${node.source} is used, but nothing above it is named &${node.source}.` };
      return visit.BREAK;
    },
  });
  if (unknown !== undefined) return unknown;
  try {
    document.toJS();
    return undefined;
  } catch {
    // Aliases of aliases: a short file that becomes gigabytes.
    const sentence = 'Too much of the file is repeated by aliases (*name): write it out.';
    const [node] = aliases;
    return node === undefined ? { sentence } : { node, sentence };
  }
}

interface Interpolation {
  readonly document: Document;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly at: (offset?: number) => string;
}

function interpolate({ document, env, folder, at }: Interpolation) {
  const problems: string[] = [];
  const files = new Set<string>();
  const taken = new Map<Node, Substitutions>();
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const from = { variables: [] as string[], files: [] as string[] };
      const position = at(node.range?.[0]);
      const option = nameOf(ancestors, node);
      const value = (reference: string, written: string): string => {
        const [, file] = /^file:(.+)$/s.exec(reference) ?? [];
        if (file !== undefined) {
          const path = resolve(folder, file);
          from.files.push(path);
          files.add(path);
          try {
            // An editor's last line break is no part of a secret.
            return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
          } catch (error) {
            problems.push(`${position}${option} takes the file ${path}, which ${whyUnreadable(error)}.`);
            return written;
          }
        }
        const [, name, fallback] = /^(\w+)(?::-(.*))?$/s.exec(reference) ?? [];
        if (name === undefined) {
          problems.push(
            `${position}${option} has ${written}, which must be \${NAME}, \${NAME:-default} or \${file:PATH}; write $\${ for a plain \${.`,
          );
          return written;
        }
        from.variables.push(name);
        // As in a shell: `:-` also replaces what is set but empty.
        const found = fallback === undefined ? env[name] : env[name] || fallback;
        if (found === undefined)
          problems.push(
            `${position}${option} takes the environment variable ${name}, which is not set: set it, or write \${${name}:-default}.`,
          );
        return found ?? written;
      };
      node.value = node.value.replace(
        /(\$)?\$\{([^}]*)(\})?/g,
        (match, escaped: string | undefined, reference: string, end: string | undefined) =>
          escaped === undefined ? value(end === undefined ? '' : reference, match) : match.slice(1),
      );
      if (from.variables.length + from.files.length > 0) taken.set(node, from);
    },
  });
  return { problems, files: [...files], taken };
}

/** The name of the option that a node of the file is the value of. */
function nameOf(ancestors: readonly unknown[], node: Node): string {
  const path = ancestors.flatMap((ancestor, i) => {
    if (isPair(ancestor)) return [keyOf(ancestor)];
    return isSeq(ancestor) ? [String(ancestor.items.indexOf(ancestors[i + 1] ?? node))] : [];
  });
  return path.length === 0 ? 'The file' : `\`${path.join('.')}\``;
}

function resolveFiles(document: Document, folder: string): void {
  for (const { node } of namedFiles(document)) {
    const [, scheme = '', location = ''] = /^(registry:)?(.*)$/s.exec(node.value)!;
    node.value = scheme + join(folder, location);
  }
}

/** An option that names a file by a path that is relative to the folder of the options. */
export interface NamedFile {
  readonly path: readonly unknown[];
  readonly node: Scalar<string>;
}

export function namedFiles(document: Document): NamedFile[] {
  const paths = [
    ['supergraph'],
    ...['file', 'registry', 'keep'].map((name) => ['supergraph', name]),
    ...['cert', 'key', 'clientCa'].map((file) => ['tls', file]),
    ['connections', 'ca'],
    ['cache', 'redis', 'ca'],
    ...namesIn(document, 'events', 'sources').map((name) => ['events', 'sources', name, 'redis', 'ca']),
    ['privateLinks', 'keysFile'],
    ...namesIn(document, 'subgraphs').flatMap((name) =>
      ['cert', 'key', 'ca'].map((file) => ['subgraphs', name, 'tls', file]),
    ),
    ['authorization', 'policies', 'module'],
    ['persistedOperations', 'manifest'],
    ...itemsIn(document, ['persistedOperations', 'manifest']),
    ...itemsIn(document, ['mcp', 'operations']).flatMap((item) => [item, [...item, 'manifest']]),
    ...['iam', 'lambda'].map((mode) => ['auth', mode, 'module']),
    ...itemsIn(document, ['extensions']).flatMap((item) => [item, [...item, 'off']]),
    ...itemsIn(document, ['audit', 'trails']).map((trail) => [...trail, 'to']),
  ];
  return paths.flatMap((path): NamedFile[] => {
    const node = document.hasIn(path) ? document.getIn(path, true) : undefined;
    if (!isScalar<string>(node) || typeof node.value !== 'string') return [];
    const location = node.value.replace(/^registry:/, '');
    const isRelative =
      !/^\w+:\/\//.test(location) && !isAbsolute(location) && !isStandardOutput(path, location);
    return isRelative ? [{ path, node }] : [];
  });
}

/** The one word among the destinations of audit trails that is no file. */
const isStandardOutput = ([option]: readonly unknown[], location: string): boolean =>
  option === 'audit' && location === 'stdout';

function itemsIn(document: Document, path: readonly string[]): unknown[][] {
  const list = document.hasIn(path) ? document.getIn(path, true) : undefined;
  return isSeq(list) ? list.items.map((_, index) => [...path, index]) : [];
}

function namesIn(document: Document, ...option: readonly string[]): unknown[] {
  const map = document.hasIn(option) ? document.getIn(option, true) : undefined;
  return isMap(map) ? map.items.map(({ key }) => (isScalar(key) ? key.value : key)) : [];
}

const keyOf = ({ key }: { readonly key: unknown }): string => String(isScalar(key) ? key.value : key);

/** Goes down the file along a path, as far as it goes. */
function walk(document: Document, path: readonly PropertyKey[]) {
  let node: Node | undefined = document.contents ?? undefined;
  let offset = node?.range?.[0];
  let depth = 0;
  for (const key of path) {
    const inner = isAlias(node) ? node.resolve(document) : node;
    let next: unknown;
    let start: unknown;
    if (isMap(inner)) {
      // Names of headers may be written in any case.
      const pair =
        inner.items.find((item) => keyOf(item) === String(key)) ??
        inner.items.find((item) => keyOf(item).toLowerCase() === String(key));
      if (pair === undefined) break;
      next = pair.value;
      start = pair.key;
    } else if (isSeq(inner) && typeof key === 'number' && key < inner.items.length) {
      next = inner.items[key];
      start = next;
    } else break;
    if (isNode(start)) offset = start.range?.[0] ?? offset;
    node = isNode(next) ? next : undefined;
    depth++;
  }
  return { offset, depth, node: isAlias(node) ? node.resolve(document) : node };
}
