/**
 * Subgraphs drawn at random that mostly compose, with every directive of federation among them.
 *
 * A draft of each subgraph grows by demand: a field may be of any type, and `need` then brings the part of that
 * type that the subgraph has to have. Over 300 lines: one function per thing that may occur.
 */
import { type RandomSource } from './random-source';
import { type SubgraphSource } from './random-world';

export interface RandomGraphOptions {
  /** Adds `@context` and `@fromContext`. @default false */
  readonly context?: boolean;
}

export function randomSubgraphs(random: RandomSource, options: RandomGraphOptions = {}): SubgraphSource[] {
  return new GraphDraft(random, options).subgraphs();
}

interface FieldDraft {
  name: string;
  type: string;
  args: string;
  directives: string[];
}

interface TypeDraft {
  kind: 'type' | 'interface' | 'union' | 'enum' | 'input' | 'scalar';
  name: string;
  implements: Set<string>;
  directives: string[];
  fields: Map<string, FieldDraft>;
  /** Members of a union, values of an enum. */
  items: string[];
}

interface SubgraphDraft {
  readonly name: string;
  readonly types: Map<string, TypeDraft>;
}

/** A key: its selection, and the fields that it needs. */
interface Key {
  readonly selection: string;
  readonly fields: readonly (readonly [name: string, type: string])[];
}

/** An entity type, and the keys by which each subgraph that resolves it knows it. */
interface Entity {
  readonly name: string;
  readonly members: Map<SubgraphDraft, Key[]>;
  readonly keys: readonly Key[];
  /** Interface with a key that the entity implements. */
  readonly interface?: string;
}

interface ValueType {
  readonly name: string;
  readonly fields: FieldDraft[];
  /** Which fields a subgraph has, when not all. */
  readonly split: boolean;
}

const namespace = 'Shop';
const scalars = ['ID', 'String', 'Int', 'Float', 'Boolean'];
const imports = [
  '@key',
  '@requires',
  '@provides',
  '@external',
  '@shareable',
  '@override',
  '@inaccessible',
  '@tag',
  '@interfaceObject',
];

/** Of clients, for subgraphs: what all define alike is in the merged schema. */
const directives = `directive @note(text: String) on FIELD
directive @part(text: String) on INLINE_FRAGMENT | FRAGMENT_SPREAD`;

class GraphDraft {
  readonly #random: RandomSource;
  readonly #options: RandomGraphOptions;
  readonly #drafts: SubgraphDraft[];
  readonly #entities: Entity[] = [];
  readonly #values: ValueType[] = [];
  readonly #enums: { name: string; values: string[]; input: boolean }[] = [];
  readonly #inputs: { name: string; fields: string[] }[] = [];
  readonly #unions: { name: string; members: string[] }[] = [];
  /** Plain interfaces: who implements them where it is needed. */
  readonly #interfaces: { name: string; fields: FieldDraft[]; members: string[] }[] = [];
  readonly #entityInterfaces: { name: string; home: SubgraphDraft; objects: SubgraphDraft[] }[] = [];
  readonly #hasDirectives: boolean;
  #names = 0;

  constructor(random: RandomSource, options: RandomGraphOptions) {
    this.#random = random;
    this.#options = options;
    this.#hasDirectives = random.chance(0.4);
    const count = random.between(2, 4);
    this.#drafts = ['alpha', 'beta', 'gamma', 'delta']
      .slice(0, count)
      .map((name) => ({ name, types: new Map() }));
    this.#drawTypes();
    this.#drawFields();
    this.#drawRequires();
    this.#drawProvides();
    this.#drawOverrides();
    this.#drawRoots();
    this.#fitInterfaces();
    if (random.chance(0.3)) this.#drawHollowInterface();
    if (random.chance(0.3)) this.#drawUnlike();
    if (options.context) this.#drawContext();
    this.#decorate();
  }

  subgraphs(): SubgraphSource[] {
    const names = this.#options.context ? [...imports, '@context', '@fromContext'] : imports;
    const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ${JSON.stringify(names)})`;
    return this.#drafts.map(({ name, types }) => ({
      name,
      typeDefs: [
        link,
        ...(this.#hasDirectives ? [directives] : []),
        ...[...types.values()].map(printType),
      ].join('\n\n'),
    }));
  }

  // --- What there is ---------------------------------------------------------------------------------------

  #drawTypes(): void {
    const random = this.#random;
    for (const [i, name] of ['Shade', 'Size'].entries())
      this.#enums.push({
        name,
        values: ['RED', 'GREEN', 'BLUE', 'NONE'].slice(0, random.between(2, 4)),
        input: i === 0,
      });
    this.#inputs.push({
      name: 'Filter',
      fields: [
        'text: String = "ä\\"x"',
        'limit: Int! = 3',
        'shades: [Shade!]',
        'nested: Filter',
        'anything: Json',
      ],
    });
    for (const name of random.some(['Money', 'Dimensions', 'Note'], random.between(1, 3)))
      this.#values.push({ name, split: random.chance(0.35), fields: [] });
    for (const name of random.some(['User', 'Product', 'Review', 'Order'], random.between(2, 4)))
      this.#drawEntity(name);
    if (this.#drafts.length > 1 && random.chance(0.4)) this.#drawEntityInterface();
    for (const name of random.some(['Found', 'Thing'], random.between(0, 2))) {
      const members = random.some(
        [...this.#entities.map((entity) => entity.name), ...this.#values.map((value) => value.name)],
        random.between(2, 3),
      );
      this.#unions.push({ name, members });
    }
    if (random.chance(0.6)) this.#drawInterface();
    if (random.chance(0.3)) this.#drawNamespace();
    for (const value of this.#values.filter((one) => !isKeyPart(one.name)))
      for (let i = random.between(2, 3); i > 0; i--)
        value.fields.push({
          name: this.#name(),
          type: this.#wrapped(random.pick([...scalars, 'Size', 'Json'])),
          args: '',
          directives: [],
        });
    const [first, second] = this.#values.filter((one) => !isKeyPart(one.name));
    if (first && second && random.chance(0.5))
      first.fields.push({
        name: this.#name(),
        type: this.#wrapped(second.name, 1),
        args: '',
        directives: [],
      });
  }

  #drawEntity(name: string, within?: { interface: string; home: SubgraphDraft }): void {
    const random = this.#random;
    const id: Key = { selection: 'id', fields: [['id', 'ID!']] };
    const others: Key[] = [
      { selection: 'sku', fields: [['sku', random.pick(['String!', 'Int!', 'ID!'])]] },
      {
        selection: 'code region',
        fields: [
          ['code', 'String!'],
          ['region', 'Int!'],
        ],
      },
      { selection: 'org { number }', fields: [['org', `${name}Org!`]] },
    ];
    const alternative = random.chance(0.45) ? random.pick(others) : undefined;
    if (alternative?.selection.startsWith('org'))
      this.#values.push({
        name: `${name}Org`,
        split: false,
        fields: [{ name: 'number', type: 'ID!', args: '', directives: [] }],
      });
    const members = new Map<SubgraphDraft, Key[]>();
    for (const [i, draft] of random.some(this.#drafts, random.between(1, this.#drafts.length)).entries()) {
      let keys = [id];
      if (alternative && i === 0) keys = random.chance(0.5) ? [id, alternative] : [alternative, id];
      else if (alternative && random.chance(0.4)) keys = [alternative];
      members.set(draft, keys);
    }
    // An entity of an interface is there where the interface is, and by the interface's key.
    if (within)
      members.set(within.home, [id, ...(members.get(within.home) ?? []).filter((key) => key !== id)]);
    const entity: Entity = {
      name,
      members,
      keys: alternative ? [id, alternative] : [id],
      ...(within && { interface: within.interface }),
    };
    this.#entities.push(entity);
    for (const draft of members.keys()) this.#need(draft, name);
  }

  /** The one object of its type, which all know by nothing else. */
  #drawNamespace(): void {
    const key: Key = { selection: '__typename', fields: [] };
    const members = new Map(this.#drafts.map((draft) => [draft, [key]]));
    this.#entities.push({ name: namespace, members, keys: [key] });
    for (const draft of this.#drafts) this.#need(draft, namespace);
  }

  #drawEntityInterface(): void {
    const [home, ...rest] = this.#random.shuffled(this.#drafts);
    const name = 'Media';
    const objects = this.#random.some(rest, this.#random.between(1, rest.length));
    this.#entityInterfaces.push({ name, home: home!, objects });
    for (const entity of this.#random.some(['Book', 'Film', 'Song'], this.#random.between(1, 3)))
      this.#drawEntity(entity, { interface: name, home: home! });
    // The object subgraphs know the interface as if it were one type: its implementations are not theirs.
    for (const entity of this.#entities)
      if (entity.interface)
        for (const draft of objects) {
          entity.members.delete(draft);
          draft.types.delete(entity.name);
        }
    for (const draft of [home!, ...objects]) this.#need(draft, name);
  }

  #drawInterface(): void {
    const random = this.#random;
    const fields = [
      {
        name: 'label',
        type: random.pick(['String', 'String!', '[String]']),
        args: '',
        directives: [] as string[],
      },
    ];
    const entities = random.some(this.#entities, random.between(1, 3));
    const values = random.some(
      this.#values.filter((one) => !isKeyPart(one.name)),
      random.between(0, 1),
    );
    this.#interfaces.push({
      name: 'Named',
      fields,
      members: [...entities, ...values].map((member) => member.name),
    });
    for (const value of values) value.fields.push(...fields.map((field) => ({ ...field, directives: [] })));
    for (const entity of entities)
      for (const field of fields)
        for (const draft of random.some([...entity.members.keys()], random.between(1, 2)))
          this.#add(draft, entity.name, { ...field, directives: ['@shareable'] });
  }

  #drawFields(): void {
    const random = this.#random;
    for (const entity of this.#entities)
      for (const draft of entity.members.keys())
        for (let i = random.between(1, 3); i > 0; i--) this.#drawField([draft], entity.name);
    for (const entity of this.#entities) {
      const members = [...entity.members.keys()];
      if (members.length > 1)
        for (let i = random.between(0, 2); i > 0; i--)
          this.#drawField(random.some(members, random.between(2, members.length)), entity.name);
    }
    for (const { name, home, objects } of this.#entityInterfaces) {
      for (const draft of objects)
        for (let i = random.between(1, 2); i > 0; i--) this.#drawField([draft], name);
      const field = {
        name: this.#name(),
        type: random.pick(['String', 'Int!', '[ID!]']),
        args: '',
        directives: [],
      };
      this.#add(home, name, field);
      for (const entity of this.#entities)
        if (entity.interface === name) this.#add(home, entity.name, { ...field, directives: [] });
    }
    // A type that is split over subgraphs is whole only where all of them can be asked for it.
    for (const value of this.#values) {
      if (!value.split) continue;
      const entity = random.pick(this.#entities.filter((one) => !one.interface));
      const type = this.#wrapped(value.name);
      const field = { name: this.#name(), type, args: '', directives: ['@shareable'] };
      for (const draft of entity.members.keys()) this.#add(draft, entity.name, { ...field });
    }
  }

  /** One field, the same in each of the subgraphs. */
  #drawField(drafts: SubgraphDraft[], parent: string, type = this.#outputType(drafts)): FieldDraft {
    const field: FieldDraft = {
      name: this.#name(),
      type,
      args: this.#random.chance(0.25) ? this.#arguments() : '',
      directives: [],
    };
    for (const [i, draft] of drafts.entries())
      this.#add(draft, parent, {
        ...field,
        // One of several may promise more than the merged schema does; of an object, what is in it could break that.
        type:
          i > 0 && !type.endsWith('!') && this.#random.chance(0.6) && this.#isLeaf(type) ? `${type}!` : type,
        directives: drafts.length > 1 ? ['@shareable'] : [],
      });
    return field;
  }

  #drawRequires(): void {
    const random = this.#random;
    for (const entity of this.#entities) {
      const members = [...entity.members.keys()];
      if (members.length < 2 || !random.chance(0.7)) continue;
      for (let i = random.between(1, 2); i > 0; i--) {
        const [from, to] = random.shuffled(members) as [SubgraphDraft, SubgraphDraft];
        const candidates = [...from.types.get(entity.name)!.fields.values()].filter(
          (field) =>
            !to.types.get(entity.name)!.fields.has(field.name) &&
            !field.directives.some((directive) => directive.startsWith('@requires')),
        );
        const wanted = random.some(candidates, random.between(1, 2)).flatMap((field) => {
          const selection = this.#selectionOf(from, field);
          return selection === undefined ? [] : [{ field, selection }];
        });
        if (wanted.length === 0) continue;
        for (const { field } of wanted) this.#add(to, entity.name, { ...field, directives: ['@external'] });
        const requires = `@requires(fields: ${JSON.stringify(wanted.map(({ selection }) => selection).join(' '))})`;
        const type = this.#wrapped(random.pick(scalars));
        this.#add(to, entity.name, {
          name: this.#name(),
          type,
          args: random.chance(0.2) ? this.#arguments() : '',
          directives: [requires],
        });
      }
    }
  }

  /** How `@requires` and `@provides` may select a field; undefined where that would need more than a field of values. */
  #selectionOf(draft: SubgraphDraft, field: FieldDraft): string | undefined {
    // Defaults of defaults are a subgraph's own business.
    if (field.args.includes(': Filter')) return undefined;
    const named = bare(field.type);
    const args = literalArguments(field.args);
    const value = this.#values.find((one) => one.name === named);
    if (value) {
      const leaf = [...draft.types.get(named)!.fields.values()].find((one) => this.#isLeaf(one.type));
      return leaf && !value.split ? `${field.name}${args} { ${leaf.name} }` : undefined;
    }
    return this.#isLeaf(field.type) ? field.name + args : undefined;
  }

  #isLeaf(type: string): boolean {
    const named = bare(type);
    return scalars.includes(named) || named === 'Json' || this.#enums.some((one) => one.name === named);
  }

  #drawProvides(): void {
    const random = this.#random;
    for (const draft of this.#drafts) {
      for (const type of [...draft.types.values()]) {
        if (type.kind !== 'type' || !random.chance(0.3)) continue;
        for (const field of type.fields.values()) {
          const target = this.#entities.find(
            (entity) => entity.name === bare(field.type) && !entity.interface,
          );
          if (!target || field.directives.length > 0) continue;
          const source = [...target.members.keys()].find((other) => other !== draft);
          const here = draft.types.get(target.name)!;
          const provided =
            source &&
            [...source.types.get(target.name)!.fields.values()].find(
              (one) =>
                !here.fields.has(one.name) &&
                this.#isLeaf(one.type) &&
                one.args === '' &&
                !one.directives.some((d) => d !== '@shareable'),
            );
          if (!provided) continue;
          this.#add(draft, target.name, { ...provided, directives: ['@external'] });
          for (const other of target.members.keys()) {
            const own = other.types.get(target.name)!.fields.get(provided.name);
            if (
              other !== draft &&
              own &&
              !own.directives.includes('@shareable') &&
              !own.directives.includes('@external')
            )
              own.directives.push('@shareable');
          }
          field.directives.push(`@provides(fields: ${JSON.stringify(provided.name)})`);
          break;
        }
      }
    }
  }

  #drawOverrides(): void {
    const random = this.#random;
    for (const entity of this.#entities) {
      const members = [...entity.members.keys()];
      if (members.length < 2 || !random.chance(0.3)) continue;
      const [from, to] = random.shuffled(members) as [SubgraphDraft, SubgraphDraft];
      const moved = [...from.types.get(entity.name)!.fields.values()].find(
        (field) =>
          field.directives.length === 0 &&
          this.#selectionOf(from, field) !== undefined &&
          !entity.keys.some((key) => key.fields.some(([name]) => name === field.name)) &&
          !this.#drafts.some(
            (draft) => draft !== from && draft.types.get(entity.name)?.fields.has(field.name),
          ),
      );
      if (!moved || (entity.interface && from.types.get(entity.interface)?.fields.has(moved.name))) continue;
      const label = random.chance(0.4) ? `, label: "percent(${random.between(0, 100)})"` : '';
      this.#add(to, entity.name, { ...moved, directives: [`@override(from: "${from.name}"${label})`] });
    }
  }

  #drawRoots(): void {
    const random = this.#random;
    for (const draft of this.#drafts) {
      for (let i = random.between(2, 4); i > 0; i--)
        this.#drawField([draft], 'Query', this.#outputType([draft], 0.8));
      if (random.chance(0.6))
        for (let i = random.between(1, 2); i > 0; i--)
          this.#drawField([draft], 'Mutation', this.#outputType([draft], 0.5));
    }
    if (random.chance(0.5)) this.#drawField(random.some(this.#drafts, 2), 'Query');
    if (this.#entities.some(({ name }) => name === namespace))
      this.#drawField([random.pick(this.#drafts)], 'Query', namespace);
  }

  /** An interface has, in each subgraph, the fields that all its implementations have there. */
  #fitInterfaces(): void {
    for (const { name, fields, members } of this.#interfaces) {
      for (const draft of this.#drafts) {
        const type = draft.types.get(name);
        if (!type) continue;
        const present = members.filter((member) => draft.types.has(member));
        const hasId = members.every((member) => this.#entities.some((entity) => entity.name === member));
        const shared = [...fields.map((field) => field.name), ...(hasId ? ['id'] : [])].filter((field) =>
          present.every((member) => {
            const own = draft.types.get(member)!.fields.get(field);
            return own && !own.directives.includes('@external');
          }),
        );
        const names = shared.length > 0 ? shared : [hasId ? 'id' : 'label'];
        // The planner asks for nothing that is of an interface which no type implements: a subgraph could only answer
        // nulls, or empty lists, and the client gets a null instead.
        const [first] = present.map((member) => draft.types.get(member)!);
        if (hasId && !present.some((member) => draft.types.get(member)!.fields.has('id')))
          first?.fields.set('id', { name: 'id', type: 'ID!', args: '', directives: ['@shareable'] });
        for (const member of present) {
          const own = draft.types.get(member)!;
          if (names.every((field) => own.fields.has(field))) own.implements.add(name);
        }
        for (const field of names) {
          const { type: fieldType } =
            field === 'id' ? { type: 'ID!' } : fields.find((one) => one.name === field)!;
          type.fields.set(field, { name: field, type: fieldType, args: '', directives: [] });
        }
      }
    }
  }

  /** Types of a union with a field that is alike in the merged schema only: in one subgraph, that of one is never null. */
  #drawUnlike(): void {
    const [draft, other] = this.#random.shuffled(this.#drafts) as [SubgraphDraft, SubgraphDraft];
    const field = { name: this.#name(), type: 'String', args: '', directives: [] };
    for (const where of [draft, other]) this.#define(where, 'type', 'Left', ['@shareable']);
    this.#define(draft, 'type', 'Right');
    this.#define(draft, 'union', 'Pair').items = ['Left', 'Right'];
    this.#add(draft, 'Left', { ...field, type: 'String!', directives: [] });
    this.#add(other, 'Left', { ...field, directives: [] });
    this.#add(draft, 'Right', { ...field, directives: [] });
    this.#drawField([draft], 'Query', this.#wrapped('Pair'));
    this.#drawField([other], 'Query', this.#wrapped('Left'));
  }

  /** One that a subgraph has no types of, so that it can answer null only, though another one has fields of it. */
  #drawHollowInterface(): void {
    const random = this.#random;
    const [draft, other] = random.shuffled(this.#drafts) as [SubgraphDraft, SubgraphDraft];
    const add = (where: SubgraphDraft, parent: string, type: string): void =>
      this.#add(where, parent, { name: this.#name(), type, args: '', directives: [] });
    this.#define(draft, 'interface', 'Bare', ['@key(fields: "id")']);
    this.#define(other, 'type', 'Bare', ['@interfaceObject', '@key(fields: "id")']);
    for (const where of [draft, other])
      this.#add(where, 'Bare', { name: 'id', type: 'ID!', args: '', directives: [] });
    add(other, 'Bare', 'String');
    for (const parent of ['Query', ...random.some(this.#membersOf(draft), 1)])
      add(draft, parent, random.pick(['Bare', '[Bare]']));
  }

  /** The entities that a subgraph has fields of. */
  #membersOf(draft: SubgraphDraft): string[] {
    return this.#entities.filter(({ members }) => members.has(draft)).map(({ name }) => name);
  }

  /** Things that are owned know the tone of their owner, however far around them it is. */
  #drawContext(): void {
    const random = this.#random;
    const [draft, other] = random.shuffled(this.#drafts) as [SubgraphDraft, SubgraphDraft];
    const key = '@key(fields: "id")';
    const add = (where: SubgraphDraft, parent: string, name: string, type: string, args = ''): void =>
      this.#add(where, parent, { name, type, args, directives: [] });
    this.#define(draft, 'type', 'Owner', [key, '@context(name: "owner")']);
    this.#define(draft, 'type', 'Box');
    for (const where of [draft, other]) {
      this.#define(where, 'type', 'Owned', [key]);
      add(where, 'Owned', 'id', 'ID!');
    }
    this.#define(other, 'type', 'Owner', [key]);
    for (const where of [draft, other]) add(where, 'Owner', 'id', 'ID!');
    add(draft, 'Owner', 'tone', random.pick(['String', 'Int', '[String!]']));
    add(draft, 'Owner', 'owned', this.#wrapped('Owned', 2));
    add(draft, 'Owner', 'box', this.#wrapped('Box', 1));
    add(draft, 'Box', 'owned', this.#wrapped('Owned', 1));
    // Some of the objects on a shelf are owners, too.
    this.#define(draft, 'interface', 'Shelf');
    this.#define(draft, 'type', 'Loft', [key, '@context(name: "owner")']);
    add(draft, 'Loft', 'id', 'ID!');
    const ofShelf = this.#wrapped('Owned', 1);
    for (const name of ['Shelf', 'Box', 'Loft']) add(draft, name, 'stored', ofShelf);
    for (const name of ['Box', 'Loft']) draft.types.get(name)!.implements.add('Shelf');
    add(draft, 'Owner', 'shelf', this.#wrapped('Shelf', 1));
    // A field below the owner may be resolved elsewhere.
    for (const where of [draft, other]) {
      this.#define(where, 'type', 'Label', [key]);
      add(where, 'Label', 'id', 'ID!');
      this.#add(where, 'Label', {
        ...{ name: 'ink', type: 'String', args: '' },
        directives: where === draft ? ['@external'] : [],
      });
    }
    for (const [field, from, below] of [
      ['told', 'tone', ''],
      ['heard', 'pitch', ''],
      ['read', 'label', ' { ink }'],
    ] as const) {
      if (from === 'pitch') add(draft, 'Owner', from, random.pick(['String', 'Int']));
      if (from === 'label') add(draft, 'Owner', from, random.pick(['Label', 'Label!']));
      const { type } = draft.types.get('Owner')!.fields.get(from)!;
      add(draft, 'Loft', from, type);
      const argument = `(tone: ${below === '' ? type : 'String'} @fromContext(field: "$owner { ${from}${below} }"))`;
      add(draft, 'Owned', field, this.#wrapped('String', 1), argument);
    }
    add(other, 'Owned', 'plain', this.#wrapped('Int', 1));
    for (const where of [draft, other]) add(where, 'Query', this.#name(), this.#wrapped('Owner'));
  }

  #decorate(): void {
    const random = this.#random;
    for (const { types } of this.#drafts) {
      for (const type of types.values()) {
        if (type.kind === 'input' || type.kind === 'union' || type.kind === 'scalar') continue;
        if (random.chance(0.1)) type.directives.push('@tag(name: "team-a")');
        for (const field of type.fields.values()) {
          if (field.directives.includes('@external')) continue;
          if (random.chance(0.06)) field.directives.push('@tag(name: "internal")');
          const isKey = this.#entities.some((entity) =>
            entity.keys.some((key) => key.fields.some(([name]) => name === field.name)),
          );
          if (
            random.chance(0.04) &&
            type.kind === 'type' &&
            !isKey &&
            !isKeyPart(type.name) &&
            type.implements.size === 0 &&
            !['Query', 'Mutation'].includes(type.name)
          )
            field.directives.push('@inaccessible');
        }
        if (type.kind === 'enum' && type.name === 'Size' && random.chance(0.3))
          type.items.push(`${type.items.pop()!} @inaccessible`);
      }
    }
  }

  // --- Drafting --------------------------------------------------------------------------------------------

  #name(): string {
    return `f${++this.#names}`;
  }

  #add(draft: SubgraphDraft, parent: string, field: FieldDraft): void {
    if (parent === 'Query' || parent === 'Mutation') this.#define(draft, 'type', parent);
    this.#need(draft, bare(field.type));
    for (const named of field.args.matchAll(/\w: \[*([A-Z]\w*)/g)) this.#need(draft, named[1]!);
    this.#need(draft, parent).fields.set(field.name, field);
  }

  #define(draft: SubgraphDraft, kind: TypeDraft['kind'], name: string, directives: string[] = []): TypeDraft {
    const known = draft.types.get(name);
    if (known) return known;
    const type: TypeDraft = { kind, name, implements: new Set(), directives, fields: new Map(), items: [] };
    draft.types.set(name, type);
    return type;
  }

  /** The type as the subgraph has to define it to be able to speak of it. */
  #need(draft: SubgraphDraft, name: string): TypeDraft {
    const known = draft.types.get(name);
    if (known) return known;
    const random = this.#random;
    const entity = this.#entities.find((one) => one.name === name);
    if (entity) {
      const own = entity.members.get(draft);
      const keys = own ?? [random.pick(entity.keys)];
      const stub = own ? '' : random.pick([', resolvable: false', '']);
      const unresolved =
        own && random.chance(0.15) ? entity.keys.find((key) => !own.includes(key)) : undefined;
      const type = this.#define(draft, 'type', name, [
        ...(unresolved ? [`@key(fields: "${unresolved.selection}", resolvable: false)`] : []),
        ...keys.map((key) => `@key(fields: "${key.selection}"${stub})`),
      ]);
      for (const key of unresolved ? [unresolved, ...keys] : keys)
        for (const [field, fieldType] of key.fields)
          this.#add(draft, name, { name: field, type: fieldType, args: '', directives: [] });
      if (
        entity.interface &&
        this.#entityInterfaces.some((one) => one.name === entity.interface && one.home === draft)
      ) {
        this.#need(draft, entity.interface);
        type.implements.add(entity.interface);
      }
      return type;
    }
    const value = this.#values.find((one) => one.name === name);
    if (value) {
      const type = this.#define(draft, 'type', name, ['@shareable']);
      const fields = value.split
        ? random.some(value.fields, random.between(1, value.fields.length))
        : value.fields;
      for (const field of fields) this.#add(draft, name, { ...field, directives: [] });
      return type;
    }
    const union = this.#unions.find((one) => one.name === name);
    if (union) {
      const type = this.#define(draft, 'union', name);
      type.items = random.chance(0.2) ? union.members.slice(0, -1) : union.members;
      for (const member of type.items) this.#need(draft, member);
      return type;
    }
    const anInterface = this.#interfaces.find((one) => one.name === name);
    if (anInterface) {
      const type = this.#define(draft, 'interface', name);
      if (!anInterface.members.some((member) => draft.types.get(member)?.fields.has('id')))
        this.#need(draft, anInterface.members[0]!);
      return type;
    }
    const entityInterface = this.#entityInterfaces.find((one) => one.name === name);
    if (entityInterface) {
      const isHome = entityInterface.home === draft;
      const directives = isHome ? ['@key(fields: "id")'] : ['@interfaceObject', '@key(fields: "id")'];
      const type = this.#define(draft, isHome ? 'interface' : 'type', name, directives);
      type.fields.set('id', { name: 'id', type: 'ID!', args: '', directives: [] });
      return type;
    }
    const anEnum = this.#enums.find((one) => one.name === name);
    if (anEnum) {
      const type = this.#define(draft, 'enum', name);
      const items =
        anEnum.input || random.chance(0.7)
          ? [...anEnum.values]
          : random.some(anEnum.values, random.between(1, anEnum.values.length));
      // One is known to all, for fields that several subgraphs resolve and one of them may not leave null.
      const first = anEnum.values[0]!;
      type.items = items.includes(first) ? items : [first, ...items];
      return type;
    }
    const input = this.#inputs.find((one) => one.name === name);
    if (input) {
      const type = this.#define(draft, 'input', name);
      type.items = input.fields;
      for (const needed of ['Shade', 'Json']) this.#need(draft, needed);
      return type;
    }
    if (scalars.includes(name))
      return { kind: 'scalar', name, implements: new Set(), directives: [], fields: new Map(), items: [] };
    return this.#define(draft, 'scalar', name);
  }

  #outputType(drafts: readonly SubgraphDraft[], composites = 0.4): string {
    const random = this.#random;
    if (!random.chance(composites))
      return this.#wrapped(random.pick([...scalars, ...scalars, 'Shade', 'Size', 'Json']));
    const names = [
      ...this.#entities.filter((entity) => !this.#isHidden(entity, drafts)).map((entity) => entity.name),
      ...this.#values.filter((value) => !value.split && !isKeyPart(value.name)).map((value) => value.name),
      ...this.#unions
        .map((union) => union.name)
        .filter((name) => drafts.every((draft) => this.#mayUse(draft, name))),
      ...this.#interfaces
        .map((one) => one.name)
        .filter((name) => drafts.every((draft) => this.#mayUse(draft, name))),
      ...this.#entityInterfaces
        .filter((one) => drafts.every((draft) => draft === one.home || one.objects.includes(draft)))
        .map((one) => one.name),
    ];
    return this.#wrapped(random.pick(names));
  }

  /** Where an interface is known as one object, its implementations are not. */
  #isHidden(entity: Entity, drafts: readonly SubgraphDraft[]): boolean {
    const anInterface = this.#entityInterfaces.find((one) => one.name === entity.interface);
    return anInterface !== undefined && drafts.some((draft) => anInterface.objects.includes(draft));
  }

  #mayUse(draft: SubgraphDraft, abstract: string): boolean {
    const { members } = [...this.#unions, ...this.#interfaces].find((one) => one.name === abstract)!;
    return members.every((member) => {
      const entity = this.#entities.find((one) => one.name === member);
      const value = this.#values.find((one) => one.name === member);
      return entity ? !this.#isHidden(entity, [draft]) : !value?.split;
    });
  }

  #wrapped(name: string, lists = 2): string {
    const random = this.#random;
    const maybe = (type: string) => (random.chance(0.3) ? `${type}!` : type);
    let type = maybe(name);
    for (let i = 0; i < lists && random.chance(0.25); i++) type = maybe(`[${type}]`);
    return type;
  }

  #arguments(): string {
    const random = this.#random;
    const kinds = [
      'a: Int = 7',
      'b: String',
      'c: Shade',
      'd: Filter',
      'e: [ID!]',
      'f: Boolean! = true',
      'g: [[Int]]',
      'h: Json',
      'i: Float = 1.5',
      'j: Filter = { limit: 5, nested: { text: null } }',
    ];
    return `(${random.some(kinds, random.between(1, 3)).sort().join(', ')})`;
  }
}

/** Value types within keys have nothing else in them. */
const isKeyPart = (name: string): boolean => name.endsWith('Org');

const bare = (type: string): string => type.replace(/[[\]!]/g, '');

/** Arguments for a selection of `@requires`: some are left to their defaults. */
function literalArguments(args: string): string {
  const chosen = ['a: 3', 'b: "ü"', 'c: RED', 'e: ["x"]'].filter((literal) =>
    args.includes(`${literal.slice(0, 2)} `),
  );
  return chosen.length === 0 ? '' : `(${chosen.join(', ')})`;
}

function printType({ kind, name, implements: interfaces, directives, fields, items }: TypeDraft): string {
  const head = [
    kind,
    name,
    ...(interfaces.size > 0 ? ['implements', [...interfaces].join(' & ')] : []),
    ...new Set(directives),
  ].join(' ');
  if (kind === 'scalar') return head;
  if (kind === 'union') return `${head} = ${items.join(' | ')}`;
  const lines =
    kind === 'enum' || kind === 'input'
      ? items
      : [...fields.values()].map((field) =>
          [`${field.name}${field.args}: ${field.type}`, ...field.directives].join(' '),
        );
  return `${head} {\n${lines.map((line) => `  ${line}\n`).join('')}}`;
}
