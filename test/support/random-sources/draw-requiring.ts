/** Draws fields of entities that need what others have: answered by root fields, or by fields with arguments. */
import { type FieldDrawing } from './draw-fields';
import { canonical, type Entity, type Key, type Resolve, type Thing } from './world';

/** A value of an entity that fields of other APIs need. It never fails. */
export interface Need {
  readonly api: string;
  readonly name: string;
  readonly type: string;
  /** Undefined where the API does not know the entity. */
  readonly valueOf: (thing: Thing) => unknown;
}

/** Adds a value to an entity for others. */
export function drawNeed(fields: FieldDrawing, entity: Entity): Need {
  const { api, drawing } = fields;
  const { random, world, partOf } = drawing;
  const name = `need${drawing.next()}`;
  const scalar = random.pick(['String', 'Int', 'ID']);
  const type = random.chance(0.5) ? `${scalar}!` : scalar;
  const resolve = fields.resolver({ name, type }, (place) => world.scalar(scalar, place), true);
  const draft = api.type(entity.name);
  draft.fields.set(name, { name, type, resolve });
  fields.register(draft, name, resolve);
  const { isHome } = partOf(api, entity)!;
  const valueOf = (thing: Thing): unknown =>
    world.isKnown(api, thing, isHome) ? resolve(thing, {}) : undefined;
  return { ...{ api: api.name, name, valueOf }, type: scalar };
}

/** Which arguments of a call are hidden: what they are made of, and how they are written. */
interface Hidden {
  readonly argument: string;
  readonly type: string;
  readonly map: string;
  readonly valueOf: (thing: Thing) => unknown;
}

/** A field of the entity that the API answers with a root field, which has the key, and maybe another field, as arguments. */
export function drawRequiring(fields: FieldDrawing, entity: Entity, needs: readonly Need[]): void {
  const { api, drawing } = fields;
  const { random, world, graph, next, partOf, keyOf } = drawing;
  const key = keyOf(api, entity);
  const root = `of${next()}`;
  const name = `from${next()}`;
  const target = fields.target(random.chance(0.3));
  const type = random
    .pick(api.kind === 'rest' ? ['X', '[X]'] : ['X', '[X!]!', '[X]'])
    .replace('X', target.type);
  const body = fields.resolver({ name, type }, target.make);
  const own = random.chance(0.5) ? [api.kind === 'rest' ? 'first: Int' : 'first: Int = 2'] : [];
  const others = needs.filter((need) => need.api !== api.name);
  const hidden = [
    ...key.map((field) => keyArgument(fields, field)),
    ...(others.length > 0 && random.chance(0.5) ? [needArgument(fields, random.pick(others))] : []),
  ];
  const written = [...hidden.map(({ argument, type: of }) => `${argument}: ${of}`), ...own].join(', ');
  const isOfKey = (argument: string): boolean => argument.startsWith('k_');
  const resolve: Resolve = (_root, args) => {
    const thing = world.find(
      entity,
      key,
      key.map((field) => args[`k_${field.name}`]),
    );
    const given = Object.entries(args).filter(([argument]) => !isOfKey(argument));
    return body(
      thing ?? { type: entity.name, id: canonical(args, api.kind === 'rest') },
      Object.fromEntries(given),
    );
  };
  api.type('Query').fields.set(root, { name: root, type, args: written, resolve });
  if (api.kind === 'rest') {
    const parameters = hidden.map(({ argument, type: of }) => ({
      name: argument,
      in: isOfKey(argument) ? ('path' as const) : ('query' as const),
      type: of,
    }));
    const path = `/${root}/${key.map((field) => `{k_${field.name}}`).join('/')}`;
    const more = own.map(() => ({ name: 'first', in: 'query' as const, type: 'Int' }));
    api.operations.push({ field: root, method: 'get', path, parameters: [...parameters, ...more] });
  }
  if (random.chance(0.5)) api.overlay('Query', `${root}(${written}): ${type} @internal`);
  else {
    graph.set(`Query.${root}`, { resolve, api });
    if (api.kind === 'rest') api.overlay('Query', `${root}(${written}): ${type}`);
  }
  if (partOf(api, entity) === undefined && !api.hasOverlayOf(entity.name))
    for (const field of key) api.overlay(entity.name, `${field.name}: ${field.type}!`);
  api.overlay(
    entity.name,
    `${name}(${[...hidden.map(requirement), ...own].join(', ')}): ${type} @from(field: "${root}")`,
  );
  graph.set(`${entity.name}.${name}`, { resolve: requiring(hidden, body), api });
}

/** A field of an API's own type, one of whose arguments is what another API has. */
export function drawRequiringArgument(fields: FieldDrawing, entity: Entity, needs: readonly Need[]): void {
  const { api, drawing } = fields;
  const others = needs.filter((need) => need.api !== api.name);
  if (others.length === 0) return;
  const name = `with${drawing.next()}`;
  const target = fields.target(true);
  const { type } = target;
  const body = fields.resolver({ name, type }, target.make);
  const hidden = needArgument(fields, drawing.random.pick(others));
  const draft = api.type(entity.name);
  draft.fields.set(name, {
    name,
    type,
    args: `${hidden.argument}: ${hidden.type}, n: Int = 3`,
    resolve: body,
  });
  api.overlay(entity.name, `${name}(${requirement(hidden)}, n: Int = 3): ${type}`);
  fields.register(draft, name, requiring([hidden], body));
}

const keyArgument = (fields: FieldDrawing, field: Key[number]): Hidden => ({
  argument: `k_${field.name}`,
  type: `${fields.typeAt(field)}!`,
  map: field.name,
  valueOf: ({ index }) => field.values[index!],
});

const needArgument = (fields: FieldDrawing, { name, type, valueOf }: Need): Hidden => {
  const own = fields.api.kind === 'rest' && type === 'ID' ? 'String' : type;
  return {
    ...{ argument: `w_${name}`, map: name, valueOf },
    type: fields.drawing.random.chance(0.5) ? `${own}!` : own,
  };
};

const requirement = ({ argument, type, map }: Hidden): string =>
  `${argument}: ${type} @require(field: "${map}")`;

/** What a field is in the graph: null where what it needs is not known, or is null and may not be. */
const requiring =
  (hidden: readonly Hidden[], body: Resolve): Resolve =>
  (thing, args) => {
    const given: Record<string, unknown> = {};
    for (const { argument, type, valueOf } of hidden) {
      if (argument.startsWith('k_')) continue;
      const value = valueOf(thing);
      if (value === undefined || (value === null && type.endsWith('!'))) return null;
      given[argument] = value;
    }
    return body(thing, { ...given, ...args });
  };
