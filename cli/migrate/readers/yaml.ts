import { isAlias, isMap as isYamlMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import {
  type ForeignFile,
  type ForeignMap,
  type ForeignPath,
  type ForeignValue,
  isMap,
  type ToReferences,
  Unreadable,
} from '../foreign';

/** Reads YAML, and so JSON, with anchors and merge keys. @throws {Unreadable} */
export function readYaml(file: string, text: string, toReferences: ToReferences): ForeignFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong !== undefined) {
    const line = lines.linePos(wrong.pos[0]).line;
    if (wrong.code === 'MULTIPLE_DOCS')
      throw new Unreadable('a second document begins here: give each document as a file of its own', line);
    if (wrong.code === 'TAG_RESOLVE_FAILED')
      throw new Unreadable(
        'a tag stands here for something that is elsewhere, such as in another file: write it out',
        line,
      );
    throw new Unreadable(`this is not valid YAML: ${wrong.message.replace(/\.$/, '')}`, line);
  }
  let value: unknown;
  try {
    value = document.toJS({ mapAsMap: true, maxAliasCount: 1000 });
  } catch (error) {
    if (error instanceof ReferenceError)
      throw new Unreadable('too much of it is repeated by aliases (*name), or an alias has no anchor');
    throw error;
  }
  if (!isMap(value)) throw new Unreadable('is not a map of options');
  return {
    file,
    value: toForeign(value, toReferences) as ForeignMap,
    lineOf: (path) => {
      const offset = offsetOf(document, path);
      return offset === undefined ? undefined : lines.linePos(offset).line;
    },
  };
}

function toForeign(value: unknown, toReferences: ToReferences): ForeignValue {
  if (value instanceof Map)
    return new Map([...value].map(([key, each]) => [String(key), toForeign(each, toReferences)]));
  if (Array.isArray(value)) return value.map((each) => toForeign(each, toReferences));
  if (typeof value === 'string') return toReferences(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  return toReferences(typeof value === 'bigint' ? value.toString() : '');
}

/** Where a key stands, or the nearest map or list around it that is written where it counts. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: ForeignPath): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    let at: unknown;
    if (isYamlMap(node)) {
      const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === key);
      if (pair === undefined) return offset;
      [at, node] = [pair.key, pair.value];
    } else if (isSeq(node)) at = node = node.items[Number(key)];
    else return offset;
    if (isNode(at)) offset = at.range?.[0] ?? offset;
  }
  return offset;
}
