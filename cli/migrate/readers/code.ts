import { type Node, Parser, type Program } from 'acorn';
import { tsPlugin } from '@sveltejs/acorn-typescript';
import {
  Code,
  type ForeignFile,
  type ForeignMap,
  type ForeignPath,
  type ForeignValue,
  plain,
  Unreadable,
} from '../foreign';

const TypeScript = Parser.extend(tsPlugin());

/**
 * Reads the object that a module of TypeScript or JavaScript exports as `name`, or as its default. Nothing of it is executed:
 * what only running it could tell is `Code`. A call of one of `factories` is a map of its name and its first argument.
 *
 * @throws {Unreadable}
 */
export function readCode(
  file: string,
  text: string,
  name: string,
  factories: ReadonlySet<string>,
): ForeignFile {
  let program: Program;
  try {
    program = TypeScript.parse(text, {
      ...{ sourceType: 'module', ecmaVersion: 'latest', locations: true },
      allowHashBang: true,
    });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { loc } = error as SyntaxError & { readonly loc?: { readonly line: number } };
    throw new Unreadable(
      `this is not valid TypeScript: ${error.message.replace(/ \(\d+:\d+\)$/, '')}`,
      loc?.line,
    );
  }
  const reader = new Reader(text, program, factories);
  const exported = exportOf(program, name);
  const value = exported === undefined ? undefined : reader.valueOf(exported);
  if (!(value instanceof Map))
    throw new Unreadable(`has no \`${name}\` that is written as an object, or as \`defineConfig({ … })\``);
  return { file, value: value as ForeignMap, lineOf: (path) => reader.lineOf(path) };
}

/** What acorn and its plugin have of nodes, as far as it is read here. */
interface AnyNode extends Node {
  readonly [key: string]: unknown;
}

const asNode = (value: unknown): AnyNode => value as AnyNode;

/** `export const NAME = …`, `export default …`, `module.exports = …`, `exports.NAME = …` or `module.exports.NAME = …`. */
function exportOf({ body }: Program, name: string): AnyNode | undefined {
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

function declarationsIn(statement: AnyNode): Map<string, AnyNode> {
  if (statement.type !== 'VariableDeclaration') return new Map();
  const declared = (statement['declarations'] as AnyNode[]).filter(({ init }) => init != null);
  return new Map(declared.map((each) => [String(asNode(each['id'])['name']), asNode(each['init'])]));
}

/** `module.exports` of a member expression. */
function memberPath(node: AnyNode): string | undefined {
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
]);

class Reader {
  readonly #text: string;
  readonly #factories: ReadonlySet<string>;
  readonly #constants = new Map<string, AnyNode>();
  readonly #lines = new WeakMap<object, Map<string, number>>();
  #root: ForeignValue | undefined;

  constructor(text: string, { body }: Program, factories: ReadonlySet<string>) {
    this.#text = text;
    this.#factories = factories;
    for (const statement of body.map(asNode)) {
      const declaration = statement.type === 'ExportNamedDeclaration' ? statement['declaration'] : statement;
      if (declaration == null) continue;
      const node = asNode(declaration);
      if (node['kind'] === 'const')
        for (const [name, init] of declarationsIn(node)) this.#constants.set(name, init);
    }
  }

  valueOf(node: AnyNode): ForeignValue {
    this.#root = this.#value(node, 0);
    return this.#root;
  }

  lineOf(path: ForeignPath): number | undefined {
    let value: unknown = this.#root;
    let line: number | undefined;
    for (const key of path) {
      line =
        (typeof value === 'object' && value !== null ? this.#lines.get(value)?.get(key) : undefined) ?? line;
      value = value instanceof Map ? value.get(key) : Array.isArray(value) ? value[Number(key)] : undefined;
    }
    return line;
  }

  #code(node: AnyNode): Code {
    return new Code(this.#text.slice(node.start, node.end));
  }

  /** `depth` bounds constants that name one another. */
  #value(node: AnyNode, depth: number): ForeignValue {
    if (depth > 200) return this.#code(node);
    if (wrappers.has(node.type)) return this.#value(asNode(node['expression']), depth + 1);
    switch (node.type) {
      case 'Literal':
        return this.#literal(node);
      case 'TemplateLiteral':
        return this.#template(node, depth);
      case 'ObjectExpression':
        return this.#object(node, depth);
      case 'ArrayExpression':
        return this.#array(node, depth);
      case 'Identifier':
        return this.#identifier(node, depth);
      case 'MemberExpression':
        return reference(memberPath(stripped(node))) ?? this.#code(node);
      case 'UnaryExpression':
      case 'BinaryExpression':
        return this.#number(node) ?? this.#code(node);
      case 'LogicalExpression':
        return this.#fallback(node, depth);
      case 'CallExpression':
        return this.#call(node, depth);
      case 'ArrowFunctionExpression':
      case 'FunctionExpression':
        return this.#function(node, node, depth);
      default:
        return this.#code(node);
    }
  }

  #literal(node: AnyNode): ForeignValue {
    const { value } = node;
    if (typeof value === 'string') return plain(value);
    return typeof value === 'number' || typeof value === 'boolean' || value === null
      ? value
      : this.#code(node);
  }

  #template(node: AnyNode, depth: number): ForeignValue {
    const texts = (node['quasis'] as AnyNode[]).map((each) => (each['value'] as { cooked: string }).cooked);
    const values = (node['expressions'] as AnyNode[]).map((each) => this.#value(each, depth + 1));
    if (!values.every((each) => typeof each === 'string' || typeof each === 'number'))
      return this.#code(node);
    return texts.map((each, i) => plain(each) + String(values[i] ?? '')).join('');
  }

  #object(node: AnyNode, depth: number): ForeignValue {
    const value = new Map<string, ForeignValue>();
    const lines = new Map<string, number>();
    for (const property of node['properties'] as AnyNode[]) {
      const line = property.loc!.start.line;
      if (property.type === 'SpreadElement') {
        const spread = this.#value(asNode(property['argument']), depth + 1);
        const members: Iterable<[string, ForeignValue]> =
          spread instanceof Map
            ? (spread as Map<string, ForeignValue>)
            : [
                [
                  `...${this.#text.slice(asNode(property['argument']).start, property.end)}`,
                  this.#code(property),
                ],
              ];
        for (const [key, each] of members) {
          value.set(key, each);
          lines.set(key, line);
        }
        continue;
      }
      const key = asNode(property['key']);
      const name =
        property['computed'] === true
          ? `[${this.#text.slice(key.start, key.end)}]`
          : String(key['name'] ?? key['value']);
      const member = asNode(property['value']);
      const isValue = property['kind'] === 'init' && property['method'] !== true;
      value.set(name, isValue ? this.#value(member, depth + 1) : this.#function(property, member, depth));
      lines.set(name, line);
    }
    this.#lines.set(value, lines);
    return value;
  }

  #array(node: AnyNode, depth: number): ForeignValue {
    const elements = (node['elements'] as (AnyNode | null)[]).filter((each) => each !== null);
    const value = elements.map((each) =>
      each.type === 'SpreadElement' ? this.#code(each) : this.#value(each, depth + 1),
    );
    this.#lines.set(value, new Map(elements.map((each, i) => [String(i), each.loc!.start.line])));
    return value;
  }

  #identifier(node: AnyNode, depth: number): ForeignValue {
    const constant = this.#constants.get(String(node['name']));
    return constant === undefined ? this.#code(node) : this.#value(constant, depth + 20);
  }

  /** `process.env.NAME ?? 'default'`. */
  #fallback(node: AnyNode, depth: number): ForeignValue {
    const name = environmentName(memberPath(stripped(asNode(node['left']))));
    const otherwise = this.#value(asNode(node['right']), depth + 1);
    const isText =
      typeof otherwise === 'string' || typeof otherwise === 'number' || typeof otherwise === 'boolean';
    if (name === undefined || !isText || node['operator'] === '&&' || /[{}]/.test(String(otherwise)))
      return this.#code(node);
    return `\${${name}:-${otherwise}}`;
  }

  #function(node: AnyNode, { body }: AnyNode, depth: number): Code {
    const statements =
      asNode(body).type === 'BlockStatement' ? (asNode(body)['body'] as AnyNode[]) : undefined;
    const [first] = statements ?? [];
    const result =
      statements === undefined
        ? asNode(body)
        : first?.type === 'ReturnStatement'
          ? first['argument']
          : undefined;
    const returned = result == null ? undefined : this.#value(asNode(result), depth + 1);
    return new Code(
      this.#text.slice(node.start, node.end),
      returned instanceof Map ? (returned as ForeignMap) : undefined,
    );
  }

  /** `defineConfig({ … })`, and conversions that options do anyway. */
  #call(node: AnyNode, depth: number): ForeignValue {
    const [argument] = node['arguments'] as AnyNode[];
    const name = memberPath(asNode(node['callee']));
    if (name !== undefined && argument !== undefined && this.#factories.has(name)) {
      const value = new Map([[name, this.#value(argument, depth + 1)]]);
      this.#lines.set(value, new Map([[name, node.loc!.start.line]]));
      return value;
    }
    const isKnown = ['defineConfig', 'Number', 'String', 'parseInt', 'Number.parseInt', 'Boolean'].includes(
      name ?? '',
    );
    return isKnown && argument !== undefined ? this.#value(argument, depth + 1) : this.#code(node);
  }

  /** `60 * 1000` and `-1`. */
  #number(node: AnyNode): number | undefined {
    if (node.type === 'Literal') return typeof node['value'] === 'number' ? node['value'] : undefined;
    if (node.type === 'UnaryExpression') {
      const value = this.#number(asNode(node['argument']));
      return node['operator'] === '-' && value !== undefined ? -value : undefined;
    }
    if (node.type !== 'BinaryExpression') return undefined;
    const [left, right] = [this.#number(asNode(node['left'])), this.#number(asNode(node['right']))];
    if (left === undefined || right === undefined) return undefined;
    const results: Readonly<Record<string, number>> = {
      '+': left + right,
      '-': left - right,
      '*': left * right,
      '/': left / right,
    };
    return results[String(node['operator'])];
  }
}

/** Without assertions around it, as in `process.env.NAME!`. */
function stripped(node: AnyNode): AnyNode {
  return wrappers.has(node.type) ? stripped(asNode(node['expression'])) : node;
}

const environmentName = (path: string | undefined): string | undefined =>
  /^process\.env\.(\w+)$/.exec(path ?? '')?.[1];

function reference(path: string | undefined): string | undefined {
  const name = environmentName(path);
  return name === undefined ? undefined : `\${${name}}`;
}
