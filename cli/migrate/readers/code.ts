/** Reads configurations in TypeScript and JavaScript without running them. Over 300 lines: a function for each kind of node. */
import { Parser, type Program } from 'acorn';
import { tsPlugin } from '@sveltejs/acorn-typescript';
import {
  Code,
  type ForeignFile,
  type ForeignMap,
  type ForeignPath,
  type ForeignValue,
  isMap,
  plain,
  type ReadHeader,
  Unreadable,
} from '../foreign';
import {
  type AnyNode,
  asNode,
  declarationsIn,
  environmentName,
  exportOf,
  headerReadBy,
  isWrapper,
  memberPath,
  nameOf,
  objectsIn,
  reference,
  returnedBy,
  stripped,
} from './code-nodes';

const TypeScript = Parser.extend(tsPlugin());

/** What code is about, by the names that it has there. */
export interface CodeNames {
  /** Of what the module exports, unless that is its default. */
  readonly exported: string;
  /** Calls of these are maps of their name and their first argument. */
  readonly factories: ReadonlySet<string>;
  /** Functions that stand for the objects that they return. */
  readonly returning: ReadonlySet<string>;
  /** Statements that call one of these are keys of their own. */
  readonly statements: ReadonlySet<string>;
}

/**
 * Reads the object that a module of TypeScript or JavaScript exports. Nothing of it is executed: what only running it could
 * tell is `Code`.
 *
 * @throws {Unreadable}
 */
export function readCode(file: string, text: string, names: CodeNames): ForeignFile {
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
  const reader = new Reader(text, program, names);
  const exported = exportOf(program, names.exported);
  const value = exported === undefined ? undefined : reader.valueOf(exported);
  if (!isMap(value))
    throw new Unreadable(
      `this has no \`${names.exported}\` that is written as an object, or as \`defineConfig({ … })\``,
    );
  return { file, value, lineOf: (path) => reader.lineOf(path) };
}

class Reader {
  readonly #text: string;
  readonly #names: CodeNames;
  readonly #body: readonly AnyNode[];
  #constants: ReadonlyMap<string, AnyNode>;
  readonly #lines = new WeakMap<object, Map<string, number>>();
  #root: ForeignValue | undefined;

  constructor(text: string, { body }: Program, names: CodeNames) {
    this.#text = text;
    this.#names = names;
    this.#body = body.map(asNode);
    const declared = this.#body.map((each) =>
      each.type === 'ExportNamedDeclaration' ? each['declaration'] : each,
    );
    this.#constants = new Map(
      declared
        .filter((each) => each != null && asNode(each)['kind'] === 'const')
        .flatMap((each) => [...declarationsIn(asNode(each))]),
    );
  }

  /** What is exported, and the statements beside it that count. */
  valueOf(node: AnyNode): ForeignValue {
    const root = this.#value(node, 0);
    this.#root = root;
    if (!isMap(root)) return root;
    const all = new Map(root);
    const lines = new Map(this.#lines.get(root));
    for (const statement of this.#body) {
      const call = statement.type === 'ExpressionStatement' ? asNode(statement['expression']) : undefined;
      const name = call?.type === 'CallExpression' ? memberPath(asNode(call['callee'])) : undefined;
      const [argument] = name === undefined ? [] : (call!['arguments'] as AnyNode[]);
      if (argument === undefined || !this.#names.statements.has(name!)) continue;
      all.set(name!, this.#value(argument, 0));
      lines.set(name!, statement.loc!.start.line);
    }
    this.#lines.set(all, lines);
    this.#root = all;
    return all;
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

  #code(node: AnyNode, header?: ReadHeader): Code {
    return new Code(this.#text.slice(node.start, node.end), header);
  }

  /** `depth` bounds constants that name one another. */
  #value(node: AnyNode, depth: number): ForeignValue {
    if (depth > 200) return this.#code(node);
    if (isWrapper(node)) return this.#value(asNode(node['expression']), depth + 1);
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
        return reference(memberPath(stripped(node))) ?? this.#header(node);
      case 'UnaryExpression':
      case 'BinaryExpression':
        return this.#number(node) ?? this.#code(node);
      case 'LogicalExpression':
        return this.#fallback(node, depth);
      case 'CallExpression':
      case 'NewExpression':
        return this.#call(node, depth);
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
      const name = nameOf(property, this.#text);
      value.set(name, this.#member(property, name, depth + 1));
      lines.set(name, line);
    }
    this.#lines.set(value, lines);
    return value;
  }

  #member(property: AnyNode, name: string, depth: number): ForeignValue {
    const member = stripped(asNode(property['value']));
    const returned =
      this.#names.returning.has(name) && /Function/.test(member.type)
        ? this.#returned(member, depth)
        : undefined;
    if (returned !== undefined) return returned;
    const isValue = property['kind'] === 'init' && property['method'] !== true;
    return isValue ? this.#value(member, depth) : this.#code(property);
  }

  /** The object that a function returns. If it chooses between several, the keys of all, whose values are code then. */
  #returned(node: AnyNode, depth: number): ForeignMap | undefined {
    const { constants, values } = returnedBy(node);
    const [value, ...more] = values;
    if (value === undefined) return undefined;
    const outer = this.#constants;
    this.#constants = new Map([...outer, ...(constants ?? [])]);
    const only = constants === undefined || more.length > 0 ? undefined : this.#value(value, depth + 1);
    this.#constants = outer;
    if (isMap(only)) return only;
    const keys = new Map<string, ForeignValue>();
    const lines = new Map<string, number>();
    for (const each of values.flatMap(objectsIn).flatMap(({ properties }) => properties as AnyNode[])) {
      const key = each.type === 'Property' ? nameOf(each, this.#text) : this.#code(each).text;
      keys.set(key, this.#code(each));
      lines.set(key, each.loc!.start.line);
    }
    this.#lines.set(keys, lines);
    return keys.size === 0 ? undefined : keys;
  }

  #header(node: AnyNode): Code {
    const name = headerReadBy(node);
    return this.#code(node, name === undefined ? undefined : { name });
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

  /** `process.env.NAME ?? 'default'`, and that of a header. */
  #fallback(node: AnyNode, depth: number): ForeignValue {
    const left = this.#value(asNode(node['left']), depth + 1);
    if (left instanceof Code && left.header !== undefined) return this.#headerOr(left.header, node, depth);
    const name = environmentName(memberPath(stripped(asNode(node['left']))));
    const otherwise = this.#value(asNode(node['right']), depth + 1);
    const isText =
      typeof otherwise === 'string' || typeof otherwise === 'number' || typeof otherwise === 'boolean';
    if (name === undefined || !isText || node['operator'] === '&&' || /[{}]/.test(String(otherwise)))
      return this.#code(node);
    return `\${${name}:-${otherwise}}`;
  }

  #headerOr({ name }: ReadHeader, node: AnyNode, depth: number): Code {
    const right = asNode(node['right']);
    const otherwise = this.#value(right, depth + 1);
    if (node['operator'] === '&&') return this.#code(node);
    if (otherwise === null || otherwise === '' || right['name'] === 'undefined')
      return this.#code(node, { name });
    const isText =
      typeof otherwise === 'string' || typeof otherwise === 'number' || typeof otherwise === 'boolean';
    return this.#code(node, isText ? { name, otherwise: String(otherwise) } : undefined);
  }

  /** `defineConfig({ … })`, and conversions that options do anyway. */
  #call(node: AnyNode, depth: number): ForeignValue {
    const [argument] = node['arguments'] as AnyNode[];
    const name = memberPath(asNode(node['callee']));
    if (name !== undefined && argument !== undefined && this.#names.factories.has(name)) {
      const value = new Map([[name, this.#value(argument, depth + 1)]]);
      this.#lines.set(value, new Map([[name, node.loc!.start.line]]));
      return value;
    }
    const isKnown = ['defineConfig', 'Number', 'String', 'parseInt', 'Number.parseInt', 'Boolean'].includes(
      name ?? '',
    );
    return isKnown && argument !== undefined ? this.#value(argument, depth + 1) : this.#header(node);
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
