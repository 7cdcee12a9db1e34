/** Draws a graph of random APIs that are joined by overlays, with their data. */
import { RandomSource } from '../random-source';
import { ApiDraft, type ApiKind, type GraphFields } from './draft';
import { type Drawing, FieldDrawing } from './draw-fields';
import { drawLookups } from './draw-lookups';
import { drawNeed, drawRequiring, drawRequiringArgument, type Need } from './draw-requiring';
import { type Entity, entitiesPerType, type Key, type KeyField, World } from './world';

export interface DrawnGraph {
  readonly apis: readonly ApiDraft[];
  readonly entities: readonly Entity[];
  readonly graph: GraphFields;
  readonly world: World;
  /** Which of an API's entities it knows by which keys. */
  readonly isHome: (api: ApiDraft, type: string) => boolean;
  readonly partOf: Drawing['partOf'];
}

export function drawSources(seed: number, kinds: readonly ApiKind[]): DrawnGraph {
  const random = new RandomSource(seed);
  const world = new World(seed);
  const apis = kinds.map(
    (kind, i) => new ApiDraft(`${'ABCDEF'[i]!}${kind === 'federation' ? 'Fed' : ''}`, kind),
  );
  const entities = random
    .some(entityNames, random.between(2, 3))
    .map((name) => ({ name, keys: drawKeys(random), isNeeded: random.chance(0.6) }));
  const parts = new Map<ApiDraft, Map<string, { keys: readonly Key[]; isHome: boolean }>>(
    apis.map((api) => [api, new Map()]),
  );
  for (const { name, keys } of entities) {
    const [home, ...others] = random.shuffled(apis);
    parts.get(home!)!.set(name, { keys, isHome: true });
    for (const other of others)
      if (random.chance(0.4)) parts.get(other)!.set(name, { keys: [random.pick(keys)], isHome: false });
  }
  let count = 0;
  const drawing: Drawing = {
    ...{ random, world, entities, graph: new Map() },
    partOf: (api, entity) => parts.get(api)!.get(entity.name),
    keyOf: (api, { name, keys }) =>
      world.pick(parts.get(api)!.get(name)?.keys ?? keys, `${api.name} names ${name}`),
    next: () => ++count,
  };
  const drawings = apis.map((api) => new FieldDrawing(drawing, api));
  const needs = new Map<Entity, Need[]>(entities.map((entity) => [entity, []]));
  for (const fields of drawings) drawParts(fields);
  for (const fields of drawings)
    for (const entity of entities)
      if (entity.isNeeded && drawing.partOf(fields.api, entity)?.isHome === true)
        needs.get(entity)!.push(drawNeed(fields, entity));
  for (const fields of drawings) {
    const { api } = fields;
    const root = api.type('Query');
    fields.fields(root, random.between(1, 3));
    if (api.kind === 'rest') nameOperations(api);
    if (api.kind !== 'federation')
      for (const entity of entities) {
        if (random.chance(0.4)) drawRequiring(fields, entity, needs.get(entity)!);
        if (api.kind === 'graphql' && drawing.partOf(api, entity) && random.chance(0.4))
          drawRequiringArgument(fields, entity, needs.get(entity)!);
      }
  }
  const isHome = (api: ApiDraft, type: string): boolean => parts.get(api)!.get(type)?.isHome === true;
  return { apis, entities, graph: drawing.graph, world, partOf: drawing.partOf, isHome };
}

/** Only what an overlay names is imported of a document. */
function nameOperations(api: ApiDraft): void {
  for (const { name, type } of api.type('Query').fields.values()) {
    if (api.operations.some(({ field }) => field === name)) continue;
    api.operations.push({ field: name, method: 'get', path: `/${name}`, parameters: [] });
    api.overlay('Query', `${name}: ${type}`);
  }
}

const entityNames = ['User', 'Post', 'Product', 'Place', 'Order'];

/** Types of entities are there, with their keys, before fields of them are drawn. */
function drawParts(fields: FieldDrawing): void {
  const { api, drawing } = fields;
  const { random, entities, partOf } = drawing;
  const drawn = entities.filter((entity) => partOf(api, entity) !== undefined);
  for (const entity of drawn)
    for (const key of partOf(api, entity)!.keys) fields.keyFields(api.type(entity.name), key);
  for (const entity of drawn) {
    const { keys } = partOf(api, entity)!;
    const type = api.type(entity.name);
    fields.fields(type, random.between(1, 4));
    if (api.kind === 'federation')
      type.directives = keys
        .map((key) => ` @key(fields: "${key.map(({ name }) => name).join(' ')}")`)
        .join('');
    else drawLookups(fields, entity);
  }
}

/** One key, or two. */
function drawKeys(random: RandomSource): Key[] {
  const id = keyField('id', 'ID', ['1', 'ü', 'p-2', 'x/4', 'a&b=c,d', ' 5', '%2e', '7']);
  const serial = keyField('serial', 'ID', ['1', '2', '30', '2147483647', '5', '6', '7', '8']);
  const number = keyField('number', 'Int', [0, 1, -7, 2147483647, 42, 5, 6, 7]);
  const sku = keyField('sku', 'String', ['text', '日本', '👍', 'quote " and \\', 'a b', 'a+b', 'c#d', 'e?f']);
  const code = keyField('code', 'String', ['text', 'b', 'text', 'b', 'text', 'b', 'text', 'b']);
  const region = keyField('region', 'Int', [0, 0, 1, 1, -7, -7, 42, 42]);
  const composite = [code, region];
  return random.some([[id], [serial], [number], [sku], composite], random.chance(0.3) ? 2 : 1);
}

function keyField(name: string, type: KeyField['type'], values: readonly (string | number)[]): KeyField {
  if (values.length !== entitiesPerType) throw new Error(`${name} needs ${entitiesPerType} values`);
  return { name, type, values };
}

export const describeSources = ({ apis }: Pick<DrawnGraph, 'apis'>): string =>
  apis
    .map(({ name, kind, sdl, overlaySdl }) => `# --- ${name} (${kind})\n${sdl}\n# overlay\n${overlaySdl}`)
    .join('\n\n');
