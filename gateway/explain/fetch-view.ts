/** A fetch of a plan, with what the supergraph has about its fields. */
import { type DocumentNode, type FieldNode, Kind, parse, type SelectionSetNode } from 'graphql';
import { type OrderedFetch } from '../execution/compile/order';
import { pathSteps } from '../execution/compile/paths';
import { type RequiredSelection } from '../execution/compile/plan';
import { type Selection } from '../planning/selections';
import { type IndexedType, isOfType, knownAs, type SupergraphIndex } from '../planning/supergraph-index';

/** What a fetch selects of objects of one type. */
interface FetchPart {
  readonly type: string;
  /** As what the subgraph knows the objects. */
  readonly as: IndexedType;
  /** Undefined at a root type. */
  readonly key: string | undefined;
  readonly fields: readonly string[];
}

export class FetchView {
  /** Its number in the index. */
  readonly subgraph: number;
  readonly parts: readonly FetchPart[];
  /** The response keys of its objects. */
  readonly path: readonly string[];
  readonly #index: SupergraphIndex;
  readonly #document: DocumentNode;
  readonly #selection: SelectionSetNode;
  readonly #requires: readonly RequiredSelection[];

  constructor({ node, path }: OrderedFetch, index: SupergraphIndex) {
    this.#index = index;
    this.subgraph = index.subgraphs.findIndex(({ name }) => name === node.serviceName);
    this.path = pathSteps(path).steps.map(({ key }) => key);
    this.#document = parse(node.operation, { noLocation: true });
    this.#requires = node.requires ?? [];
    const whole = operationOf(this.#document);
    const isRoot = node.requires === undefined;
    this.#selection = isRoot ? whole : (whole.selections[0] as FieldNode).selectionSet!;
    const root = index.roots[path.length > 0 ? 'query' : (node.operationKind as 'query')];
    const types = isRoot ? [root] : this.#requires.map(typeOf);
    this.parts = types.flatMap((name) => this.#partOf(name, isRoot));
  }

  get isOfRoot(): boolean {
    return this.#requires.length === 0;
  }

  /** Its fields with `@requires`, and what they require. */
  requires(): { field: string; fields: string }[] {
    return this.parts.flatMap(({ as, fields, type }) =>
      fields.flatMap((field) => {
        const required = as.fields.get(field)?.joins.get(this.subgraph)?.requires;
        return required === undefined ? [] : [{ field: `${type}.${field}`, fields: textOf(required) }];
      }),
    );
  }

  /** Its fields that no other subgraph resolves. */
  only(): string[] {
    return this.parts.flatMap(({ as, fields, type }) =>
      fields.filter((field) => this.#isOnly(as, field)).map((field) => `${type}.${field}`),
    );
  }

  /** The fields of this fetch of which a later one sends the values. */
  neededBy(later: FetchView): string[] {
    if (later.#requires.length === 0 || this.path.some((key, i) => later.path[i] !== key)) return [];
    let sets = [this.#selection];
    for (const key of later.path.slice(this.path.length))
      sets = sets.flatMap((set) =>
        this.#fieldsIn(set).flatMap((field) =>
          nameOf(field) === key && field.selectionSet !== undefined ? [field.selectionSet] : [],
        ),
      );
    const selected = new Set(sets.flatMap((set) => this.#fieldsIn(set).map(nameOf)));
    const needed = later.#requires.flatMap((part) => namesIn(part.selections ?? []));
    return [...new Set(needed)].filter((name) => name !== '__typename' && selected.has(name));
  }

  #partOf(name: string, isRoot: boolean): FetchPart[] {
    const type = this.#index.types.get(name);
    const as = type && knownAs(this.#index, type).get(this.subgraph);
    if (as === undefined) return [];
    const isOfIt = (on: string): boolean =>
      on === as.name || isOfType(this.#index, name, on) || isOfType(this.#index, on, name);
    const fields = this.#fieldsIn(this.#selection, isOfIt).map((field) => field.name.value);
    const given = this.#requires
      .filter((part) => typeOf(part) === name)
      .flatMap((part) => part.selections ?? []);
    const keys = isRoot ? [] : (as.joins.get(this.subgraph)?.keys ?? []);
    const key = keys.find(({ isResolvable, selection }) => isResolvable && isIn(selection, given))?.text;
    return [{ type: name, as, key, fields: [...new Set(fields)].filter((field) => field !== '__typename') }];
  }

  #isOnly(as: IndexedType, field: string): boolean {
    for (const [subgraph, join] of as.fields.get(field)?.joins ?? [])
      if (
        subgraph !== this.subgraph &&
        join.overridden !== true &&
        (!join.isExternal || as.joins.get(subgraph)?.keyFields.has(field) === true)
      )
        return false;
    return true;
  }

  #fieldsIn({ selections }: SelectionSetNode, isOfIt: (on: string) => boolean = () => true): FieldNode[] {
    return selections.flatMap((node) => {
      if (node.kind === Kind.FIELD) return [node];
      const fragment =
        node.kind === Kind.INLINE_FRAGMENT ? node : fragmentOf(this.#document, node.name.value);
      const on = fragment.typeCondition?.name.value;
      return on === undefined || isOfIt(on) ? this.#fieldsIn(fragment.selectionSet, isOfIt) : [];
    });
  }
}

function operationOf({ definitions }: DocumentNode): SelectionSetNode {
  for (const node of definitions) if (node.kind === Kind.OPERATION_DEFINITION) return node.selectionSet;
  throw new Error('A fetch without an operation');
}

function fragmentOf({ definitions }: DocumentNode, name: string) {
  for (const node of definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION && node.name.value === name) return node;
  throw new Error(`A fetch without its fragment ${name}`);
}

const nameOf = ({ alias, name }: FieldNode): string => (alias ?? name).value;

const typeOf = (part: RequiredSelection): string =>
  part.kind === 'InlineFragment' ? (part.typeCondition ?? '') : '';

const namesIn = (selections: readonly RequiredSelection[]): string[] =>
  selections.flatMap((one) => (one.kind === 'Field' ? [one.alias ?? one.name] : namesIn(one.selections)));

/** Whether representations with these fields have all of a field set. */
const isIn = (fieldSet: Selection, given: readonly RequiredSelection[]): boolean =>
  fieldSet.every((item) =>
    item.kind === 'fragment'
      ? isIn(
          item.selection,
          given.flatMap((one) => (one.kind === 'Field' ? [one] : one.selections)),
        )
      : item.name === '__typename' ||
        given.some(
          (one) =>
            one.kind === 'Field' &&
            one.name === item.name &&
            isIn(item.selection ?? [], one.selections ?? []),
        ),
  );

function textOf(fieldSet: Selection): string {
  return fieldSet
    .map((item) => {
      const head = item.kind === 'field' ? item.name : `... on ${item.on ?? ''}`;
      return item.selection === undefined ? head : `${head} { ${textOf(item.selection)} }`;
    })
    .join(' ');
}
