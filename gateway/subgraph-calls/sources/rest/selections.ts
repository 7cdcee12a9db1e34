/** What an operation selects, by the types of a source. */
import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { SourceField, SourceType } from '../../../../schema/supergraph/sources/source-schema';
import type { ExactJson, ExactObject } from '../../../replay/exact-json';
import { valueOf } from './inputs';
import type { RestSource } from './rest-source';

/** A field of an object. */
export interface SelectedField {
  readonly key: string;
  /** Undefined for `__typename`, and for what the type lacks. */
  readonly field: SourceField | undefined;
  readonly node: FieldNode;
  readonly selection: Selection;
}

/** An operation with its variables. */
export interface Operation {
  readonly kind: OperationDefinitionNode['operation'];
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly variables: ExactObject;
  readonly set: SelectionSetNode;
}

/** Reads operations, each text once. */
export class Operations {
  readonly #read = new LRUCache<string, Omit<Operation, 'variables'> & { readonly defaults: ExactObject }>({
    max: 2_000,
  });

  of(text: string, given: ExactObject): Operation {
    let read = this.#read.get(text);
    if (read === undefined) {
      const { definitions } = parse(text, { noLocation: true });
      const [operation, ...fragments] = definitions as [OperationDefinitionNode, ...FragmentDefinitionNode[]];
      const { operation: kind, selectionSet: set, variableDefinitions = [] } = operation;
      const defaults: Record<string, ExactJson> = {};
      for (const { variable, defaultValue } of variableDefinitions)
        if (defaultValue !== undefined) defaults[variable.name.value] = valueOf(defaultValue, {})!;
      read = { kind, set, defaults, fragments: new Map(fragments.map((each) => [each.name.value, each])) };
      this.#read.set(text, read);
    }
    return { ...read, variables: { ...read.defaults, ...given } };
  }
}

/** What is selected of the objects at one position. */
export class Selection {
  readonly #source: RestSource;
  readonly #operation: Operation;
  readonly #sets: readonly SelectionSetNode[];
  readonly #fields = new Map<SourceType | undefined, readonly SelectedField[]>();

  constructor(source: RestSource, operation: Operation, sets: readonly SelectionSetNode[] = [operation.set]) {
    this.#source = source;
    this.#operation = operation;
    this.#sets = sets;
  }

  /** The fields of objects of a type, in their order. @param type undefined for what no source has: `_entities` */
  fieldsOf(type: SourceType | undefined): readonly SelectedField[] {
    let fields = this.#fields.get(type);
    if (fields === undefined) {
      const byKey = new Map<string, FieldNode[]>();
      for (const set of this.#sets) this.#add(set, type, byKey);
      fields = Array.from(byKey, ([key, nodes]) => {
        const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
        const selection = new Selection(this.#source, this.#operation, sets);
        return { key, selection, node: nodes[0]!, field: this.#fieldOf(type, nodes[0]!.name.value) };
      });
      this.#fields.set(type, fields);
    }
    return fields;
  }

  /** What is made of a summary's values may be declared at its entity. */
  #fieldOf(type: SourceType | undefined, name: string): SourceField | undefined {
    const { types } = this.#source.schema;
    return type && (type.fields.get(name) ?? types.get(type.graphName)?.fields.get(name));
  }

  #add({ selections }: SelectionSetNode, type: SourceType | undefined, to: Map<string, FieldNode[]>): void {
    for (const each of selections) {
      if (!this.#isIncluded(each.directives)) continue;
      if (each.kind === Kind.FIELD) {
        const key = each.alias?.value ?? each.name.value;
        to.set(key, [...(to.get(key) ?? []), each]);
        continue;
      }
      const fragment =
        each.kind === Kind.FRAGMENT_SPREAD ? this.#operation.fragments.get(each.name.value)! : each;
      const condition = fragment.typeCondition?.name.value;
      // Conditions have names of the graph.
      if (
        condition === undefined ||
        type?.name === condition ||
        this.#source.isOf(type?.graphName, condition)
      )
        this.#add(fragment.selectionSet, type, to);
    }
  }

  #isIncluded(directives: readonly DirectiveNode[] = []): boolean {
    return directives.every(({ name, arguments: [condition] = [] }) => {
      if (condition === undefined || (name.value !== 'include' && name.value !== 'skip')) return true;
      return (valueOf(condition.value, this.#operation.variables) === true) === (name.value === 'include');
    });
  }
}
