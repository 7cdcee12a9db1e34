/**
 * Decides which fragments with `@defer` are sent later.
 *
 * The plan knows no `@defer`: what one fetch brings stays one fetch. A fragment is deferred if it needs a fetch that
 * nothing sent before it needs. Any other fragment is sent as if it had no `@defer`, which the specification lets a
 * server choose.
 *
 * The terms are those of the incremental delivery proposal (https://github.com/graphql/graphql-spec/pull/1110): a *defer
 * usage* is one use of `@defer` at one position of the response, within one other usage. A field may be selected in
 * several: it is sent with the first of them that is sent. Clients of the older format expect each fragment complete, so
 * for them a field is sent with each.
 *
 * Over 300 lines: which fragments are deferred, and how fields are divided among them, is read from the same walk.
 */
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  GraphQLBoolean,
  type InlineFragmentNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
  valueFromAST,
} from 'graphql';
import { type ConditionValues, selectionsIn } from './conditions';
import { type ResponsePosition } from './response-position';
import { sizeOfDeferral } from '../size';
import { type FieldProjection, isLeftOut, type ProjectedField } from './projection';

/** A use of `@defer` whose fields are sent later. */
export interface DeferUsage {
  /** Its number within the variant. A usage within another has a higher one. */
  readonly index: number;
  readonly label: string | undefined;
  readonly parent: DeferUsage | undefined;
  /** The response keys that lead to its objects. */
  readonly path: readonly string[];
}

/** The usages that fields are sent with, sorted; none for what is sent at once. */
export type DeferUsages = readonly DeferUsage[];

/** The parts of an object that are sent later. */
export interface DeferredSelection {
  /** The usages whose fragments apply to the object. */
  readonly usages: DeferUsages;
  readonly later: readonly DeferredFields[];
}

/** Fields of an object that are sent together. */
export interface DeferredFields {
  /** They are sent with the first of these that is sent. */
  readonly usages: DeferUsages;
  /** These, and the usages within them that select the fields, too. */
  readonly owners: DeferUsages;
  readonly fields: readonly FieldProjection[];
}

export interface DeferOptions {
  readonly root: ResponsePosition;
  readonly operation: OperationDefinitionNode;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly conditions: ConditionValues;
  /** Whether `@defer` has an effect, by the variable of its `if`. */
  readonly isOn: (variable: string) => boolean;
  /** Whether a field is sent with each fragment that selects it. */
  readonly repeatsFields: boolean;
  /** The numbers of the fetches that run under the conditions. */
  readonly fetches: readonly number[];
  /** For each fetch, the numbers of those whose answers it needs. */
  readonly dependencies: readonly (readonly number[])[];
  /** Whether a fetch calls a subgraph that may name an interface as the type of an object. */
  readonly mayNameInterfaces: (fetch: number) => boolean;
}

/** How the response to an operation is cut. */
export class Deferral {
  readonly #options: DeferOptions;
  readonly #running: ReadonlySet<number>;
  readonly #atOnce = new Set<number>();
  readonly #found: FoundUsage[] = [];
  /** By position and usage, the named fragments that were visited there. */
  readonly #visited = new Map<ResponsePosition, Map<FoundUsage | undefined, Set<string>>>();
  readonly #byPosition = new Map<ResponsePosition, Map<object, UsagesByParent>>();
  /** In which usages each field is selected, by its response key. */
  readonly #selectedIn = new Map<ResponsePosition, Map<string, Set<FoundUsage | undefined>>>();
  readonly usages: DeferUsages;
  readonly #needs = new Map<DeferUsage, ReadonlySet<number>>();

  constructor(options: DeferOptions) {
    this.#options = options;
    const { root, operation, fetches } = options;
    const atOnce = this.#atOnce;
    this.#running = new Set(fetches);
    this.#visit(root, operation.selectionSet, undefined, []);
    // What no field of the client needs is run in time for everything.
    const needed = new Set([atOnce, ...this.#found.map(({ needs }) => needs)].flatMap((some) => [...some]));
    this.#close(needed);
    for (const fetch of fetches) if (!needed.has(fetch)) atOnce.add(fetch);
    this.#close(atOnce);
    const usages: DeferUsage[] = [];
    for (const found of this.#found) {
      const { needs, label, path } = found;
      this.#close(needs);
      const around = found.parent?.sentWith;
      let rest = [...needs].filter((fetch) => !atOnce.has(fetch));
      for (let one = around; one !== undefined; one = one.parent)
        rest = rest.filter((fetch) => !this.#needs.get(one)!.has(fetch));
      found.sentWith = around;
      if (rest.length === 0) continue;
      found.sentWith = { index: usages.length, label, parent: around, path };
      usages.push(found.sentWith);
      this.#needs.set(found.sentWith, needs);
    }
    this.usages = usages;
  }

  get root(): ResponsePosition {
    return this.#options.root;
  }

  /** Of the heap, in bytes. */
  get bytes(): number {
    let fields = 0;
    for (const keys of this.#selectedIn.values()) fields += keys.size;
    return sizeOfDeferral(fields, this.#found.length);
  }

  /** The fetches whose answers are sent at once. */
  get first(): ReadonlySet<number> {
    return this.#atOnce;
  }

  needsOf(usage: DeferUsage): ReadonlySet<number> {
    return this.#needs.get(usage)!;
  }

  /** The usage that the fields of a fragment are sent with. */
  usageOf(
    position: ResponsePosition | undefined,
    fragment: FragmentSpreadNode | InlineFragmentNode,
    around: DeferUsage | undefined,
  ): DeferUsage | undefined {
    const found = position && this.#byPosition.get(position)?.get(fragment);
    // The key is the usage around the fragment as it is written; all that are sent with `around` are equal.
    if (found === undefined) return around;
    for (const [, one] of found) if (one.parent?.sentWith === around) return one.sentWith;
    return around;
  }

  /** The usages that the field at a response path is sent with. */
  usagesAt(path: readonly (string | number)[]): DeferUsages {
    let position: ResponsePosition | undefined = this.#options.root;
    let usages = atOnceUsages;
    for (const key of path) {
      if (typeof key === 'number') continue;
      const selectedIn = position && this.#selectedIn.get(position)?.get(key);
      if (selectedIn === undefined) break;
      usages = reduced([...selectedIn].map((found) => found?.sentWith));
      position = position!.fields.get(key)?.child;
    }
    return usages;
  }

  /** Divides the fields of an object that is sent with `usages`. */
  cut(
    grouped: ReadonlyMap<string, readonly ProjectedField[]>,
    usages: DeferUsages,
  ): { readonly now: ReadonlyMap<string, readonly ProjectedField[]>; readonly later: readonly CutFields[] } {
    const groups = new Map<string, CutFields & { fields: Map<string, readonly ProjectedField[]> }>();
    const add = (key: string, selected: readonly ProjectedField[], sentWith: DeferUsages): void => {
      const name = nameOf(sentWith);
      let group = groups.get(name);
      if (group === undefined)
        groups.set(name, (group = { usages: sentWith, owners: [], fields: new Map() }));
      const owners = selected.flatMap(({ usage }) => (usage === undefined ? [] : [usage]));
      group.owners = [...new Set([...group.owners, ...owners])];
      group.fields.set(key, selected);
    };
    for (const [key, selected] of grouped) {
      if (!this.#options.repeatsFields) {
        add(key, selected, reduced(selected.map(({ usage }) => usage)));
        continue;
      }
      for (const usage of new Set(selected.map((one) => one.usage))) {
        // The answer of an introspection field is kept under its key.
        const isSchema = selected[0]!.node.name.value.startsWith('__');
        const some = isSchema ? selected : selected.filter((one) => one.usage === usage);
        add(key, some, usage === undefined ? atOnceUsages : [usage]);
      }
    }
    const own = nameOf(usages);
    const now = groups.get(own)?.fields ?? new Map<string, readonly ProjectedField[]>();
    groups.delete(own);
    return { now, later: [...groups.values()] };
  }

  /** Notes what each field needs, and each use of `@defer`. */
  #visit(
    position: ResponsePosition,
    { selections }: SelectionSetNode,
    around: FoundUsage | undefined,
    path: readonly string[],
  ): void {
    const { root, operation, fragments, conditions } = this.#options;
    for (const selection of selections) {
      if (isLeftOut(selection, conditions)) continue;
      if (selection.kind === Kind.FIELD) {
        this.#visitField(position, selection, around, path);
        continue;
      }
      // The root fields of a mutation are run in order, and none is deferred.
      const isSerial = position === root && operation.operation === OperationTypeNode.MUTATION;
      const usage = isSerial ? around : this.#usageFor(position, selection, around, path);
      if (selection.kind === Kind.INLINE_FRAGMENT) this.#visit(position, selection.selectionSet, usage, path);
      else if (this.#isNew(position, selection.name.value, usage))
        this.#visit(position, fragments.get(selection.name.value)!.selectionSet, usage, path);
    }
  }

  #visitField(
    position: ResponsePosition,
    { alias, name, selectionSet }: FieldNode,
    around: FoundUsage | undefined,
    path: readonly string[],
  ): void {
    const key = (alias ?? name).value;
    this.#note(position, key, around);
    const field = position.fields.get(key);
    if (field === undefined) return;
    const needs = around?.needs ?? this.#atOnce;
    const isRunning = (fetch: number): boolean => this.#running.has(fetch);
    if (!position.isSure(key)) for (const fetch of [...field.answeredBy].filter(isRunning)) needs.add(fetch);
    const { child } = field;
    if (child === undefined || selectionSet === undefined) return;
    const { mayNameInterfaces } = this.#options;
    const typing = [...child.typedBy].filter(isRunning);
    // Fetches that answer the objects themselves answer the type, unless they may answer an interface.
    const isTyped = typing.some((fetch) => field.answeredBy.has(fetch) && !mayNameInterfaces(fetch));
    if (!isTyped) for (const fetch of typing) needs.add(fetch);
    this.#visit(child, selectionSet, around, [...path, key]);
  }

  #isNew(position: ResponsePosition, fragment: string, usage: FoundUsage | undefined): boolean {
    const usages = getOrAdd(this.#visited, position, () => new Map<FoundUsage | undefined, Set<string>>());
    const seen = getOrAdd(usages, usage, () => new Set<string>());
    const isNew = !seen.has(fragment);
    seen.add(fragment);
    return isNew;
  }

  #note(position: ResponsePosition, key: string, around: FoundUsage | undefined): void {
    const keys = getOrAdd(this.#selectedIn, position, () => new Map<string, Set<FoundUsage | undefined>>());
    getOrAdd(keys, key, () => new Set<FoundUsage | undefined>()).add(around);
  }

  #usageFor(
    position: ResponsePosition,
    fragment: FragmentSpreadNode | InlineFragmentNode,
    around: FoundUsage | undefined,
    path: readonly string[],
  ): FoundUsage | undefined {
    const directive = fragment.directives?.find(({ name }) => name.value === 'defer');
    if (directive === undefined || !isDeferred(directive, this.#options.isOn)) return around;
    const fragments = getOrAdd(this.#byPosition, position, () => new Map<object, UsagesByParent>());
    const usages = getOrAdd(fragments, fragment, (): UsagesByParent => new Map());
    let found = usages.get(around);
    if (found === undefined) {
      if (this.#found.length === mostUsages) return around;
      found = { parent: around, label: labelOf(directive), path, needs: new Set(), sentWith: undefined };
      usages.set(around, found);
      this.#found.push(found);
    }
    return found;
  }

  /** Adds the fetches that these depend on. The loop also visits those that it adds. */
  #close(fetches: Set<number>): void {
    const { dependencies } = this.#options;
    for (const fetch of fetches)
      for (const earlier of dependencies[fetch]!) if (this.#running.has(earlier)) fetches.add(earlier);
  }
}

/** A use of `@defer`, before it is known whether it has an effect. */
interface FoundUsage extends Pick<DeferUsage, 'label' | 'path'> {
  readonly parent: FoundUsage | undefined;
  /** The fetches that its own fields need. */
  readonly needs: Set<number>;
  /** The usage that its fields are sent with: itself, if it is deferred. */
  sentWith: DeferUsage | undefined;
}

/** The usages of one fragment at one position, by the usages around it. */
type UsagesByParent = Map<FoundUsage | undefined, FoundUsage>;

interface CutFields {
  readonly usages: DeferUsages;
  owners: DeferUsages;
  readonly fields: ReadonlyMap<string, readonly ProjectedField[]>;
}

const atOnceUsages: DeferUsages = [];

/**
 * Most uses of `@defer` that have an effect in an operation. Fragments within fragments multiply them, and each object of a
 * list has its own fragment of each.
 */
const mostUsages = 100;

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}

const nameOf = (usages: DeferUsages): string => usages.map(({ index }) => index).join();

/** The usages that a field is sent with: what is sent at once is sent once, and a usage comes before those within it. */
function reduced(selectedIn: readonly (DeferUsage | undefined)[]): DeferUsages {
  if (selectedIn.includes(undefined)) return atOnceUsages;
  const all = new Set(selectedIn as readonly DeferUsage[]);
  const isWithinAnother = ({ parent }: DeferUsage): boolean =>
    parent !== undefined && (all.has(parent) || isWithinAnother(parent));
  return [...all].filter((usage) => !isWithinAnother(usage)).sort((one, other) => one.index - other.index);
}

/** Whether a document has fragments with `@defer` that may have an effect. */
export const mayDefer = (document: DocumentNode): boolean => deferVariables(document) !== undefined;

/** The variables that decide whether fragments are deferred; undefined for a document without `@defer`. */
export function deferVariables(document: DocumentNode): string[] | undefined {
  const names = new Set<string>();
  let isUsed = false;
  for (const { directives = [] } of selectionsIn(document))
    for (const directive of directives) {
      if (directive.name.value !== 'defer') continue;
      const condition = conditionOf(directive);
      if (condition === undefined || condition.kind === Kind.VARIABLE || isTrue(condition)) isUsed = true;
      if (condition?.kind === Kind.VARIABLE) names.add(condition.name.value);
    }
  return isUsed ? [...names] : undefined;
}

/** Whether `@defer` with this variable has an effect: the argument's default is true. */
export function isDeferOn(
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
  name: string,
): boolean {
  if (Object.hasOwn(variables, name) && variables[name] !== undefined) return variables[name] === true;
  const definition = variableDefinitions.find(({ variable }) => variable.name.value === name);
  const value = definition?.defaultValue;
  return value === undefined || valueFromAST(value, GraphQLBoolean) === true;
}

function isDeferred(directive: DirectiveNode, isOn: (variable: string) => boolean): boolean {
  const condition = conditionOf(directive);
  if (condition === undefined) return true;
  return condition.kind === Kind.VARIABLE ? isOn(condition.name.value) : isTrue(condition);
}

const conditionOf = ({ arguments: args = [] }: DirectiveNode) =>
  args.find(({ name }) => name.value === 'if')?.value;

const isTrue = (value: NonNullable<ReturnType<typeof conditionOf>>): boolean =>
  value.kind === Kind.BOOLEAN && value.value;

function labelOf({ arguments: args = [] }: DirectiveNode): string | undefined {
  const label = args.find(({ name }) => name.value === 'label')?.value;
  return label?.kind === Kind.STRING ? label.value : undefined;
}
