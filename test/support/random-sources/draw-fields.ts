/** Draws fields: of entities, of values, of roots. Over 300 lines: each word of overlays. */
import { type RandomSource } from '../random-source';
import { type ApiDraft, type FieldDraft, type GraphFields, type TypeDraft } from './draft';
import {
  canonical,
  type Entity,
  entitiesPerType,
  type Key,
  type KeyField,
  lastOf,
  type Resolve,
  type Thing,
  type World,
} from './world';

/** What all that is drawn for one graph shares. */
export interface Drawing {
  readonly random: RandomSource;
  readonly world: World;
  readonly graph: GraphFields;
  readonly entities: readonly Entity[];
  /** The keys by which an API knows an entity, and whether it is its home. Undefined: it does not have it. */
  readonly partOf: (
    api: ApiDraft,
    entity: Entity,
  ) => { readonly keys: readonly Key[]; readonly isHome: boolean } | undefined;
  /** The key by which an API names an entity: one of those that it knows, if it has it. */
  readonly keyOf: (api: ApiDraft, entity: Entity) => Key;
  /** A number that no name has yet. */
  readonly next: () => number;
}

/** A type that fields return, and what makes one of its objects or leaves for a place. */
interface Target {
  readonly type: string;
  readonly make: (place: string) => unknown;
}

const wrappers = ['X', 'X!', '[X!]!', '[X]', '[X!]', '[X]!'];

export class FieldDrawing {
  /** How deep values nest. */
  #depth = 0;

  constructor(
    readonly drawing: Drawing,
    readonly api: ApiDraft,
  ) {}

  /** Draws fields of an object type, and of the type of the graph that it is. */
  fields(type: TypeDraft, count: number): void {
    for (; count > 0; count--) this.field(type);
  }

  field(type: TypeDraft): void {
    const { random } = this.drawing;
    const { kind } = this.api;
    if (kind === 'graphql' && type.name !== 'Query' && random.chance(0.3)) this.#linkById(type);
    else this.#add(type, this.target(), random.pick(wrappers), this.#arguments());
  }

  /** A field of a target, at the API and in the graph. */
  #add(type: TypeDraft, target: Target, wrapper: string, args = ''): void {
    const name = `f${this.drawing.next()}`;
    const field = { name, type: wrapper.replace('X', target.type), args };
    const resolve = this.resolver(field, target.make);
    type.fields.set(name, { ...field, resolve });
    this.register(type, name, resolve);
  }

  /** Makes it a field of the graph. */
  register({ graphName }: TypeDraft, name: string, resolve: Resolve): void {
    const { graph, entities, partOf } = this.drawing;
    const entity = entities.find((one) => one.name === graphName);
    const isLookedUp = entity !== undefined && partOf(this.api, entity) !== undefined;
    graph.set(`${graphName}.${name}`, { resolve, api: this.api, isLookedUp });
  }

  resolver({ name, type }: Pick<FieldDraft, 'name' | 'type'>, make: Target['make'], isCalm = false): Resolve {
    const { world } = this.drawing;
    return (thing, args) => {
      const place = `${thing.id}.${name}${canonical(args, this.api.kind === 'rest')}`;
      if (!isCalm && this.api.kind !== 'rest' && world.chance(0.03, `${place} fails`))
        throw new Error(`${place} fails`);
      return world.valueOf(type, place, make);
    };
  }

  /** @param isLeaf whether it is no object */
  target(isLeaf = false): Target {
    const { random, world, entities } = this.drawing;
    const { kind } = this.api;
    const deepest = kind === 'rest' ? 2 : 3;
    if (!isLeaf && this.#depth < deepest && random.chance(0.45)) {
      this.#depth++;
      const target = random.chance(0.5)
        ? this.#entityTarget(random.pick(entities))
        : random.chance(0.3) && kind !== 'rest'
          ? this.#abstractTarget()
          : this.#valueTarget();
      this.#depth--;
      if (target !== undefined) return target;
    }
    if (random.chance(0.15)) return this.#enumTarget();
    const type = random.pick(
      kind === 'rest' ? ['String', 'Boolean', 'Float'] : ['String', 'Int', 'Float', 'Boolean', 'ID'],
    );
    return { type, make: (place) => world.scalar(type, place) };
  }

  #enumTarget(): Target {
    const { world } = this.drawing;
    const name = `${this.api.name}Kind`;
    const type = this.api.type(name, 'enum');
    if (type.items.length === 0) type.items.push('RED', 'GREEN', 'true_blue');
    return { type: name, make: (place) => world.pick(type.items, place) };
  }

  /** An object that belongs to its place. */
  #valueTarget(): Target {
    const { random, next } = this.drawing;
    const name = `${this.api.name}Value${next()}`;
    const type = this.api.type(name);
    this.fields(type, random.between(1, 3));
    return { type: name, make: (place) => ({ type: name, id: `${name} ${place}` }) };
  }

  /** An entity, as the API has it: its type, or a summary. Undefined: it can give none. */
  #entityTarget(entity: Entity): Target | undefined {
    const { random, world } = this.drawing;
    const part = this.drawing.partOf(this.api, entity);
    const known = Array.from({ length: entitiesPerType }, (_, i) => world.entity(entity, i)).filter((one) =>
      world.isKnown(this.api, one, part === undefined || part.isHome),
    );
    const make: Target['make'] = (place) => world.pick(known, place);
    // What a REST API nests may not nest what nests it.
    const isWhole = part !== undefined && this.api.kind !== 'rest' && random.chance(0.6);
    if (isWhole) return { type: entity.name, make };
    if (this.api.kind === 'federation')
      return part === undefined ? { type: this.#stub(entity), make } : { type: entity.name, make };
    return { type: this.#summary(entity, part?.keys), make };
  }

  /** In a federation subgraph: an entity of which it has nothing but a key. */
  #stub(entity: Entity): string {
    const type = this.api.type(entity.name);
    const key = this.drawing.keyOf(this.api, entity);
    type.directives = ` @key(fields: "${key.map(({ name }) => name).join(' ')}", resolvable: false)`;
    this.keyFields(type, key);
    return entity.name;
  }

  #summary(entity: Entity, known: readonly Key[] | undefined): string {
    const { random } = this.drawing;
    const name = `${this.api.name}${entity.name}Summary${this.drawing.next()}`;
    const type = this.api.type(name, 'type', entity.name);
    this.api.overlay(name, `@shape(of: "${entity.name}")`);
    this.keyFields(type, this.drawing.keyOf(this.api, entity));
    if (known !== undefined) {
      const whole = [...this.api.type(entity.name).fields.values()].filter(
        (field) => !this.api.hasOverlayOf(entity.name, field.name),
      );
      for (const field of random.some(whole, random.between(0, 2)))
        if (!type.fields.has(field.name)) this.#repeat(type, field, entity);
    }
    return name;
  }

  /** A summary has a field of the whole as it is there, links that are made of it included. */
  #repeat(type: TypeDraft, field: FieldDraft, entity: Entity): void {
    const isKey = entity.keys.some((key) => key.some(({ name }) => name === field.name));
    if (!isKey) type.fields.set(field.name, field);
  }

  #abstractTarget(): Target {
    const { random, world, entities, next, partOf } = this.drawing;
    const entity = random.chance(0.5) ? random.pick(entities) : undefined;
    const targets = [this.#valueTarget(), (entity && this.#entityTarget(entity)) ?? this.#valueTarget()];
    // A field of all types must be one of the entity wherever it is.
    const isPart =
      targets[1]!.type === entity?.name ? partOf(this.api, entity) === undefined : entity !== undefined;
    const isUnion = isPart || random.chance(0.5);
    const name = `${this.api.name}${isUnion ? 'Union' : 'Interface'}${next()}`;
    const abstract = this.api.type(name, isUnion ? 'union' : 'interface');
    const types = targets.map(({ type }) => this.api.type(type));
    if (isUnion) abstract.items.push(...types.map((type) => type.name));
    else this.#implement(abstract, types);
    return { type: name, make: (place) => targets[world.between(0, 1, `${place} type`)]!.make(place) };
  }

  /** Gives the interface a field that all its types have. */
  #implement(abstract: TypeDraft, types: readonly TypeDraft[]): void {
    const { random } = this.drawing;
    const target = this.target(random.chance(0.7));
    const name = `f${this.drawing.next()}`;
    const field = { name, type: random.pick(wrappers).replace('X', target.type), args: this.#arguments() };
    const resolve = this.resolver(field, target.make);
    abstract.fields.set(name, { ...field, resolve });
    for (const type of types) {
      type.interfaces.add(abstract.name);
      type.fields.set(name, { ...field, resolve });
      this.register(type, name, resolve);
    }
  }

  /** Fields that hold the key of an entity, and the link that the overlay makes of them. */
  #linkById(type: TypeDraft): void {
    const { random, world, entities, next } = this.drawing;
    const entity = random.pick(entities);
    const key = this.drawing.keyOf(this.api, entity);
    const name = `link${next()}`;
    const isList = random.chance(0.35);
    const isSure = random.chance(0.3);
    const wrapper = isList ? random.pick(['[X!]!', '[X!]', '[X]!']) : isSure ? 'X!' : 'X';
    const link = this.resolver(
      { name, type: wrapper },
      (place) => world.entity(entity, world.between(0, lastOf(entity), place)),
      true,
    );
    const part = (field: KeyField): string => `${name}${field.name[0]!.toUpperCase()}${field.name.slice(1)}`;
    const isNested = isList || (key.length > 1 && random.chance(0.5));
    const entries = key.map((field) => `${field.name}: ${part(field)}`).join(' ');
    const owner = isNested ? this.api.type(`${this.api.name}Ref${next()}`) : type;
    for (const field of key) {
      const resolve: Resolve = isNested
        ? (thing) => field.values[thing.index!]
        : (thing) => {
            const linked = link(thing, {}) as Thing | null;
            return linked && field.values[linked.index!];
          };
      this.#addPart(owner, field, part(field), isNested || isSure ? '!' : '', resolve);
      this.register(owner, part(field), resolve);
    }
    if (isNested) {
      const field = { name: `${name}Ref`, type: wrapper.replace('X', owner.name), resolve: link };
      type.fields.set(field.name, field);
      this.register(type, field.name, link);
    }
    const path = isList
      ? `${name}Ref[{ ${entries} }]`
      : isNested
        ? `${name}Ref.{ ${entries} }`
        : `{ ${entries} }`;
    this.api.overlay(
      type.name,
      `${name}: ${wrapper.replace('X', entity.name)} @derive @is(field: "${path}")`,
    );
    this.register(type, name, link);
  }

  /** A key may have another type at the API than in the graph: then the overlay repeats the field. */
  typeAt({ name, type, values }: Pick<KeyField, 'name' | 'type' | 'values'>): string {
    const { api } = this;
    const { world } = this.drawing;
    if (type !== 'ID' || api.kind === 'federation') return type;
    if (api.kind === 'graphql' && world.chance(0.6, `${api.name} has ${name} as it is`)) return type;
    const isNumeric = values.length > 0 && values.every((value) => /^\d+$/.test(String(value)));
    return world.pick(['String', ...(isNumeric ? ['Int'] : [])], `${api.name} has ${name}`);
  }

  /** Adds a field of the API that holds a part of a key. */
  #addPart(type: TypeDraft, field: KeyField, name: string, suffix: string, resolve: Resolve): void {
    const { api } = this;
    const source = this.typeAt(field);
    type.fields.set(name, { name, type: `${source}${suffix}`, resolve });
    if (source !== field.type || api.kind === 'rest')
      api.overlay(type.name, `${name}: ${field.type}${suffix}`);
  }

  keyFields(type: TypeDraft, key: Key): void {
    for (const field of key) {
      const resolve: Resolve = ({ index }) => field.values[index!];
      if (!type.fields.has(field.name)) this.#addPart(type, field, field.name, '!', resolve);
      this.drawing.graph.set(`${type.graphName}.${field.name}`, { resolve, api: this.api, isKey: true });
    }
  }

  #arguments(): string {
    const { random } = this.drawing;
    if (this.api.kind === 'rest' || random.chance(0.75)) return '';
    const input = `${this.api.name}Filter`;
    const type = this.api.type(input, 'input');
    if (type.items.length === 0)
      type.items.push('text: String', 'limit: Int = 3', 'ids: [ID!]', `also: ${input}`);
    const kind = this.#enumTarget().type;
    return random
      .some(
        [
          'n: Int = 3',
          'flag: Boolean',
          'text: String! = "x"',
          `filter: ${input}`,
          'ids: [ID!]',
          `kind: ${kind} = GREEN`,
          'size: Float',
        ],
        random.between(1, 2),
      )
      .join(', ');
  }
}
