/**
 * The second graph of a source, for positions that have only a part of an entity: links that are made of ids (`@derive`), and
 * summaries (`@shape`). Plans assume that a position has all fields that its type has in its graph; in this one, an entity has
 * only its keys and what each of these positions has of it.
 */
import { type ConstDirectiveNode, type FieldDefinitionNode, Kind } from 'graphql';
import { readKey } from '../../supergraph/key-paths';
import { argumentsOf, namedTypeOf } from '../../supergraph/sdl';
import { fieldSetOf } from '../../supergraph/sources/selection-map';
import type { SourceField, SourceType } from '../../supergraph/sources/source-schema';
import {
  derivedNames,
  directive,
  external,
  graphNameOf,
  GraphTypes,
  requiring,
  type SourceInProgress,
  use,
} from './graph-types';

/** A field whose value has a part of an entity. */
interface PartialPosition {
  readonly type: SourceType;
  readonly field: SourceField;
  /** What it has, by the names of the entities in the graph. */
  readonly given: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Moves fields of `types` to the graph that is returned; undefined where all positions have all that there is. */
export function partialGraph(progress: SourceInProgress): GraphTypes | undefined {
  const positions = positionsOf(progress);
  const given = commonOf(positions);
  for (const [name, fields] of given) {
    const isThere = ({ name: { value } }: FieldDefinitionNode) =>
      fields.has(value) || needsOf(progress, name, value)?.every((needed) => fields.has(needed));
    if (progress.types.fields(name).every(isThere)) given.delete(name);
  }
  if (given.size === 0) return undefined;
  const graph = new PartialGraph(progress, given);
  const moved = positions.filter((position) => [...position.given.keys()].some((name) => given.has(name)));
  const summarized = new Set(moved.flatMap(({ type, field }) => (field.derived ? [] : type.graphName)));
  for (const position of moved) {
    const { graphName } = position.type;
    graph.move(position, { isCopied: summarized.has(graphName) && !given.has(graphName) });
  }
  return graph.finish();
}

function positionsOf({ source, types }: SourceInProgress): PartialPosition[] {
  return [...source.types.values()].flatMap((type) =>
    [...type.fields.values()].flatMap((field): PartialPosition[] => {
      if (types.field(type.graphName, field.name) === undefined) return [];
      if (field.derived !== undefined)
        return [{ type, field, given: new Map([[field.namedType, new Set(derivedNames(field.derived))]]) }];
      const given = new Map<string, ReadonlySet<string>>();
      for (const name of source.types.get(field.namedType)?.possibleTypes ?? []) {
        const { graphName, fields } = source.types.get(name) ?? { graphName: name };
        if (graphName !== name && fields !== undefined) given.set(graphName, new Set(fields.keys()));
      }
      return given.size === 0 ? [] : [{ type, field, given }];
    }),
  );
}

/** What all positions of an entity have of it. */
function commonOf(positions: readonly PartialPosition[]): Map<string, ReadonlySet<string>> {
  const common = new Map<string, ReadonlySet<string>>();
  for (const { given } of positions)
    for (const [name, fields] of given) {
      const before = common.get(name);
      common.set(
        name,
        before === undefined ? fields : new Set([...before].filter((each) => fields.has(each))),
      );
    }
  return common;
}

class PartialGraph {
  readonly #progress: SourceInProgress;
  /** What there is of the entities of which some positions have only a part. */
  readonly #given: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #partial = new GraphTypes();
  readonly #whole = new Set<string>();
  readonly #led = new Set<string>();

  constructor(progress: SourceInProgress, given: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#progress = progress;
    this.#given = given;
    for (const name of given.keys()) this.#entity(name);
  }

  move(
    { type: { graphName: parent }, field }: PartialPosition,
    { isCopied }: { readonly isCopied: boolean },
  ): void {
    const { types } = this.#progress;
    const node = types.field(parent, field.name)!;
    const needed = needsOf(this.#progress, parent, field.name);
    if (this.#rootOf(parent) !== undefined) this.#add(parent, node);
    else if (!this.#isEntity(parent)) this.#copy(parent, { isLedTo: true });
    else if (this.#given.has(parent) || (needed !== undefined && !isCopied)) this.#require(parent, node);
    else this.#copy(parent, { isLedTo: true });
    types.remove(parent, field.name);
  }

  finish(): GraphTypes {
    const { types } = this.#progress;
    for (const name of this.#partial.names()) {
      const { directives = [] } = this.#partial.get(name)!;
      const isAnswered = this.#partial.fields(name).some((field) => !this.#isGiven(name, field));
      if (!isAnswered) this.#partial.annotate(name, directives.map(unresolvable));
    }
    for (const name of types.names())
      for (const { name: field } of types.fields(name)) {
        const copy = this.#partial.field(name, field.value);
        if (copy === undefined || isExternal(copy)) continue;
        types.share(name, field.value);
        this.#partial.share(name, field.value);
      }
    removeEmpty(types);
    return this.#partial;
  }

  /** Whether a partial object has a field without a call. */
  #isGiven(type: string, field: FieldDefinitionNode): boolean {
    return (
      directive(field, 'external') !== undefined ||
      this.#keysOf(type).has(field.name.value) ||
      this.#given.get(type)?.has(field.name.value) === true
    );
  }

  /** Adds a field of an entity, for which representations need what partial objects lack: what it is made of, or any value. */
  #require(parent: string, node: FieldDefinitionNode): void {
    const { types, report } = this.#progress;
    this.#entity(parent);
    const isThere = (name: string) => {
      const field = this.#partial.field(parent, name);
      return field !== undefined && !isExternal(field);
    };
    const made = needsOf(this.#progress, parent, node.name.value)?.filter((name) => !isThere(name));
    const values = types.fields(parent).filter((field) => isValue(this.#progress, field));
    const [value] = values.filter(({ name }) => !isThere(name.value));
    const missing = made ?? (value === undefined ? [] : [value.name.value]);
    if (made === undefined && value === undefined)
      report(
        `\`${parent}.${node.name.value}\` cannot be joined: parts of \`${parent}\` have all values of the whole.`,
        node.name,
      );
    for (const name of missing) this.#partial.put(parent, external(types.field(parent, name)!));
    this.#add(parent, missing.length === 0 ? node : requiring(node, missing.join(' ')));
  }

  /** Adds an entity with its keys, and with what its partial positions have. */
  #entity(name: string): void {
    const { types, report } = this.#progress;
    if (this.#partial.get(name) !== undefined) return;
    const node = types.get(name)!;
    const given = this.#given.get(name);
    const others = (node.directives ?? []).filter((each) => each.name.value !== 'key');
    const all = (node.directives ?? []).filter((each) => each.name.value === 'key');
    const keys =
      given === undefined
        ? all
        : all.filter((key) => readKey(fieldsOf(key)).every(([first]) => given.has(first!)));
    if (given !== undefined && keys.every((key) => argumentsOf(key)['resolvable'] === false))
      report(
        `Some positions have only a part of \`${name}\`: it needs a @lookup by what all of them have (${[...given].join(', ') || 'nothing'}).`,
        node.name,
      );
    this.#partial.declare({ ...node, directives: [...others, ...keys] });
    for (const field of types.fields(name))
      if (this.#isGiven(name, field) && (given === undefined || given.has(field.name.value)))
        this.#add(name, field);
  }

  #keysOf(type: string): ReadonlySet<string> {
    const { directives = [] } = this.#partial.get(type) ?? this.#progress.types.get(type)!;
    const keys = directives.filter((each) => each.name.value === 'key');
    return new Set(keys.flatMap((key) => readKey(fieldsOf(key)).map(([first]) => first!)));
  }

  #add(type: string, field: FieldDefinitionNode): void {
    this.#partial.declare(this.#progress.types.get(type)!);
    this.#partial.put(type, field);
    this.#reach(namedTypeOf(field.type));
  }

  /** Adds what a field leads to: entities by their keys, others as a whole, as nothing else gives the rest of them. */
  #reach(name: string): void {
    const { source, types } = this.#progress;
    if (types.get(name)?.kind === Kind.OBJECT_TYPE_DEFINITION) {
      if (this.#hasKey(name)) this.#entity(name);
      else this.#copy(name, { isLedTo: false });
      return;
    }
    if (types.get(name) !== undefined && this.#partial.get(name) === undefined) {
      this.#partial.declare(types.get(name)!);
      for (const field of types.fields(name)) this.#add(name, field);
    }
    for (const each of source.types.get(name)?.possibleTypes ?? [])
      if (each !== name) this.#reach(graphNameOf(source, each));
  }

  /** Adds all fields of a type, and for `isLedTo` those that lead to it. */
  #copy(name: string, { isLedTo }: { readonly isLedTo: boolean }): void {
    const { types } = this.#progress;
    if (!this.#whole.has(name)) {
      this.#whole.add(name);
      const isEntity = this.#hasKey(name);
      this.#partial.declare(types.get(name)!);
      for (const field of types.fields(name))
        if (!isEntity || !isCall(this.#progress, name, field)) this.#add(name, field);
    }
    if (!isLedTo || this.#led.has(name)) return;
    this.#led.add(name);
    for (const parent of types.names())
      for (const field of types.fields(parent))
        if (this.#mayBe(namedTypeOf(field.type), name)) this.#leadFrom(parent, field, this.#hasKey(name));
  }

  #leadFrom(parent: string, field: FieldDefinitionNode, isEntity: boolean): void {
    const root = this.#rootOf(parent);
    if (root !== undefined) this.#add(parent, field);
    if (root === 'subscription') this.#progress.types.remove(parent, field.name.value);
    if (
      root !== undefined ||
      isEntity ||
      this.#progress.types.get(parent)?.kind !== Kind.OBJECT_TYPE_DEFINITION
    )
      return;
    if (!this.#isEntity(parent)) this.#copy(parent, { isLedTo: true });
    else if (this.#given.has(parent)) this.#require(parent, field);
    else {
      this.#entity(parent);
      this.#add(parent, field);
    }
  }

  #mayBe(type: string, name: string): boolean {
    const { source } = this.#progress;
    return (
      type === name ||
      source.types.get(type)?.possibleTypes.some((each) => graphNameOf(source, each) === name) === true
    );
  }

  #rootOf(type: string): string | undefined {
    const { roots } = this.#progress.source;
    return Object.entries(roots).find(([, name]) => name === type)?.[0];
  }

  #hasKey(type: string): boolean {
    return directive(this.#progress.types.get(type)!, 'key') !== undefined;
  }

  /** Whether the source answers it by a key. */
  #isEntity(type: string): boolean {
    const uses = this.#progress.types.get(type)?.directives ?? [];
    return uses.some((each) => each.name.value === 'key' && argumentsOf(each)['resolvable'] !== false);
  }
}

const fieldsOf = (key: ConstDirectiveNode): string => String(argumentsOf(key)['fields']);

const unresolvable = (each: ConstDirectiveNode): ConstDirectiveNode =>
  each.name.value === 'key' && argumentsOf(each)['resolvable'] !== false
    ? use('key', each.loc, { fields: fieldsOf(each), resolvable: false })
    : each;

/** Removes types without fields, and what leads to them: the partial graph has it. */
function removeEmpty(types: GraphTypes): void {
  const empty = new Set<string>();
  for (let before = -1; before < empty.size;) {
    before = empty.size;
    for (const name of types.names()) {
      for (const field of types.fields(name))
        if (empty.has(namedTypeOf(field.type))) types.remove(name, field.name.value);
      if (types.fields(name).length === 0) empty.add(name);
    }
  }
}

/** Whether a field is a scalar or an enum, and needs no arguments. */
function isValue(
  { types, rest }: SourceInProgress,
  { type, arguments: args = [], directives = [] }: FieldDefinitionNode,
): boolean {
  const name = namedTypeOf(type);
  const isUnion = rest.some((node) => node.kind === Kind.UNION_TYPE_DEFINITION && node.name.value === name);
  return (
    args.length === 0 &&
    !directives.some((each) => each.name.value === 'external') &&
    types.get(name) === undefined &&
    !isUnion
  );
}

/** The values of an object that a link or a call is made of; undefined for other fields, and where it needs more than values. */
function needsOf({ source, types }: SourceInProgress, type: string, name: string): string[] | undefined {
  const field = source.types.get(type)?.fields.get(name);
  if (field?.derived === undefined && field?.from === undefined) return undefined;
  const maps = [
    field.derived ?? [],
    [...field.arguments.values()].flatMap(({ require: map }) => map ?? []),
  ].flat();
  const paths = readKey(fieldSetOf(maps));
  return paths.every((path) => path.length === 1)
    ? paths.map(([first]) => first!).filter((each) => types.field(type, each))
    : undefined;
}

const isExternal = (field: FieldDefinitionNode): boolean => directive(field, 'external') !== undefined;

/** Whether a field of an entity is answered by a call of its own. */
function isCall({ source }: SourceInProgress, type: string, { name }: FieldDefinitionNode): boolean {
  const field = source.types.get(type)?.fields.get(name.value);
  return (
    field?.from !== undefined ||
    [...(field?.arguments.values() ?? [])].some(({ require: map }) => map !== undefined)
  );
}
