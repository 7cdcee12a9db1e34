import {
  isAlias,
  isMap as isYamlMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import {
  type ForeignFile,
  type ForeignMap,
  type ForeignPath,
  type ForeignValue,
  isMap,
  Unreadable,
} from '../foreign';

/** Reads YAML, and so JSON, with anchors and merge keys. @throws {Unreadable} */
export function readYaml(file: string, text: string): ForeignFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    ...{ lineCounter: lines, prettyErrors: false, merge: true },
    // The parser compares each key with all before it.
    uniqueKeys: false,
  });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong !== undefined) {
    const line = lineAt(wrong.pos[0]);
    if (wrong.code === 'MULTIPLE_DOCS')
      throw new Unreadable('a second document begins here: give each document as a file of its own', line);
    if (wrong.code === 'TAG_RESOLVE_FAILED')
      throw new Unreadable(
        'a tag stands here for something that is elsewhere, such as in another file: write it out',
        line,
      );
    throw new Unreadable(`this is not valid YAML: ${wrong.message.replace(/\.$/, '')}`, line);
  }
  const pairs = pairsOf(document, lineAt);
  let value: unknown;
  try {
    value = document.toJS({ mapAsMap: true, maxAliasCount: 1000 });
  } catch (error) {
    if (error instanceof ReferenceError)
      throw new Unreadable('too much of it is repeated by aliases (*name), or an alias has no anchor');
    throw error;
  }
  if (!isMap(value)) throw new Unreadable('this is not a map of options');
  return {
    file,
    value: toForeign(value) as ForeignMap,
    lineOf: (path) => {
      const offset = offsetOf(document, pairs, path);
      return offset === undefined ? undefined : lineAt(offset);
    },
  };
}

function toForeign(value: unknown): ForeignValue {
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [String(key), toForeign(each)]));
  if (Array.isArray(value)) return value.map(toForeign);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null)
    return value;
  return typeof value === 'bigint' ? value.toString() : '';
}

type YamlDocument = ReturnType<typeof parseDocument>;

/** The pairs of each map by their keys, so that a key of a wide map is found at once. */
type Pairs = ReadonlyMap<YAMLMap, ReadonlyMap<string, Pair>>;

/** @throws {Unreadable} if a map has a key twice */
function pairsOf(document: YamlDocument, lineAt: (offset: number) => number): Pairs {
  const all = new Map<YAMLMap, Map<string, Pair>>();
  visit(document, {
    Map(_, map) {
      const pairs = new Map<string, Pair>();
      for (const pair of map.items) {
        const key = keyOf(pair);
        if (pairs.has(key)) {
          const [offset = 0] = (isNode(pair.key) ? pair.key.range : undefined) ?? [];
          throw new Unreadable('this is not valid YAML: Map keys must be unique', lineAt(offset));
        }
        pairs.set(key, pair);
      }
      all.set(map, pairs);
    },
  });
  return all;
}

const keyOf = ({ key }: Pair): string => String(isScalar(key) ? key.value : key);

/** Where a key stands, or the nearest map or list around it that is written where it counts. */
function offsetOf(document: YamlDocument, pairs: Pairs, path: ForeignPath): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    let at: unknown;
    if (isYamlMap(node)) {
      const pair = pairs.get(node)?.get(key);
      if (pair === undefined) return offset;
      [at, node] = [pair.key, pair.value];
    } else if (isSeq(node)) at = node = node.items[Number(key)];
    else return offset;
    if (isNode(at)) offset = at.range?.[0] ?? offset;
  }
  return offset;
}
