/**
 * Small subgraphs in which much depends on much: what is hard to plan, and little else. Some do not compose.
 *
 * Keys are nested and go through other entities; fields require what lies several objects away and what itself requires
 * something; interfaces are known as objects that require fields of theirs; types that implement an interface narrow its
 * fields; value types are split over subgraphs that share the fields that lead to them; fields are provided, overridden
 * and shared. Over 300 lines: one method per thing that may occur.
 */
import { type RandomSource } from './random-source';
import { type SubgraphSource } from './random-world';

export const intricateSubgraphs = (random: RandomSource): SubgraphSource[] =>
  new IntricateDraft(random).subgraphs();

/** A field of the whole graph. */
interface ModelField {
  readonly name: string;
  readonly type: string;
}

interface ModelType {
  readonly name: string;
  readonly kind: 'entity' | 'value' | 'interface' | 'union' | 'media';
  readonly fields: Map<string, ModelField>;
  /** Possible types of an interface or union. */
  readonly members: readonly string[];
  /** Keys of an entity: their texts, and the fields that they begin with. */
  readonly keys: readonly Key[];
  /** Subgraphs differ in which fields of a value they know. */
  readonly isSplit: boolean;
}

interface Key {
  readonly text: string;
  readonly fields: readonly ModelField[];
}

interface Declared {
  readonly keyword: 'type' | 'interface' | 'union';
  readonly directives: Set<string>;
  readonly implements: Set<string>;
  readonly fields: Map<string, { readonly type: string; readonly directives: Set<string> }>;
  readonly items: readonly string[];
}

interface Draft {
  readonly name: string;
  readonly types: Map<string, Declared>;
  /** Entities of which it resolves fields. */
  readonly entities: Set<string>;
}

const leaves = ['ID', 'String', 'Int', 'Float', 'Boolean'];
const external = '@external';

class IntricateDraft {
  readonly #random: RandomSource;
  readonly #drafts: Draft[];
  readonly #types = new Map<string, ModelType>();
  #names = 0;

  constructor(random: RandomSource) {
    this.#random = random;
    this.#drafts = ['alpha', 'beta', 'gamma', 'delta']
      .slice(0, random.between(2, 4))
      .map((name) => ({ name, types: new Map(), entities: new Set() }));
    this.#drawTypes();
    if (random.chance(0.5)) this.#drawMedia();
    this.#drawFields();
    this.#drawRoots();
    this.#drawOverrides();
    for (let i = random.between(0, 3); i > 0; i--) this.#drawRequires();
    for (let i = random.between(0, 3); i > 0; i--) this.#drawProvides();
    for (let i = random.between(0, 2); i > 0; i--) this.#drawRequires();
    if (random.chance(0.25)) this.#drawKeyInParts();
    this.#share();
  }

  subgraphs(): SubgraphSource[] {
    const imports = ['key', 'requires', 'provides', 'external', 'shareable', 'override', 'interfaceObject'];
    const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: [${imports.map((name) => `"@${name}"`).join(', ')}])`;
    return this.#drafts.map(({ name, types }) => ({
      name,
      typeDefs: [link, ...[...types].map(([type, declared]) => print(type, declared))].join('\n\n'),
    }));
  }

  // --- What there is ---------------------------------------------------------------------------------------

  #drawTypes(): void {
    const random = this.#random;
    const values = random.some(['Money', 'Size'], random.between(1, 2));
    const entities = random.some(['User', 'Product', 'Order', 'Shop'], random.between(2, 3));
    for (const name of values) this.#define(name, 'value', { isSplit: random.chance(0.5) });
    for (const [i, name] of entities.entries()) this.#drawEntity(name, entities.slice(0, i));
    if (random.chance(0.6)) {
      for (const name of ['Square', 'Peak'])
        if (random.chance(0.5)) this.#define(name, 'value', { isSplit: random.chance(0.3) });
        else this.#drawEntity(name, []);
      this.#define('Spot', 'interface', { members: ['Square', 'Peak'] });
      this.#common('Spot', () => random.pick(leaves));
    }
    if (random.chance(0.7)) {
      const members = random.some([...entities, ...values], random.between(1, 3));
      this.#define('Named', 'interface', { members });
      this.#common('Named', () => random.pick(leaves));
      // A field that some members narrow.
      const name = this.#name();
      const wide = this.#types.has('Spot') ? 'Spot' : undefined;
      if (wide !== undefined) {
        const list = random.chance(0.3);
        const typeOf = (named: string): string =>
          list ? `[${named}]` : `${named}${named !== wide && random.chance(0.2) ? '!' : ''}`;
        this.#types.get('Named')!.fields.set(name, { name, type: typeOf(wide) });
        for (const member of members)
          this.#types
            .get(member)!
            .fields.set(name, { name, type: typeOf(random.pick([wide, 'Square', 'Peak'])) });
      }
    }
    if (random.chance(0.6)) {
      const all = [...this.#types.values()].filter(({ kind }) => kind === 'entity' || kind === 'value');
      this.#define('Found', 'union', {
        members: random.some(all, random.between(2, 3)).map(({ name }) => name),
      });
    }
  }

  #define(name: string, kind: ModelType['kind'], more: Partial<ModelType> = {}): ModelType {
    const type = { name, kind, fields: new Map(), members: [], keys: [], isSplit: false, ...more };
    this.#types.set(name, type);
    if (kind === 'value')
      for (let i = this.#random.between(2, 3); i > 0; i--) this.#field(type, this.#random.pick(leaves));
    return type;
  }

  #field(type: ModelType, named: string): ModelField {
    const name = this.#name();
    const field = { name, type: this.#wrapped(named) };
    type.fields.set(name, field);
    return field;
  }

  /** One or two fields of an interface, and of all its members. */
  #common(name: string, leaf: () => string): void {
    const type = this.#types.get(name)!;
    for (let i = this.#random.between(1, 2); i > 0; i--) {
      const field = this.#field(type, leaf());
      for (const member of type.members) this.#types.get(member)!.fields.set(field.name, field);
    }
  }

  /** @param others entities that keys may go through */
  #drawEntity(name: string, others: readonly string[]): ModelType {
    const random = this.#random;
    const keys: Key[] = [key('id', ['id', 'ID!'])];
    if (random.chance(0.5)) keys.push(key('sku', ['sku', 'String!']));
    if (random.chance(0.2)) keys.push(key('code region', ['code', 'String!'], ['region', 'Int!']));
    if (random.chance(0.25)) {
      const number = { name: 'number', type: 'ID!' };
      this.#types.set(`${name}Org`, {
        ...{ name: `${name}Org`, kind: 'value', members: [], keys: [], isSplit: false },
        fields: new Map([['number', number]]),
      });
      keys.push(key('org { number }', ['org', `${name}Org!`]));
    }
    if (others.length > 0 && random.chance(0.4)) {
      const other = this.#types.get(random.pick(others))!;
      keys.push(key(`of { ${other.keys[0]!.text} }`, ['of', `${other.name}!`]));
    }
    const chosen = random.some(keys, random.between(1, 3));
    const type = this.#define(name, 'entity', { keys: chosen });
    for (const { fields } of chosen) for (const field of fields) type.fields.set(field.name, field);
    for (const draft of random.some(this.#drafts, random.between(1, this.#drafts.length)))
      draft.entities.add(name);
    return type;
  }

  /** An interface with a key, which other subgraphs know as one object. */
  #drawMedia(): void {
    const random = this.#random;
    const [home, ...rest] = random.shuffled(this.#drafts) as [Draft, ...Draft[]];
    const objects = random.some(rest, random.between(1, rest.length));
    const members = random.some(['Book', 'Film', 'Song'], random.between(1, 3));
    const id = key('id', ['id', 'ID!']);
    for (const name of members) {
      const type = this.#define(name, 'entity', { keys: [id] });
      type.fields.set('id', id.fields[0]!);
      home.entities.add(name);
      for (const draft of rest) if (!objects.includes(draft) && random.chance(0.5)) draft.entities.add(name);
    }
    const media = this.#define('Media', 'media', { members, keys: [id] });
    media.fields.set('id', id.fields[0]!);
    this.#common('Media', () => random.pick(leaves));
    this.#media = { home, objects };
    const common = [...media.fields.values()];
    for (const draft of [home, ...objects]) this.#need(draft, 'Media');
    for (const field of common) {
      this.#add(home, 'Media', field);
      for (const name of members) this.#add(home, name, field);
    }
    for (const draft of objects)
      for (let i = random.between(1, 2); i > 0; i--) this.#drawField('Media', [draft]);
  }

  #media: { readonly home: Draft; readonly objects: readonly Draft[] } | undefined;

  #drawFields(): void {
    const random = this.#random;
    for (const type of [...this.#types.values()]) {
      const members = this.#drafts.filter(({ entities }) => entities.has(type.name));
      if (type.kind === 'entity') {
        for (const draft of members) this.#need(draft, type.name);
        // What it has of its interfaces is somewhere.
        for (const field of [...type.fields.values()])
          if (!type.keys.some(({ fields }) => fields.includes(field)))
            for (const draft of random.some(members, random.chance(0.3) ? 2 : 1))
              this.#add(draft, type.name, field);
        for (const draft of members)
          for (let i = random.between(1, 2); i > 0; i--) this.#drawField(type.name, [draft]);
        if (members.length > 1 && random.chance(0.6))
          this.#drawField(type.name, random.some(members, random.between(2, 3)));
      } else if (type.kind === 'value' && !isKeyPart(type.name) && random.chance(0.3)) {
        // Values within values.
        const others = [...this.#types.values()].filter(
          ({ kind, name }) => kind === 'entity' && !this.#isMedia(name),
        );
        const field = this.#field(type, random.pick(others).name);
        for (const draft of random.some(this.#drafts, 1))
          if (draft.types.has(type.name)) this.#add(draft, type.name, field);
      }
    }
  }

  /** A field, the same in each of the subgraphs. */
  #drawField(parent: string, drafts: readonly Draft[], named = this.#named(drafts)): ModelField {
    const name = this.#name();
    const field = { name, type: this.#wrapped(named) };
    this.#types.get(parent)?.fields.set(name, field);
    for (const draft of drafts) this.#add(draft, parent, field);
    return field;
  }

  /** A type that these subgraphs may know. */
  #named(drafts: readonly Draft[], composites = 0.5): string {
    if (!this.#random.chance(composites)) return this.#random.pick(leaves);
    const names = [...this.#types.values()].filter(
      ({ name }) => !isKeyPart(name) && drafts.every((draft) => this.#mayKnow(draft, name)),
    );
    return this.#random.pick(names).name;
  }

  #mayKnow(draft: Draft, name: string): boolean {
    const media = this.#media;
    const type = this.#types.get(name);
    if (type === undefined) return true;
    const { kind, members } = type;
    if (kind === 'media') return media!.home === draft || media!.objects.includes(draft);
    if (media?.objects.includes(draft) && this.#isMedia(name)) return false;
    return members.every((member) => this.#mayKnow(draft, member));
  }

  #isMedia(name: string): boolean {
    return this.#types.get('Media')?.members.includes(name) === true;
  }

  #drawRoots(): void {
    const random = this.#random;
    for (const draft of this.#drafts)
      for (let i = random.between(1, 2); i > 0; i--)
        this.#drawField('Query', [draft], this.#named([draft], 0.95));
    for (let i = random.between(0, 2); i > 0; i--) {
      const drafts = random.some(this.#drafts, random.between(2, this.#drafts.length));
      this.#drawField('Query', drafts, this.#named(drafts, 0.95));
    }
    // What leads to a split value is shared by all.
    for (const { name, isSplit } of this.#types.values())
      if (isSplit && random.chance(0.8)) this.#drawField('Query', this.#drafts, name);
    if (random.chance(0.4)) {
      const drafts = random.some(this.#drafts, random.between(1, 2));
      this.#drawField('Mutation', drafts, this.#named(drafts, 0.8));
    }
  }

  #drawOverrides(): void {
    const random = this.#random;
    for (const type of this.#types.values()) {
      if (type.kind !== 'entity' || !random.chance(0.25)) continue;
      const members = this.#drafts.filter(({ entities }) => entities.has(type.name));
      if (members.length < 2) continue;
      const [from, to] = random.shuffled(members) as [Draft, Draft];
      const moved = [...type.fields.values()].find(
        ({ name }) =>
          this.#homesOf(type.name, name).length === 1 &&
          this.#homesOf(type.name, name)[0] === from &&
          ![...from.types.get(type.name)!.implements].some((one) => from.types.get(one)!.fields.has(name)),
      );
      if (moved === undefined || !this.#mayKnow(to, bare(moved.type))) continue;
      const label = random.chance(0.4) ? `, label: "percent(${random.between(0, 100)})"` : '';
      this.#add(to, type.name, moved, `@override(from: "${from.name}"${label})`);
    }
  }

  /** Only earlier fields are required, so that nothing requires itself. */
  #drawRequires(): void {
    const random = this.#random;
    const all = [...this.#types.values()].filter(({ kind }) => kind === 'entity' || kind === 'media');
    const type = random.pick(all);
    const drafts =
      type.kind === 'media'
        ? this.#media!.objects
        : this.#drafts.filter(({ entities }) => entities.has(type.name));
    if (drafts.length === 0) return;
    const draft = random.pick(drafts);
    const selection = this.#external(draft, type, random.between(1, 3));
    if (selection === undefined) return;
    const name = this.#name();
    const field = {
      name,
      type: this.#wrapped(random.chance(0.8) ? random.pick(leaves) : this.#named([draft])),
    };
    this.#add(draft, type.name, field, `@requires(fields: "${selection}")`);
    type.fields.set(name, field);
  }

  /** Fields that a subgraph does not resolve, as text; the subgraph then declares them as external. */
  #external(draft: Draft, type: ModelType, depth: number, isProvided = false): string | undefined {
    const added: (() => void)[] = [];
    const text = this.#select(draft, type, depth, added, isProvided);
    if (text !== undefined) for (const add of added) add();
    return text;
  }

  #select(
    draft: Draft,
    type: ModelType,
    depth: number,
    added: (() => void)[],
    isProvided: boolean,
  ): string | undefined {
    const random = this.#random;
    if (type.kind === 'interface' || type.kind === 'union') {
      const member = random.pick(type.members);
      const below = this.#select(draft, this.#types.get(member)!, depth, added, isProvided);
      return below === undefined ? undefined : `... on ${member} { ${below} }`;
    }
    const texts: string[] = [];
    for (const field of random.some([...type.fields.values()], 5)) {
      if (texts.length === 2) break;
      const own = draft.types.get(type.name)?.fields.get(field.name);
      const isOwn = own !== undefined && !own.directives.has(external);
      if (this.#homesOf(type.name, field.name).length === 0) continue;
      // Composition takes keys that are provided somewhere for known everywhere.
      if (isProvided && type.keys.some(({ fields }) => fields.includes(field))) continue;
      const add = (): void => this.#add(draft, type.name, field, external);
      const below = this.#types.get(bare(field.type));
      if (below === undefined) {
        if (isOwn) continue;
        added.push(add);
        texts.push(field.name);
        continue;
      }
      if (depth === 0 || !this.#mayKnow(draft, below.name)) continue;
      if (isProvided && below.kind !== 'entity') continue;
      const { length } = added;
      added.push(add);
      const text = this.#select(draft, below, depth - 1, added, isProvided);
      if (text === undefined) added.length = length;
      else texts.push(`${field.name} { ${text} }`);
    }
    return texts.length === 0 ? undefined : texts.join(' ');
  }

  #drawProvides(): void {
    const random = this.#random;
    const draft = random.pick(this.#drafts);
    const places = [...draft.types].flatMap(([, { keyword, fields }]) =>
      keyword === 'type' ? [...fields.values()] : [],
    );
    const field = random
      .shuffled(places)
      .find(({ type, directives }) => directives.size === 0 && this.#types.has(bare(type)));
    if (field === undefined) return;
    const target = this.#types.get(bare(field.type))!;
    // Composition takes what is provided of a type without a key for known wherever the subgraph has the type.
    const types = target.kind === 'entity' ? [target] : target.members.map((name) => this.#types.get(name)!);
    if (target.kind === 'media' || !types.every(({ kind }) => kind === 'entity') || types.length === 0)
      return;
    const selection = this.#external(draft, target, random.between(0, 1), true);
    if (selection !== undefined) field.directives.add(`@provides(fields: "${selection}")`);
  }

  /** One subgraph knows an entity by a value of which each other one has a part. */
  #drawKeyInParts(): void {
    const random = this.#random;
    const [whole, ...others] = random.shuffled(this.#drafts) as [Draft, ...Draft[]];
    const id = { name: 'id', type: 'ID!' };
    const lock = { name: 'lock', type: 'Lock!' };
    const parts = others.map((_, i) => ({ name: `part${i}`, type: random.pick(['ID!', 'String!', 'Int!']) }));
    for (const draft of this.#drafts) {
      const isWhole = draft === whole;
      const key = isWhole ? `lock { ${parts.map(({ name }) => name).join(' ')} }` : 'id';
      this.#need(draft, 'Chest').directives.add(`@key(fields: "${key}")`);
      const own = { name: this.#name(), type: this.#wrapped(random.pick(leaves)) };
      for (const field of [id, lock, own]) this.#add(draft, 'Chest', field);
      for (const part of isWhole ? parts : [parts[others.indexOf(draft)]!]) this.#add(draft, 'Lock', part);
    }
    for (const draft of random.some(this.#drafts, 2))
      this.#add(draft, 'Query', { name: this.#name(), type: this.#wrapped('Chest') });
  }

  #homesOf(type: string, field: string): Draft[] {
    return this.#drafts.filter((draft) => {
      const own = draft.types.get(type)?.fields.get(field);
      return own !== undefined && !own.directives.has(external);
    });
  }

  /** What several subgraphs resolve, or provide, is shareable. */
  #share(): void {
    for (const draft of this.#drafts)
      for (const [name, { keyword, fields }] of draft.types)
        for (const [field, { directives }] of fields) {
          const others = this.#drafts.filter(
            (other) => other !== draft && other.types.get(name)?.fields.has(field),
          );
          const isOverridden = [...directives].some((one) => one.startsWith('@override'));
          if (keyword === 'type' && others.length > 0 && !directives.has(external) && !isOverridden)
            directives.add('@shareable');
        }
  }

  // --- Drafting --------------------------------------------------------------------------------------------

  #name(): string {
    return `f${++this.#names}`;
  }

  #wrapped(name: string): string {
    const type = this.#random.chance(0.25) ? `${name}!` : name;
    return this.#random.chance(0.2) ? `[${type}]` : type;
  }

  #add(draft: Draft, parent: string, { name, type }: ModelField, ...directives: string[]): void {
    const declared = this.#need(draft, parent);
    if (declared.fields.has(name)) return;
    declared.fields.set(name, { type, directives: new Set(directives) });
    if (this.#types.has(bare(type))) this.#need(draft, bare(type));
  }

  /** The type as the subgraph has to define it to speak of it. */
  #need(draft: Draft, name: string): Declared {
    const known = draft.types.get(name);
    if (known !== undefined) return known;
    const random = this.#random;
    const type = this.#types.get(name);
    const isObjectHere = type?.kind === 'media' && this.#media!.home !== draft;
    const isInterface = type?.kind === 'interface' || (type?.kind === 'media' && !isObjectHere);
    const declared: Declared = {
      keyword: type?.kind === 'union' ? 'union' : isInterface ? 'interface' : 'type',
      ...{ directives: new Set(), implements: new Set(), fields: new Map() },
      items: type?.members ?? [],
    };
    draft.types.set(name, declared);
    if (type === undefined) return declared;
    switch (type.kind) {
      case 'entity': {
        const isOwn = draft.entities.has(name);
        const keys = random.some(type.keys, isOwn ? random.between(1, type.keys.length) : 1);
        const isFixed = this.#media !== undefined && type.keys.length === 1;
        for (const { text, fields } of keys) {
          const isResolved = isOwn || (!isFixed && random.chance(0.3));
          declared.directives.add(`@key(fields: "${text}"${isResolved ? '' : ', resolvable: false'})`);
          for (const field of fields) this.#add(draft, name, field);
          this.#needKey(draft, text, fields);
        }
        if (this.#media?.home === draft && this.#isMedia(name)) declared.implements.add('Media');
        break;
      }
      case 'value':
        for (const field of random.some(
          [...type.fields.values()],
          type.isSplit ? random.between(1, type.fields.size) : type.fields.size,
        ))
          this.#add(draft, name, field);
        break;
      case 'union':
        for (const member of type.members) this.#need(draft, member);
        break;
      case 'interface': {
        const fields = random.some([...type.fields.values()], random.between(1, type.fields.size));
        for (const field of fields) this.#add(draft, name, field);
        for (const member of type.members) {
          const own = this.#need(draft, member);
          own.implements.add(name);
          const ownFields = this.#types.get(member)!.fields;
          for (const field of fields) {
            own.fields.get(field.name)?.directives.delete(external);
            this.#add(draft, member, ownFields.get(field.name)!);
          }
        }
        break;
      }
      case 'media':
        declared.directives.add('@key(fields: "id")');
        if (isObjectHere) declared.directives.add('@interfaceObject');
        this.#add(draft, name, type.fields.get('id')!);
        if (!isObjectHere) for (const member of type.members) this.#need(draft, member);
    }
    return declared;
  }

  /** A key through another entity selects that entity's own key. */
  #needKey(draft: Draft, text: string, [field]: readonly ModelField[]): void {
    if (!text.startsWith('of ')) return;
    const other = this.#types.get(bare(field!.type))!;
    for (const part of other.keys[0]!.fields) this.#add(draft, other.name, part);
    this.#needKey(draft, other.keys[0]!.text, other.keys[0]!.fields);
  }
}

/** Value types within keys have nothing else in them. */
const isKeyPart = (name: string): boolean => name.endsWith('Org');

const bare = (type: string): string => type.replace(/[[\]!]/g, '');

const key = (text: string, ...fields: readonly (readonly [name: string, type: string])[]): Key => ({
  text,
  fields: fields.map(([name, type]) => ({ name, type })),
});

function print(name: string, { keyword, directives, implements: all, fields, items }: Declared): string {
  const interfaces = all.size > 0 ? ` implements ${[...all].join(' & ')}` : '';
  const head = [`${keyword} ${name}${interfaces}`, ...directives].join(' ');
  if (keyword === 'union') return `${head} = ${items.join(' | ')}`;
  const lines = [...fields].map(([field, { type, directives: own }]) =>
    [`${field}: ${type}`, ...own].join(' '),
  );
  return `${head} {\n${lines.map((line) => `  ${line}\n`).join('')}}`;
}
