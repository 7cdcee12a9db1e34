import { basename } from 'node:path';
import { Document, isCollection, isMap, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { optionsSchema } from '../../gateway/options';
import { printable } from '../terminal/printable';
import type { Draft, DraftNode, Origin } from './draft';
import { formatPath } from './foreign';

/** The text of weir.yaml: each option with a comment that names the key it comes from. */
export function writeOptions({ root }: Draft, head: readonly string[]): string {
  const document = new Document({});
  const options = nodeOf({ kind: 'map', members: inOrder(root.members) }) as YAMLMap;
  options.flow = false;
  document.contents = options as typeof document.contents & YAMLMap;
  const [first] = options.items;
  if (first !== undefined && first.key instanceof Scalar) document.commentBefore = comment(head);
  if (first === undefined) return `${head.map((line) => `# ${line}`.trimEnd()).join('\n')}\n{}\n`;
  return document.toString({ lineWidth: 0, singleQuote: true });
}

/** As the reference has the options. */
function inOrder(members: ReadonlyMap<string, DraftNode>): Map<string, DraftNode> {
  const order = Object.keys(optionsSchema.shape);
  return new Map([...members].toSorted(([one], [other]) => order.indexOf(one) - order.indexOf(other)));
}

const comment = (lines: readonly string[]): string =>
  lines.map((line) => (line === '' ? '' : ` ${line}`)).join('\n');

type YamlNode = YAMLMap | YAMLSeq | Scalar;

function nodeOf(node: DraftNode): YamlNode {
  if (node.kind === 'value') return new Document(node.value).contents as YamlNode;
  if (node.kind === 'list') {
    const list = new YAMLSeq();
    list.items = Array.from(node.members.values(), nodeOf);
    list.flow = [...node.members.values()].every(({ kind }) => kind === 'value');
    return list;
  }
  const map = new YAMLMap();
  for (const [name, member] of node.members) {
    const key = new Scalar(name);
    const value = nodeOf(member);
    const origins = originsOf(member);
    if (origins.length > 0) {
      const said = ` ${describe(origins)}`;
      if (isCollection(value) && value.flow !== true && value.items.length > 0) key.commentBefore = said;
      else value.comment = said;
    }
    if (isMap(value) && value.items.length === 0) value.flow = true;
    map.items.push(new Pair(key, value));
  }
  return map;
}

/** Of a value, or of all texts of a list; the options in a map have comments of their own. */
function originsOf(node: DraftNode): readonly Origin[] {
  if (node.kind === 'value') return node.origins;
  if (node.kind === 'map') return [];
  const members = [...node.members.values()];
  return members.every(({ kind }) => kind === 'value') ? members.flatMap(originsOf) : [];
}

const most = 4;

function describe(origins: readonly Origin[]): string {
  const texts = [...new Set(origins.map(describeOne))];
  const shown = texts.slice(0, most).join(', ');
  return texts.length > most ? `${shown} and ${texts.length - most} more` : shown;
}

function describeOne(origin: Origin): string {
  if ('reason' in origin) return printable(origin.reason);
  const { file, line, path } = origin.entry;
  return printable(`${basename(file)}${line === undefined ? '' : `:${line}`} ${formatPath(path)}`, 200);
}
