import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  isTypeDefinitionNode,
  isTypeExtensionNode,
  Kind,
  type Location,
  type NameNode,
  specifiedScalarTypes,
  type TypeDefinitionNode,
  type TypeExtensionNode,
  type TypeNode,
  visit,
} from 'graphql';
import { argumentsOf, listDepth, namedTypeOf, typeText } from '../../supergraph/sdl';
import type { ReportProblem } from '../../supergraph/sources/source-schema';
import { sourceWords } from './source-words';
import { suggestion } from './source-problem';

/**
 * Adds an overlay to a schema. The result has no extensions of types, and no definitions of directives of sources; its nodes
 * have their locations in the two texts: in the overlay what that names, too.
 */
export function withOverlay(
  schema: DocumentNode,
  overlay: DocumentNode = { kind: Kind.DOCUMENT, definitions: [] },
  report: ReportProblem = () => undefined,
): DocumentNode {
  const types = new Map<string, TypeDefinitionNode>();
  for (const node of schema.definitions)
    if (isType(node)) types.set(node.name.value, joined(types.get(node.name.value), node));
  new Overlay(types, overlay, report).add();
  const others = [...schema.definitions, ...overlay.definitions].filter(
    (node) => !isType(node) && !(node.kind === Kind.DIRECTIVE_DEFINITION && sourceWords.has(node.name.value)),
  );
  return { kind: Kind.DOCUMENT, definitions: [...others, ...types.values()] };
}

type TypeNodes = TypeDefinitionNode | TypeExtensionNode;

const isType = (node: DefinitionNode): node is TypeNodes =>
  isTypeDefinitionNode(node) || isTypeExtensionNode(node);

const kindOf = ({ kind }: TypeNodes): string => kind.replace(/Type(Definition|Extension)$/, '').toLowerCase();

/** A type with one more of its definitions and extensions. */
function joined(before: TypeDefinitionNode | undefined, node: TypeNodes): TypeDefinitionNode {
  const all: Record<string, unknown> = { ...node, kind: node.kind.replace('Extension', 'Definition') };
  if (before !== undefined && kindOf(before) === kindOf(node))
    for (const [part, value] of Object.entries(before))
      if (!Array.isArray(value)) all[part] = value;
      else all[part] = [...(value as object[]), ...((all[part] ?? []) as object[])];
  return all as unknown as TypeDefinitionNode;
}

/** A type, or what stands in one: a field, an argument, a value. */
interface Element {
  readonly loc?: Location | undefined;
  readonly kind: Kind;
  readonly name: NameNode;
  readonly type?: TypeNode;
  readonly directives?: readonly ConstDirectiveNode[] | undefined;
  readonly fields?: readonly Element[] | undefined;
  readonly arguments?: readonly Element[] | undefined;
  readonly values?: readonly Element[] | undefined;
}

const parts = ['fields', 'arguments', 'values'] as const;

class Overlay {
  /** The types that the overlay links to. */
  readonly #linked = new Set<string>();

  constructor(
    readonly types: Map<string, TypeDefinitionNode>,
    readonly overlay: DocumentNode,
    readonly report: ReportProblem,
  ) {
    visit(overlay, {
      NamedType: ({ name }) => void this.#linked.add(name.value),
      Directive: (use) => {
        const { value: name } = use.name;
        if (name === 'shape') this.#linked.add(String(argumentsOf(use)['of']));
        if (name === 'http' || name === 'json' || name === 'variants')
          report(`@${name} is written by Weir, of a document: an overlay must not have it.`, use);
      },
    });
  }

  /** Adds the types of the overlay. */
  add(): void {
    for (const node of this.overlay.definitions)
      if (isType(node)) this.types.set(node.name.value, this.#type(node));
  }

  #type(node: TypeNodes): TypeDefinitionNode {
    const { value: name } = node.name;
    const before = this.types.get(name);
    if (before === undefined) {
      const calls = ((node as Element).fields ?? []).some(isNew);
      const isObject = node.kind === Kind.OBJECT_TYPE_DEFINITION;
      if (!isObject || !(calls || this.#linked.has(name)))
        this.report(`The schema has no type \`${name}\`.${suggestion(name, this.types.keys())}`, node.name);
      return joined(undefined, node);
    }
    if (kindOf(before) === kindOf(node)) return this.#merged(before, node, '');
    this.report(`\`${name}\` is of another kind in the schema: ${kindOf(before)}.`, node.name);
    return before;
  }

  /** An element of the schema with what the overlay has of it. */
  #merged<Node extends Element>(before: Node, over: Element, prefix: string): Node {
    const path = `${prefix}${before.name.value}`;
    const merged: Record<string, unknown> = {
      ...(before as object),
      name: over.name,
      ...(over.loc && { loc: over.loc }),
      directives: [...(before.directives ?? []), ...(over.directives ?? [])],
    };
    if (before.type !== undefined && over.type !== undefined)
      merged['type'] = this.#replaced(before, before.type, over.type, path);
    for (const part of parts) {
      if (over[part] === undefined) continue;
      const all = new Map((before[part] ?? []).map((each) => [each.name.value, each]));
      for (const each of over[part]) {
        const { value: name } = each.name;
        const known = all.get(name);
        if (known !== undefined) all.set(name, this.#merged(known, each, `${path}.`));
        else if (isNew(each)) all.set(name, each);
        else
          this.report(
            `\`${path}\` has no \`${name}\` in the schema.${suggestion(name, all.keys())}`,
            each.name,
          );
      }
      merged[part] = [...all.values()];
    }
    return merged as unknown as Node;
  }

  /** The type that the overlay gives a field: another scalar, or another nullability. */
  #replaced({ kind }: Element, before: TypeNode, over: TypeNode, path: string): TypeNode {
    const [from, to] = [typeText(before), typeText(over)];
    if (from === to) return over;
    const areLeaves = this.#isLeaf(before) && this.#isLeaf(over);
    if (kind !== Kind.FIELD_DEFINITION)
      this.report(
        `\`${path}\` is \`${from}\` in the schema, and the source needs such a value: an overlay must not change it to \`${to}\`.`,
        over,
      );
    else if (
      listDepth(before) === listDepth(over) &&
      (namedTypeOf(before) === namedTypeOf(over) || areLeaves)
    )
      return over;
    else this.report(`\`${path}\` is \`${from}\` in the schema: it cannot be \`${to}\`.`, over);
    return before;
  }

  #isLeaf(type: TypeNode): boolean {
    const name = namedTypeOf(type);
    const kind = this.types.get(name)?.kind;
    const isSpecified = specifiedScalarTypes.some((scalar) => scalar.name === name);
    return isSpecified || kind === Kind.SCALAR_TYPE_DEFINITION || kind === Kind.ENUM_TYPE_DEFINITION;
  }
}

/** Whether an overlay may add a field: no such field is at the source. */
const isNew = ({ directives = [] }: Element): boolean =>
  directives.some(({ name }) => name.value === 'from' || name.value === 'derive');
