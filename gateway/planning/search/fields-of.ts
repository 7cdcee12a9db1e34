/** What a selection selects of objects of a type. */
import { type StepCount } from '../budget';
import { mapIn, remembered } from '../maps';
import {
  allOf,
  type Conditions,
  conditionsKey,
  contradicts,
  type SelectedField,
  type SelectedFragment,
  type Selection,
  type SelectionItem,
  unconditional,
} from '../selections';
import { type ContextArgument, type IndexedType, isOfType, type SupergraphIndex } from '../supergraph-index';

/** A selection on an interface or union. */
export interface AbstractView {
  readonly common: readonly SelectedField[];
  /** The fragments for objects of some types. */
  readonly typed: readonly SelectedFragment[];
  /** The object types that left-over fragments name. */
  readonly leftovers: ReadonlySet<string>;
}

/** Of a selection with fragments for some types. */
interface FieldsOfTypes {
  readonly typeConditions: readonly string[];
  readonly byType: Map<string, readonly SelectedField[]>;
  /** By those of these types that an object has. */
  readonly byConditions: Map<string, readonly SelectedField[]>;
}

/** By selection of a fragment, the conditions under which it was read. */
type ReadConditions = Map<Selection, Set<string>>;

/** A list of items, found by them one after another. */
interface ListNode {
  readonly next: Map<SelectionItem, ListNode>;
  selection: Selection | undefined;
}

/** Flattens selections; keeps what it has flattened. */
export class SelectionFlattener {
  readonly #index: SupergraphIndex;
  readonly #steps: StepCount;
  readonly #ofAllTypes = new Map<Selection, readonly SelectedField[]>();
  readonly #ofTypes = new Map<Selection, FieldsOfTypes>();
  readonly #views = new Map<Selection, Map<string, AbstractView>>();
  readonly #merged = new Map<Selection, Map<Selection, Selection>>();
  readonly #conditional = new Map<SelectedField, Map<string, SelectedField>>();
  readonly #replaced = new Map<SelectedField, Map<Selection, SelectedField>>();
  readonly #contexts = new Map<Selection, readonly ContextArgument[]>();
  readonly #lists: ListNode = { next: new Map(), selection: [] };

  constructor(index: SupergraphIndex, steps: StepCount) {
    this.#index = index;
    this.#steps = steps;
  }

  /** The fields that are selected of an object of a type; equal ones are merged. */
  fieldsOf(selection: Selection, type: string): readonly SelectedField[] {
    let fields = this.#ofAllTypes.get(selection);
    if (fields !== undefined) return fields;
    let known = this.#ofTypes.get(selection);
    if (known === undefined) {
      const typeConditions = typeConditionsIn(selection);
      if (typeConditions.length === 0) {
        this.#ofAllTypes.set(selection, (fields = this.#flatten(selection, type)));
        return fields;
      }
      this.#ofTypes.set(selection, (known = { typeConditions, byType: new Map(), byConditions: new Map() }));
    }
    // Of types that the same fragments are for they are the same.
    const { byConditions, byType, typeConditions } = known;
    return remembered(byType, type, () => {
      const met = typeConditions.filter((on) => isOfType(this.#index, type, on)).join();
      return remembered(byConditions, met, () => this.#flatten(selection, type));
    });
  }

  viewOf(selection: Selection, type: IndexedType): AbstractView {
    return remembered(mapIn(this.#views, selection), type.name, () => this.#view(selection, type));
  }

  /** The arguments from a context (`@fromContext`) within a selection. */
  contextArgumentsIn(selection: Selection): readonly ContextArgument[] {
    const { contextual } = this.#index;
    if (contextual.size === 0) return [];
    return remembered(this.#contexts, selection, () => {
      const all = selection.flatMap((item) => [
        ...((item.kind === 'field' && contextual.get(item.name)) || []),
        ...(item.selection === undefined ? [] : this.contextArgumentsIn(item.selection)),
      ]);
      return [...new Set(all)];
    });
  }

  merge(one: Selection, other: Selection): Selection {
    if (one === other || other.length === 0) return one;
    if (one.length === 0) return other;
    return remembered(mapIn(this.#merged, one), other, () => {
      this.#steps.take(one.length >> 5);
      return [...one, ...other];
    });
  }

  /** These items as a selection: the same items in the same order are one, so that what was solved is found again. */
  listOf(items: readonly SelectionItem[]): Selection {
    let node = this.#lists;
    for (const item of items)
      node = remembered(node.next, item, () => ({ next: new Map(), selection: undefined }));
    return (node.selection ??= items);
  }

  withSelection(field: SelectedField, selection: Selection): SelectedField {
    return remembered(mapIn(this.#replaced, field), selection, () => ({ ...field, selection }));
  }

  under(field: SelectedField, when: Conditions): SelectedField {
    if (when.length === 0 || when === field.when) return field;
    return remembered(mapIn(this.#conditional, field), conditionsKey(when), () => ({ ...field, when }));
  }

  #flatten(selection: Selection, type: string): readonly SelectedField[] {
    const found = new Map<string, SelectedField>();
    const seen: ReadConditions = new Map();
    const add = (some: Selection, around: Conditions): void => {
      for (const item of some) {
        if (item.kind === 'fragment') {
          const when = allOf(around, item.when);
          if (item.on === undefined || isOfType(this.#index, type, item.on))
            if (this.#isNew(item.selection, when, seen)) add(item.selection, when);
          continue;
        }
        const when = allOf(item.when, around);
        if (when.length > 1 && contradicts(when)) continue;
        const key = mergeKey(item, when);
        this.#steps.take((when.length * when.length + key.length) >> 6);
        const known = found.get(key);
        found.set(key, known === undefined ? this.under(item, when) : this.#mergeFields(known, item));
      }
    };
    add(selection, unconditional);
    this.#steps.take(found.size >> 3);
    return [...found.values()];
  }

  #mergeFields(known: SelectedField, field: SelectedField): SelectedField {
    const selection =
      known.selection === undefined || field.selection === undefined
        ? known.selection
        : this.merge(known.selection, field.selection);
    return selection === known.selection ? known : { ...known, selection };
  }

  #view(selection: Selection, type: IndexedType): AbstractView {
    const common: SelectedField[] = [];
    const typed: SelectedFragment[] = [];
    const leftovers = new Set<string>();
    const seen: ReadConditions = new Map();
    const add = (some: Selection, around: Conditions): void => {
      for (const item of some) {
        const when = allOf(item.when, around);
        if (item.kind === 'field') common.push(this.under(item, when));
        else if (item.on === undefined || item.on === type.name || type.interfaces.has(item.on)) {
          if (this.#isNew(item.selection, when, seen)) add(item.selection, when);
        } else {
          if (item.isLeftover && this.#index.types.get(item.on)?.kind === 'object') leftovers.add(item.on);
          typed.push(when === item.when ? item : { ...item, when });
        }
      }
    };
    add(selection, unconditional);
    return { common: this.#flatten(common, type.name), typed, leftovers };
  }

  /** Whether the selection of a fragment is new under these conditions: fragments that spread each other are many. */
  #isNew(selection: Selection, when: Conditions, seen: ReadConditions): boolean {
    this.#steps.take(1 + when.length);
    const known = remembered(seen, selection, () => new Set());
    return known.size < known.add(conditionsKey(when)).size;
  }
}

function typeConditionsIn(selection: Selection): readonly string[] {
  if (selection.every(({ kind }) => kind === 'field')) return [];
  const found = new Set<string>();
  const seen = new Set<Selection>();
  const add = (some: Selection): void => {
    if (seen.size === seen.add(some).size) return;
    for (const item of some) {
      if (item.kind === 'field') continue;
      if (item.on !== undefined) found.add(item.on);
      add(item.selection);
    }
  };
  add(selection);
  return [...found];
}

function mergeKey(field: SelectedField, when: Conditions): string {
  const { responseName, signature, isRequirement, directives } = field;
  if (when.length === 0 && !isRequirement && directives.length === 0) return responseName;
  let key = `${responseName}|${conditionsKey(when)}`;
  if (isRequirement) key += `|${signature}`;
  for (const { text } of directives) key += `|${text}`;
  return key;
}
