import { Supergraph } from '@apollo/federation-internals';
import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  Kind,
  parse,
  parseConstValue,
  print,
} from 'graphql';
import { Features } from '../supergraph/features';
import { sourcesOf } from '../supergraph/sources/sources-of';
import type { SubgraphSchema } from './compose';

/**
 * The schemas of the subgraphs of a supergraph, as far as it holds them, for composition with others. Those of sources it holds as they
 * are, without descriptions. What only a subgraph
 * knows is lost: directives that are not composed, and which fields are `@shareable`. All of them are, so that a subgraph
 * composes that shares one.
 *
 * @param file the path or URL of the supergraph, for the locations of problems
 * @throws if the text is no supergraph
 */
export function recoverSubgraphs(supergraphSdl: string, file: string): SubgraphSchema[] {
  const supergraph = Supergraph.build(supergraphSdl, { supportedFeatures: null, validateSupergraph: false });
  const graphs = supergraph.subgraphNameToGraphEnumValue();
  const document = parse(supergraphSdl, { noLocation: true });
  const whole = new WholeGraph(document);
  const sources = sourcesOf(document);
  return [...supergraph.subgraphs()].map((subgraph) => {
    const { name, url } = subgraph;
    const source = sources.get(name);
    if (source !== undefined)
      return { name, routingUrl: url, sdl: `${source.schema}\n`, file: `${file}#${name}` };
    const extracted = parse(subgraph.toString(), { noLocation: true });
    const definitions = extracted.definitions.map((node) => whole.complete(node, graphs.get(name)!));
    const recovered = { ...extracted, definitions } as DocumentNode;
    return { name, routingUrl: url, sdl: `${print(recovered)}\n`, file: `${file}#${name}` };
  });
}

/** A definition, or what stands in one: a field, an argument, a value. */
interface Element {
  readonly kind: Kind;
  readonly name?: { readonly value: string };
  readonly description?: object | undefined;
  readonly directives?: readonly ConstDirectiveNode[] | undefined;
  readonly fields?: readonly Element[] | undefined;
  readonly arguments?: readonly Element[] | undefined;
  readonly values?: readonly Element[] | undefined;
}

/** The supergraph, which has more of an element than what is extracted for planners. */
class WholeGraph {
  readonly #elements = new Map<string, Element>();
  /** The names that directives of its features have in the supergraph, by their own names. */
  readonly #names: ReadonlyMap<string, string>;
  readonly #copied: ReadonlySet<string>;

  constructor(document: DocumentNode) {
    const features = new Features(document);
    const named = [...copied, ...extracted].flatMap((name) => {
      const own = features.directiveOf(name === 'listSize' ? 'cost' : name, name);
      return own === undefined ? [] : [[name, own] as const];
    });
    this.#names = new Map(named);
    this.#copied = new Set([...copied.flatMap((name) => this.#names.get(name) ?? []), ...standard]);
    for (const definition of document.definitions) this.#add(definition as Element, '');
  }

  /** A definition as the subgraph may have written it. */
  complete(definition: DefinitionNode, graph: string): DefinitionNode {
    // Root types have their usual names, and those without fields are not there.
    if (definition.kind === Kind.SCHEMA_DEFINITION) {
      const directives = (definition.directives ?? []).map((link) => this.#withImports(link));
      return { ...definition, kind: Kind.SCHEMA_EXTENSION, operationTypes: [], directives };
    }
    return definition.kind.endsWith('TypeDefinition')
      ? (this.#complete(definition as Element, '', graph) as DefinitionNode)
      : definition;
  }

  #add(element: Element, prefix: string): void {
    const path = `${prefix}${element.name?.value}`;
    this.#elements.set(path, element);
    for (const part of partsOf(element)) this.#add(part, `${path}.`);
  }

  #complete(element: Element, prefix: string, graph: string): Element {
    const path = `${prefix}${element.name?.value}`;
    const known = this.#elements.get(path);
    const inner = (parts: readonly Element[] | undefined) =>
      parts?.map((part) => this.#complete(part, `${path}.`, graph));
    const directives = (element.directives ?? []).map((use) => this.#renamed(use));
    const described = {
      ...element,
      description: known?.description,
      ...(element.arguments && { arguments: inner(element.arguments) }),
      ...(element.values && { values: inner(element.values) }),
    };
    // Nothing more may stand there.
    if (directives.some(({ name }) => name.value === 'external'))
      return { ...element, description: known?.description };
    const isShared = element.kind === Kind.OBJECT_TYPE_DEFINITION && path !== 'Subscription';
    const fields = inner(element.fields)?.map((field) => (isShared ? shared(field) : field));
    return {
      ...described,
      ...(fields && { fields }),
      directives: [...directives, ...(known?.directives ?? []).flatMap((use) => this.#own(use, graph))],
    };
  }

  /** A link to Federation that imports the directives under their names in the supergraph: all subgraphs use the same. */
  #withImports(link: ConstDirectiveNode): ConstDirectiveNode {
    const imports = link.arguments?.find(
      ({ name, value }) => name.value === 'import' && value.kind === Kind.LIST,
    );
    if (imports?.value.kind !== Kind.LIST) return link;
    const others = imports.value.values.filter(
      (each) => each.kind !== Kind.STRING || !copied.includes(each.value.slice(1)),
    );
    const named = Array.from(this.#names, ([name, as]) =>
      parseConstValue(name === as ? `"@${name}"` : `{ name: "@${name}", as: "@${as}" }`, {
        noLocation: true,
      }),
    );
    const value = { ...imports.value, values: [...others, ...named] };
    return {
      ...link,
      arguments: link.arguments!.map((each) => (each === imports ? { ...imports, value } : each)),
    };
  }

  #renamed(use: ConstDirectiveNode): ConstDirectiveNode {
    const value = this.#names.get(unprefixed(use.name.value));
    return value === undefined ? use : { ...use, name: { ...use.name, value } };
  }

  /** A use of a directive in the supergraph as one in the subgraph. */
  #own(use: ConstDirectiveNode, graph: string): ConstDirectiveNode[] {
    if (this.#copied.has(use.name.value)) return [use];
    if (use.name.value !== 'join__directive') return [];
    const {
      graphs,
      name: joined,
      args,
    } = Object.fromEntries((use.arguments ?? []).map((each) => [each.name.value, each.value]));
    const isOwn =
      graphs?.kind === Kind.LIST &&
      graphs.values.some((each) => each.kind === Kind.ENUM && each.value === graph);
    if (!isOwn || joined?.kind !== Kind.STRING) return [];
    const fields = args?.kind === Kind.OBJECT ? args.fields : [];
    const given = fields.map(({ name: field, value }) => ({
      kind: Kind.ARGUMENT as const,
      name: field,
      value,
    }));
    return [{ kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: joined.value }, arguments: given }];
  }
}

const partsOf = ({ fields = [], arguments: args = [], values = [] }: Element): Element[] => [
  ...fields,
  ...args,
  ...values,
];

function shared(field: Element): Element {
  const { directives = [] } = field;
  if (directives.some(({ name }) => name.value === 'shareable' || name.value === 'external')) return field;
  const shareable: ConstDirectiveNode = {
    kind: Kind.DIRECTIVE,
    name: { kind: Kind.NAME, value: 'shareable' },
  };
  return { ...field, directives: [...directives, shareable] };
}

/** Directives of features that are copied, and those that are extracted. */
const copied = ['tag', 'inaccessible', 'authenticated', 'requiresScopes', 'policy'];
const extracted = ['context', 'cost', 'listSize'];
const standard = ['deprecated', 'specifiedBy', 'oneOf'];

const unprefixed = (name: string): string => name.replace(/^federation__/, '');
