/**
 * The second graph of a source, for positions that have only a part of an entity: links that are made of ids (`@derive`), and
 * summaries (`@shape`). Plans assume that a position has all fields that its type has in its graph; in this one, an entity has
 * only its keys and what each of these positions has of it. Over 300 lines: one walk over the types, whose steps lead to one
 * another.
 */
import { type ConstDirectiveNode, type FieldDefinitionNode, Kind } from 'graphql';
import { readKey } from '../../supergraph/key-paths';
import { argumentsOf, directive, namedTypeOf } from '../../supergraph/sdl';
import type { SourceSchema } from '../../supergraph/sources/source-schema';
import { external, graphNameOf, GraphTypes, requiring, type SourceInProgress, use } from './graph-types';
import {
  commonOf,
  type FieldPath,
  needsOf,
  type PartialPosition,
  positionsOf,
  textOf,
} from './partial-positions';

/** Moves fields of `types` to the graph that is returned; undefined where all positions have all that there is. */
export function partialGraph(progress: SourceInProgress): GraphTypes | undefined {
  const positions = positionsOf(progress);
  const given = commonOf(positions);
  for (const [name, fields] of given) {
    const isThere = ({ name: { value } }: FieldDefinitionNode) =>
      fields.has(value) || needsOf(progress, name, value)?.every(([first]) => fields.has(first!));
    if (progress.types.fields(name).every(isThere)) given.delete(name);
  }
  if (given.size === 0) return undefined;
  const graph = new PartialGraph(progress, given);
  const moved = positions.filter((position) => [...position.given.keys()].some((name) => given.has(name)));
  const summarized = new Set(
    moved.flatMap(({ type, field }) =>
      field.derived !== undefined || field.from !== undefined ? [] : type.graphName,
    ),
  );
  for (const position of moved) {
    const { graphName } = position.type;
    graph.move(position, { isCopied: summarized.has(graphName) && !given.has(graphName) });
  }
  return graph.finish();
}

class PartialGraph {
  readonly #progress: SourceInProgress;
  /** What there is of the entities of which some positions have only a part. */
  readonly #given: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #partial = new GraphTypes();
  readonly #whole = new Set<string>();
  readonly #led = new Set<string>();
  /** The fields that lead to a type. */
  readonly #leading = new Map<string, { readonly parent: string; readonly name: string }[]>();
  readonly #waiting: (() => void)[] = [];
  readonly #requiring: { readonly parent: string; readonly field: string }[] = [];

  constructor(progress: SourceInProgress, given: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#progress = progress;
    this.#given = given;
    const { types, source } = progress;
    for (const parent of types.names())
      for (const { name, type } of types.fields(parent))
        for (const object of objectsOf(source, namedTypeOf(type)))
          this.#leading.set(object, (this.#leading.get(object) ?? []).concat({ parent, name: name.value }));
    for (const name of given.keys()) this.#entity(name);
    this.#run();
  }

  move(
    { type: { graphName: parent }, field }: PartialPosition,
    { isCopied }: { readonly isCopied: boolean },
  ): void {
    const { types } = this.#progress;
    const node = types.field(parent, field.name);
    // A field of a summary is one of the entity.
    if (node === undefined) return;
    const needed = needsOf(this.#progress, parent, field.name);
    if (this.#rootOf(parent) !== undefined) this.#add(parent, node);
    else if (!this.#isEntity(parent)) this.#copy(parent, { isLedTo: true });
    else if (this.#given.has(parent) || (needed !== undefined && !isCopied)) this.#require(parent, node);
    else this.#copy(parent, { isLedTo: true });
    types.remove(parent, field.name);
    this.#run();
  }

  #run(): void {
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) next();
  }

  finish(): GraphTypes {
    const { types } = this.#progress;
    this.#addRequirements();
    this.#fillInterfaces();
    for (const name of this.#partial.names()) {
      const { directives = [] } = this.#partial.get(name)!;
      // What summaries have of an entity may be here alone, as it leads to parts of others.
      const isAnswered = this.#partial
        .fields(name)
        .some((field) => !this.#isGiven(name, field) || types.field(name, field.name.value) === undefined);
      if (!isAnswered) this.#partial.annotate(name, directives.map(unresolvable));
    }
    for (const name of types.names())
      for (const { name: field } of types.fields(name)) {
        const copy = this.#partial.field(name, field.value);
        if (copy === undefined || isExternal(copy)) continue;
        types.share(name, field.value);
        this.#partial.share(name, field.value);
      }
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

  /** Adds a field of an entity, for which representations need what partial objects lack. */
  #require(parent: string, node: FieldDefinitionNode): void {
    this.#entity(parent);
    this.#add(parent, node);
    const field = node.name.value;
    if (!this.#requiring.some((each) => each.parent === parent && each.field === field))
      this.#requiring.push({ parent, field });
  }

  /** Requires what fields are made of, or any value that tells whole objects from parts. */
  #addRequirements(): void {
    const { types, report } = this.#progress;
    for (const { parent, field: name } of this.#requiring) {
      const node = this.#partial.field(parent, name)!;
      const isMissing = ([first]: FieldPath) => {
        const field = this.#partial.field(parent, first!);
        return field === undefined || isExternal(field);
      };
      // A value that may be null loses nothing else where it fails.
      const byNull = ([one]: FieldPath, [other]: FieldPath) =>
        Number(types.field(parent, one!)?.type.kind === Kind.NON_NULL_TYPE) -
        Number(types.field(parent, other!)?.type.kind === Kind.NON_NULL_TYPE);
      const needs = needsOf(this.#progress, parent, name);
      const missing =
        needs?.filter(isMissing) ?? this.#valuesOf(parent).filter(isMissing).sort(byNull).slice(0, 1);
      if (needs === undefined && missing.length === 0)
        report(
          `\`${parent}.${name}\` cannot be joined: parts of \`${parent}\` have all values of the whole. A @lookup of \`${namedTypeOf(node.type)}\` would help.`,
          node.name,
        );
      if (missing.length > 0) this.#partial.put(parent, requiring(node, textOf(missing)));
      for (const path of missing) {
        let type = parent;
        for (const each of path) {
          const field = types.field(type, each)!;
          this.#partial.declare(types.get(type)!);
          if (this.#partial.field(type, each) === undefined) this.#partial.put(type, external(field));
          type = namedTypeOf(field.type);
        }
      }
    }
  }

  /** The paths of values of a type, also of those of its objects; the shortest first. */
  #valuesOf(type: string): FieldPath[] {
    const { types } = this.#progress;
    const values = (of: string) =>
      types
        .fields(of)
        .filter((field) => isValue(this.#progress, field))
        .map(({ name }) => [name.value]);
    const inObjects = types
      .fields(type)
      .filter(
        (field) =>
          (field.arguments ?? []).length === 0 &&
          types.get(namedTypeOf(field.type))?.kind === Kind.OBJECT_TYPE_DEFINITION,
      )
      .flatMap(({ name, type: object }) => values(namedTypeOf(object)).map((path) => [name.value, ...path]));
    return [...values(type), ...inObjects];
  }

  /** Lets interfaces have a field, which all their types in this graph have. */
  #fillInterfaces(): void {
    const { types, source } = this.#progress;
    const kept = new Set(this.#partial.definitions().map(({ name }) => name.value));
    for (const name of this.#partial.names()) {
      if (kept.has(name) || this.#partial.fields(name).length === 0) continue;
      const implementers = (source.types.get(name)?.possibleTypes ?? []).filter((each) =>
        this.#partial.get(each),
      );
      const [shared] = types
        .fields(name)
        .filter(({ name: { value } }) => implementers.every((each) => types.field(each, value)));
      for (const each of shared === undefined ? [] : implementers)
        if (this.#partial.field(each, shared!.name.value) === undefined)
          this.#partial.put(each, external(types.field(each, shared!.name.value)!));
    }
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
    // Later, as chains of types are as long as one likes.
    this.#waiting.push(() => this.#reach(namedTypeOf(field.type)));
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
    for (const { parent, name: leading } of this.#leading.get(name) ?? []) {
      const field = types.field(parent, leading);
      if (field !== undefined) this.#leadFrom(parent, field, this.#hasKey(name));
    }
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
    if (!this.#isEntity(parent)) this.#waiting.push(() => this.#copy(parent, { isLedTo: true }));
    else if (this.#given.has(parent)) this.#require(parent, field);
    else {
      this.#entity(parent);
      this.#add(parent, field);
    }
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

/** The objects, by their names in the graph, that a field of a type may return. */
const objectsOf = (source: SourceSchema, type: string): Set<string> =>
  new Set([
    graphNameOf(source, type),
    ...(source.types.get(type)?.possibleTypes ?? []).map((each) => graphNameOf(source, each)),
  ]);

const fieldsOf = (key: ConstDirectiveNode): string => String(argumentsOf(key)['fields']);

const unresolvable = (each: ConstDirectiveNode): ConstDirectiveNode =>
  each.name.value === 'key' && argumentsOf(each)['resolvable'] !== false
    ? use('key', each.loc, { fields: fieldsOf(each), resolvable: false })
    : each;

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

const isExternal = (field: FieldDefinitionNode): boolean => directive(field, 'external') !== undefined;

/** Whether a field of an entity is answered by a call of its own. */
function isCall({ source }: SourceInProgress, type: string, { name }: FieldDefinitionNode): boolean {
  const field = source.types.get(type)?.fields.get(name.value);
  return (
    field?.from !== undefined ||
    [...(field?.arguments.values() ?? [])].some(({ require: map }) => map !== undefined)
  );
}
