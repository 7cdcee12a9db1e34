/**
 * Gives each field that a `@requires` selects with arguments a name of its own while operations are planned.
 *
 * The planner identifies a required field only by its response name. So `price(currency: EUR)` for one field,
 * `price(currency: USD)` for another and the client's `price` become one selection, and the first one wins. In the
 * planner's supergraph, a requirement of `price(currency: EUR)` is replaced by a field `price__1` without arguments. In
 * plans, this becomes `price__1: price(currency: EUR)`, and `price` again in representations. A fetch of fields that
 * require the same field with different arguments is split.
 *
 * Upstream: https://github.com/apollographql/federation/issues/2276 and https://github.com/apollographql/federation/issues/2996.
 *
 * Over 300 lines: renaming before planning and restoring after it belong together.
 */
import {
  type ConstDirectiveNode,
  type ConstArgumentNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type FieldNode,
  type InterfaceTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  stripIgnoredCharacters,
  type TypeNode,
  visit,
} from 'graphql';
import {
  type FetchNode,
  type PlanNode,
  type QueryPlan,
  type RequiredSelection,
  type Rewrite,
} from '../../execution/compile/plan';
import { mapFetches, withCondition } from './map-fetches';

export interface RequiredArguments {
  /** The supergraph to plan with. */
  readonly supergraph: DocumentNode;
  readonly mend: (plan: QueryPlan) => QueryPlan;
}

/** Undefined if no field is required with arguments. */
export function requiredArguments(supergraph: DocumentNode): RequiredArguments | undefined {
  const standIns = new StandIns(supergraph);
  const planned = standIns.supergraph();
  return standIns.isEmpty
    ? undefined
    : { supergraph: planned, mend: (plan) => mapFetches(plan, (node) => standIns.mendFetch(node)) };
}

type ComposedType = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode;

/** A field that stands for another one with arguments. */
interface StandIn {
  readonly name: string;
  readonly field: string;
  readonly arguments: FieldNode['arguments'];
}

class StandIns {
  readonly #supergraph: DocumentNode;
  readonly #types = new Map<string, ComposedType>();
  readonly #subgraphNames = new Map<string, string>();
  readonly #byName = new Map<string, StandIn>();
  /** The stand-ins by type and field with arguments. */
  readonly #bySelection = new Map<string, StandIn>();
  /** By subgraph, type and field: the names of the top-level fields that the field requires. */
  readonly #required = new Map<string, ReadonlySet<string>>();
  readonly #additions = new Map<string, StandIn[]>();
  readonly #fieldNames = new Set<string>();

  constructor(supergraph: DocumentNode) {
    this.#supergraph = supergraph;
    for (const node of supergraph.definitions) {
      if (isComposedType(node)) {
        this.#types.set(node.name.value, node);
        for (const field of node.fields ?? []) this.#fieldNames.add(field.name.value);
      }
      if (node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph')
        for (const { name, directives = [] } of node.values ?? []) {
          const subgraph = stringArgument(directives[0], 'name');
          if (subgraph !== undefined) this.#subgraphNames.set(name.value, subgraph);
        }
    }
  }

  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  supergraph(): DocumentNode {
    const withRequirements = visit(this.#supergraph, {
      enter: (node) => (isComposedType(node) ? this.#renameRequirements(node) : undefined),
    });
    if (this.isEmpty) return this.#supergraph;
    return visit(withRequirements, {
      enter: (node) => {
        if (!isComposedType(node)) return undefined;
        const added = (this.#additions.get(node.name.value) ?? []).flatMap((standIn) => {
          const original = node.fields?.find((field) => field.name.value === standIn.field);
          return original
            ? [{ ...original, name: { kind: Kind.NAME as const, value: standIn.name }, arguments: [] }]
            : [];
        });
        return { ...node, fields: [...(node.fields ?? []), ...added] };
      },
    });
  }

  mendFetch(node: FetchNode): PlanNode {
    const requires = node.requires;
    if (!requires) return { ...node, operation: this.#restoreOperation(node.operation) };
    const parts = this.#withoutCollisions(node);
    const fetches = parts.map((part): FetchNode => {
      const rewrites: Rewrite[] = [];
      this.#restoreRequires(part.requires!, [], rewrites);
      return {
        ...part,
        operation: this.#restoreOperation(part.operation),
        // These come first, as the first matching rewrite is applied, and a client may use the stand-in's name as an
        // alias.
        inputRewrites: [...rewrites, ...(part.inputRewrites ?? [])],
      };
    });
    return fetches.length === 1 ? fetches[0]! : { kind: 'Parallel', nodes: fetches };
  }

  #renameRequirements(type: ComposedType): ComposedType {
    const fields = type.fields?.map((field) => ({
      ...field,
      directives: field.directives?.map((directive) => this.#renameRequirement(type, field, directive)) ?? [],
    }));
    return fields ? { ...type, fields } : type;
  }

  #renameRequirement(
    type: ComposedType,
    field: FieldDefinitionNode,
    directive: ConstDirectiveNode,
  ): ConstDirectiveNode {
    const requires =
      directive.name.value === 'join__field' ? stringArgument(directive, 'requires') : undefined;
    if (requires === undefined) return directive;
    const renamed = this.#renameSelections(selectionSetOf(requires), type.name.value);
    const graph = directive.arguments!.find((argument) => argument.name.value === 'graph')!.value;
    const subgraph = graph.kind === Kind.ENUM ? this.#subgraphNames.get(graph.value)! : '';
    const names = renamed.selections.flatMap((selection) =>
      selection.kind === Kind.FIELD ? [selection.name.value] : [],
    );
    this.#required.set(`${subgraph} ${type.name.value}.${field.name.value}`, new Set(names));
    const text = print(renamed).slice(1, -1);
    return {
      ...directive,
      arguments: directive.arguments!.map((argument): ConstArgumentNode =>
        argument.name.value === 'requires'
          ? { ...argument, value: { kind: Kind.STRING, value: text } }
          : argument,
      ),
    };
  }

  #renameSelections(node: SelectionSetNode, type: string): SelectionSetNode {
    const selections = node.selections.map((selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return selection;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value ?? type;
        return { ...selection, selectionSet: this.#renameSelections(selection.selectionSet, condition) };
      }
      const definition = this.#types
        .get(type)
        ?.fields?.find((field) => field.name.value === selection.name.value);
      const below =
        selection.selectionSet && definition
          ? { selectionSet: this.#renameSelections(selection.selectionSet, namedType(definition.type)) }
          : {};
      if ((selection.arguments ?? []).length === 0) return { ...selection, ...below };
      const { name } = this.#standIn(type, selection);
      return { ...selection, ...below, name: { kind: Kind.NAME as const, value: name }, arguments: [] };
    });
    return { ...node, selections };
  }

  #standIn(type: string, selection: FieldNode): StandIn {
    const field = selection.name.value;
    const args = [...selection.arguments!].sort((a, b) => (a.name.value < b.name.value ? -1 : 1));
    // An interface and its object types share the name.
    const key = `${field}(${args.map(print).join()})`;
    let standIn = this.#bySelection.get(key);
    if (!standIn) {
      standIn = { name: this.#freeName(field), field, arguments: args };
      this.#bySelection.set(key, standIn);
      this.#byName.set(standIn.name, standIn);
    }
    for (const [name, one] of this.#types) {
      if (name !== type && !one.interfaces?.some((implemented) => implemented.name.value === type)) continue;
      const added = this.#additions.get(name) ?? [];
      if (!added.includes(standIn)) this.#additions.set(name, [...added, standIn]);
    }
    return standIn;
  }

  #freeName(field: string): string {
    let name = `${field}__${this.#byName.size + 1}`;
    while (this.#fieldNames.has(name)) name += '_';
    return name;
  }

  #restoreOperation(operation: string): string {
    if (![...this.#byName.keys()].some((name) => operation.includes(name))) return operation;
    const document = visit(parse(operation, { noLocation: true }), {
      Field: (node): FieldNode | undefined => {
        const standIn = this.#byName.get(node.name.value);
        return (
          standIn && {
            ...node,
            alias: node.alias ?? node.name,
            name: { kind: Kind.NAME, value: standIn.field },
            arguments: standIn.arguments ?? [],
          }
        );
      },
    });
    return stripIgnoredCharacters(print(document));
  }

  #restoreRequires(
    selections: readonly RequiredSelection[],
    path: readonly string[],
    rewrites: Rewrite[],
  ): void {
    for (const selection of selections) {
      if (selection.kind === 'InlineFragment') {
        const { typeCondition } = selection;
        this.#restoreRequires(selection.selections, withCondition(path, typeCondition), rewrites);
        continue;
      }
      const name = selection.alias ?? selection.name;
      if (selection.selections) this.#restoreRequires(selection.selections, [...path, name], rewrites);
      const standIn = this.#byName.get(selection.name);
      if (standIn) rewrites.push({ kind: 'KeyRenamer', path: [...path, name], renameKeyTo: standIn.field });
    }
  }

  /** Splits a fetch whose representations would need the same field twice. */
  #withoutCollisions(node: FetchNode): FetchNode[] {
    const names = new Set(fieldNames(node.requires!));
    const collides = (some: Iterable<string>): boolean => {
      const fields = [...some].map((name) => this.#byName.get(name)?.field ?? name);
      return new Set(fields).size < fields.length;
    };
    if (!collides(names)) return [node];
    const operation = parse(node.operation, { noLocation: true }).definitions[0] as OperationDefinitionNode;
    // Groups of fields whose required names do not collide.
    const groups: Set<string>[] = [];
    const groupOf = new Map<string, number>();
    for (const coordinate of entityFields(operation)) {
      const needed = [...(this.#required.get(`${node.serviceName} ${coordinate}`) ?? [])];
      let group = groups.findIndex((one) => !collides(new Set([...one, ...needed])));
      if (group < 0) group = groups.push(new Set()) - 1;
      for (const name of needed) groups[group]!.add(name);
      groupOf.set(coordinate, group);
    }
    const wanted = new Set(groups.flatMap((group) => [...group]));
    return groups.map((group, i) => ({
      ...node,
      operation: stripIgnoredCharacters(
        print(onlyFields(operation, (type, name) => groupOf.get(`${type}.${name}`) === i)),
      ),
      requires: withoutFields(node.requires!, (name) => wanted.has(name) && !group.has(name)),
    }));
  }
}

/** Coordinates of the top-level fields that a fetch selects of entities. */
function entityFields(operation: OperationDefinitionNode): string[] {
  const fields = ({ selections }: SelectionSetNode, type: string): string[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [`${type}.${selection.name.value}`];
      if (selection.kind === Kind.FRAGMENT_SPREAD) return [];
      return fields(selection.selectionSet, type === '' ? (selection.typeCondition?.name.value ?? '') : type);
    });
  return fields(entitiesOf(operation).selectionSet!, '');
}

const entitiesOf = (operation: OperationDefinitionNode): FieldNode =>
  operation.selectionSet.selections[0] as FieldNode;

/** The operation with only these fields of its entities. */
function onlyFields(
  operation: OperationDefinitionNode,
  has: (type: string, field: string) => boolean,
): OperationDefinitionNode {
  const only = (node: SelectionSetNode, type: string): SelectionSetNode => ({
    ...node,
    selections: node.selections.flatMap((selection): SelectionNode[] => {
      if (selection.kind === Kind.FIELD) return has(type, selection.name.value) ? [selection] : [];
      if (selection.kind === Kind.FRAGMENT_SPREAD) return [];
      const selectionSet = only(
        selection.selectionSet,
        type === '' ? (selection.typeCondition?.name.value ?? '') : type,
      );
      return selectionSet.selections.length > 0 ? [{ ...selection, selectionSet }] : [];
    }),
  });
  const { selectionSet } = operation;
  const entities = entitiesOf(operation);
  return {
    ...operation,
    selectionSet: {
      ...selectionSet,
      selections: [{ ...entities, selectionSet: only(entities.selectionSet!, '') }],
    },
  };
}

const fieldNames = (selections: readonly RequiredSelection[]): string[] =>
  selections.flatMap((selection) =>
    selection.kind === 'Field' ? [selection.name] : fieldNames(selection.selections),
  );

const withoutFields = (
  selections: readonly RequiredSelection[],
  isLeftOut: (name: string) => boolean,
): RequiredSelection[] =>
  selections.flatMap((selection): RequiredSelection[] => {
    if (selection.kind === 'Field') return isLeftOut(selection.name) ? [] : [selection];
    return [{ ...selection, selections: withoutFields(selection.selections, isLeftOut) }];
  });

const isComposedType = (node: { readonly kind: Kind }): node is ComposedType =>
  node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.INTERFACE_TYPE_DEFINITION;

const namedType = (type: TypeNode): string =>
  type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);

function selectionSetOf(text: string): SelectionSetNode {
  const definition = parse(`{${text}}`, { noLocation: true }).definitions[0]!;
  if (definition.kind !== Kind.OPERATION_DEFINITION) throw new Error(`Not a selection of fields: ${text}`);
  return definition.selectionSet;
}

function stringArgument(directive: ConstDirectiveNode | undefined, name: string): string | undefined {
  const value = directive?.arguments?.find((argument) => argument.name.value === name)?.value;
  return value?.kind === Kind.STRING ? value.value : undefined;
}
