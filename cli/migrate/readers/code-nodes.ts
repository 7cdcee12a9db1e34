/** The syntax tree of TypeScript, as far as it is read here. */
import type { Node, Program } from 'acorn';

/** What acorn and its plugin have of nodes, as far as it is read here. */
export interface AnyNode extends Node {
  readonly [key: string]: unknown;
}

export const asNode = (value: unknown): AnyNode => value as AnyNode;

/** `export const NAME = …`, `export default …`, `module.exports = …`, `exports.NAME = …` or `module.exports.NAME = …`. */
export function exportOf({ body }: Program, name: string): AnyNode | undefined {
  let fallback: AnyNode | undefined;
  for (const statement of body.map(asNode)) {
    if (statement.type === 'ExportNamedDeclaration' && statement['declaration'] != null) {
      const declared = declarationsIn(asNode(statement['declaration'])).get(name);
      if (declared !== undefined) return declared;
    }
    if (statement.type === 'ExportNamedDeclaration')
      for (const each of statement['specifiers'] as AnyNode[])
        if (asNode(each['exported'])['name'] === name) return asNode(each['local']);
    if (statement.type === 'ExportDefaultDeclaration') fallback = asNode(statement['declaration']);
    const assignment = statement.type === 'ExpressionStatement' ? asNode(statement['expression']) : undefined;
    if (assignment?.type !== 'AssignmentExpression') continue;
    const target = memberPath(asNode(assignment['left']));
    if (target === `exports.${name}` || target === `module.exports.${name}`)
      return asNode(assignment['right']);
    if (target === 'module.exports') fallback = asNode(assignment['right']);
  }
  return fallback;
}

export function declarationsIn(statement: AnyNode): Map<string, AnyNode> {
  if (statement.type !== 'VariableDeclaration') return new Map();
  const declared = (statement['declarations'] as AnyNode[]).filter(
    ({ id, init }) => init != null && asNode(id).type === 'Identifier',
  );
  return new Map(declared.map((each) => [String(asNode(each['id'])['name']), asNode(each['init'])]));
}

/** `module.exports` of a member expression. */
export function memberPath(node: AnyNode): string | undefined {
  if (node.type === 'Identifier') return String(node['name']);
  if (node.type !== 'MemberExpression') return undefined;
  const object = memberPath(asNode(node['object']));
  const property = asNode(node['property']);
  const isKnown = node['computed'] === true ? property.type === 'Literal' : property.type === 'Identifier';
  const key = node['computed'] === true ? property['value'] : property['name'];
  return object === undefined || !isKnown ? undefined : `${object}.${String(key)}`;
}

/** What types and assertions are around. */
const wrappers = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'ParenthesizedExpression',
  'ChainExpression',
]);

export const isWrapper = ({ type }: AnyNode): boolean => wrappers.has(type);

/** Without assertions around it, as in `process.env.NAME!`. */
export function stripped(node: AnyNode): AnyNode {
  return isWrapper(node) ? stripped(asNode(node['expression'])) : node;
}

/** The header that is read by `request.headers.get('x-tenant')` or `headers['x-tenant']`. */
export function headerReadBy(node: AnyNode): string | undefined {
  const isCall = node.type === 'CallExpression';
  const [argument, ...more] = isCall ? (node['arguments'] as AnyNode[]) : [];
  const member = stripped(isCall ? asNode(node['callee']) : node);
  if (member.type !== 'MemberExpression') return undefined;
  const [, property] = /(?:^|\.)headers\.([\w-]+)$/.exec(memberPath(member) ?? '') ?? [];
  if (!isCall) return property;
  const name = argument?.type === 'Literal' && more.length === 0 ? argument['value'] : undefined;
  return property === 'get' && typeof name === 'string' ? name : undefined;
}

/** What a function returns. */
export interface Returned {
  /** The constants in front of the one value that it returns. Undefined if it does anything else. */
  readonly constants: ReadonlyMap<string, AnyNode> | undefined;
  readonly values: readonly AnyNode[];
}

export function returnedBy({ body }: AnyNode): Returned {
  const block = asNode(body);
  if (block.type !== 'BlockStatement') return { constants: new Map(), values: [block] };
  const statements = block['body'] as AnyNode[];
  const last = statements.at(-1);
  const before = statements.slice(0, -1);
  const isPlain = last?.type === 'ReturnStatement' && before.every(({ kind }) => kind === 'const');
  return {
    constants: isPlain ? new Map(before.flatMap((each) => [...declarationsIn(each)])) : undefined,
    values: returnsIn(block),
  };
}

/** The values of all returns below a node, without those of functions in it. */
function returnsIn(node: AnyNode): AnyNode[] {
  if (/Function/.test(node.type)) return [];
  if (node.type === 'ReturnStatement') return node['argument'] == null ? [] : [asNode(node['argument'])];
  return childrenOf(node).flatMap(returnsIn);
}

const childrenOf = (node: AnyNode): AnyNode[] =>
  Object.values(node)
    .flat()
    .filter((each): each is AnyNode => typeof (each as AnyNode | null | undefined)?.type === 'string');

/** The objects that a value may be. */
export function objectsIn(node: AnyNode): AnyNode[] {
  const value = stripped(node);
  if (value.type === 'ObjectExpression') return [value];
  const ways: Readonly<Record<string, readonly string[]>> = {
    ConditionalExpression: ['consequent', 'alternate'],
    LogicalExpression: ['left', 'right'],
  };
  return (ways[value.type] ?? []).flatMap((way) => objectsIn(asNode(value[way])));
}

/** Of a property that is written out, as it is shown. */
export function nameOf(property: AnyNode, text: string): string {
  const key = asNode(property['key']);
  return property['computed'] === true
    ? `[${text.slice(key.start, key.end)}]`
    : String(key['name'] ?? key['value']);
}

export const environmentName = (path: string | undefined): string | undefined =>
  /^process\.env\.(\w+)$/.exec(path ?? '')?.[1];

export function reference(path: string | undefined): string | undefined {
  const name = environmentName(path);
  return name === undefined ? undefined : `\${${name}}`;
}
