/** Draws root fields by which an API finds entities. */
import { type FieldDrawing } from './draw-fields';
import {
  type Args,
  type Entity,
  entitiesPerType,
  type Key,
  type KeyField,
  type Resolve,
  type Thing,
} from './world';

/** How a lookup takes the values of a key: its argument, in SDL with `@is`, and where a call has them. */
interface KeyArguments {
  readonly text: string;
  readonly overlay: string;
  readonly valuesOf: (args: Args) => readonly unknown[];
}

/** Of each key of which an API knows an entity, one lookup or two. */
export function drawLookups(fields: FieldDrawing, entity: Entity): void {
  const { api, drawing } = fields;
  const { random, partOf, next } = drawing;
  const { keys } = partOf(api, entity)!;
  const isChoice =
    api.kind === 'graphql' &&
    keys.length > 1 &&
    keys.every(({ length }) => length === 1) &&
    random.chance(0.4);
  if (isChoice) lookupByAny(fields, entity, keys.flat());
  for (const key of isChoice ? [] : keys) {
    const hasList = random.chance(0.55) && (api.kind !== 'rest' || key.length === 1);
    if (!hasList || random.chance(0.3))
      if (api.kind === 'rest') restLookup(fields, entity, key);
      else {
        const args = random.pick([separateArguments, renamedArguments, inputArgument])(fields, key);
        addLookup(
          fields,
          entity,
          `by${next()}`,
          `${entity.name}${random.chance(0.3) ? '!' : ''}`,
          args,
          (_root, given) => find(fields, entity, key, args.valuesOf(given)),
        );
      }
    if (hasList) listLookup(fields, entity, key);
  }
  if (random.chance(0.6)) listAll(fields, entity);
  if (api.kind === 'graphql' && random.chance(0.2)) mutation(fields, entity);
}

/** One lookup by any of several keys. */
function lookupByAny(fields: FieldDrawing, entity: Entity, keys: Key): void {
  const { api, drawing } = fields;
  const input = `${api.name}Any${drawing.next()}`;
  const draft = api.type(input, 'input');
  draft.directives = ' @oneOf';
  draft.items.push(...keys.map((field) => `${inputName(field.name)}: ${fields.typeAt(field)}`));
  const map = keys.map(({ name }) => `{ ${inputName(name)}: ${name} }`).join(' | ');
  const args: KeyArguments = {
    text: `by: ${input}!`,
    overlay: `by: ${input}! @is(field: "${map}")`,
    valuesOf: () => [],
  };
  addLookup(fields, entity, `any${drawing.next()}`, entity.name, args, (_root, { by }) => {
    const field = keys.find(({ name }) => inputName(name) in (by as Args))!;
    return find(fields, entity, [field], [(by as Args)[inputName(field.name)]]);
  });
}

/** A change of an entity, which answers with it. */
function mutation(fields: FieldDrawing, entity: Entity): void {
  const { api, drawing } = fields;
  const key = drawing.keyOf(api, entity);
  const name = `touch${drawing.next()}`;
  const { text, valuesOf } = separateArguments(fields, key);
  const resolve: Resolve = (_root, args) => {
    const found = find(fields, entity, key, valuesOf(args));
    if (found instanceof Error) throw found;
    return found;
  };
  api.type('Mutation').fields.set(name, { name, type: entity.name, args: text, resolve });
  drawing.graph.set(`Mutation.${name}`, { resolve, api });
}

function addLookup(
  { api, drawing }: FieldDrawing,
  entity: Entity,
  name: string,
  type: string,
  { text, overlay }: KeyArguments,
  resolve: Resolve,
): void {
  const { random, graph } = drawing;
  const more = api.kind === 'graphql' && random.chance(0.2) ? ', verbose: Boolean = true' : '';
  const strict: Resolve = (root, args) => {
    const found = resolve(root, args);
    if (found instanceof Error) throw found;
    if (found === null && type.endsWith('!')) throw new Error(`No ${entity.name} ${JSON.stringify(args)}`);
    return found;
  };
  api.type('Query').fields.set(name, { name, type, args: `${text}${more}`, resolve: strict });
  const isInternal = random.chance(0.5);
  api.overlay('Query', `${name}(${overlay}${more}): ${type} @lookup${isInternal ? ' @internal' : ''}`);
  if (!isInternal) graph.set(`Query.${name}`, { resolve: strict, api });
}

/** The entity; null where the API does not know it, an error where it fails for it. */
function find(
  { api, drawing: { world, partOf } }: FieldDrawing,
  entity: Entity,
  key: Key,
  values: readonly unknown[],
): Thing | Error | null {
  const found = world.find(entity, key, values);
  const isFaulty = world.fault?.api === api && world.fault.entity?.id === found?.id && found !== undefined;
  if (isFaulty && world.fault?.how === 'fails') return new Error(`${found.id} fails`);
  if (isFaulty && world.fault?.how === 'unknown') return null;
  return found && world.isKnown(api, found, partOf(api, entity)!.isHome) ? found : null;
}

/** Arguments of the names of fields: what they are goes without saying. */
const separateArguments = (fields: FieldDrawing, key: Key): KeyArguments => {
  const parts = key.map((field) => ({ field, text: `${field.name}: ${fields.typeAt(field)}!` }));
  const text = parts.map((part) => part.text).join(', ');
  const isPlain = fields.api.kind === 'graphql' && fields.drawing.random.chance(0.5);
  const overlay = parts
    .map(({ field: { name, type }, text }) =>
      isPlain && text === `${name}: ${type}!` ? text : `${text} @is(field: "${name}")`,
    )
    .join(', ');
  return { text, overlay, valuesOf: (args) => key.map(({ name }) => args[name]) };
};

const renamedArguments = (fields: FieldDrawing, key: Key): KeyArguments => {
  const sure = fields.drawing.random.chance(0.5) ? '!' : '';
  const parts = key.map((field) => [field.name, `of_${field.name}: ${fields.typeAt(field)}${sure}`] as const);
  return {
    text: parts.map(([, text]) => text).join(', '),
    overlay: parts.map(([name, text]) => `${text} @is(field: "${name}")`).join(', '),
    valuesOf: (args) => key.map(({ name }) => args[`of_${name}`]),
  };
};

/** One argument with an object. */
const inputArgument = (fields: FieldDrawing, key: Key): KeyArguments => {
  const { input, map } = inputOf(fields, key);
  return {
    text: `key: ${input}!`,
    overlay: `key: ${input}! @is(field: "${map}")`,
    valuesOf: ({ key: given }) => valuesIn(key, given),
  };
};

function inputOf(fields: FieldDrawing, key: Key): { readonly input: string; readonly map: string } {
  const { api, drawing } = fields;
  const input = `${api.name}Key${drawing.next()}`;
  api
    .type(input, 'input')
    .items.push(...key.map((field) => `${inputName(field.name)}: ${fields.typeAt(field)}!`));
  const entries = key.map(({ name }) => (inputName(name) === name ? name : `${inputName(name)}: ${name}`));
  return { input, map: `{ ${entries.join(' ')} }` };
}

const inputName = (name: KeyField['name']): string => (name === 'code' ? 'code' : `the_${name}`);

const valuesIn = (key: Key, given: unknown): unknown[] =>
  key.map(({ name }) => (given as Args | undefined)?.[inputName(name)]);

const valuesOfFirst = (key: Key): unknown[] => key.map(({ values }) => values[0]);

function listLookup(fields: FieldDrawing, entity: Entity, key: Key): void {
  const { api, drawing } = fields;
  const { random, world, next } = drawing;
  const isRest = api.kind === 'rest';
  const name = `list${next()}`;
  const single = key.length === 1 && (isRest || random.chance(0.6)) ? key[0]! : undefined;
  const { input, map } = single ? { input: fields.typeAt(single), map: single.name } : inputOf(fields, key);
  const list = isRest ? `[${input}!]!` : random.pick([`[${input}!]!`, `[${input}!]`]);
  const result = isRest ? '[X]' : random.pick(['[X!]!', '[X]!', '[X!]']);
  const args: KeyArguments = {
    text: `keys: ${list}`,
    overlay: `keys: ${list} @is(field: "[${map}]")`,
    valuesOf: () => [],
  };
  if (isRest)
    api.operations.push({
      field: name,
      method: 'get',
      path: `/${name}`,
      parameters: [{ name: 'keys', in: 'query', type: list, explode: world.chance(0.5, name) }],
    });
  // An API with an order of its own leaves out what it does not know.
  const isByPosition = result === '[X]!';
  addLookup(fields, entity, name, result.replace('X', entity.name), args, (_root, { keys }) => {
    if (!Array.isArray(keys)) return [];
    const found = keys.map((one: unknown) => find(fields, entity, key, single ? [one] : valuesIn(key, one)));
    const failed = found.find((one) => one instanceof Error);
    if (isRest && failed !== undefined) throw failed;
    const isDisordered = world.fault?.api === api && world.fault.how === 'disorder';
    if (isByPosition && !isDisordered) return found;
    const some = found.filter((one) => one !== null);
    const once = [
      ...new Map(some.map((one) => [one instanceof Error ? one : one.id, one])).values(),
    ].reverse();
    const other = find(fields, entity, key, valuesOfFirst(key));
    const others = other instanceof Error || other === null ? [] : [other];
    return isDisordered ? [...once.slice(1), ...once, ...others, ...once.slice(0, 1)] : once;
  });
}

function restLookup(fields: FieldDrawing, entity: Entity, key: Key): void {
  const name = `get${fields.drawing.next()}`;
  fields.api.operations.push({
    ...{ field: name, method: 'get', path: `/${name}/${key.map((field) => `{${field.name}}`).join('/')}` },
    parameters: key.map((field) => ({ name: field.name, in: 'path', type: `${fields.typeAt(field)}!` })),
  });
  const args = separateArguments(fields, key);
  addLookup(fields, entity, name, entity.name, args, (_root, given) =>
    find(fields, entity, key, args.valuesOf(given)),
  );
}

/** A root field that has all that the API knows. */
function listAll({ api, drawing }: FieldDrawing, entity: Entity): void {
  const { world, graph, next, partOf } = drawing;
  const name = `all${next()}`;
  const { isHome } = partOf(api, entity)!;
  const resolve: Resolve = () =>
    Array.from({ length: entitiesPerType }, (_, i) => world.entity(entity, i)).filter((one) =>
      world.isKnown(api, one, isHome),
    );
  const type = api.kind === 'rest' ? `[${entity.name}]` : `[${entity.name}!]!`;
  api.type('Query').fields.set(name, { name, type, resolve });
  graph.set(`Query.${name}`, { resolve, api });
  if (api.kind !== 'rest') return;
  api.operations.push({ field: name, method: 'get', path: `/${name}`, parameters: [] });
  api.overlay('Query', `${name}: ${type}`);
}
