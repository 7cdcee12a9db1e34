/** Over 300 lines: the tags of an answer are compiled and read in one walk. */
import { valueFromASTUntyped } from 'graphql';
import { LRUCache } from 'lru-cache';
import { isMap } from '../options/is-map';
import type { EntityFacts } from '../planning';
import type { SubgraphRequest, SubgraphResponse } from '../subgraph-calls/contract/transport';
import { groupsOf } from './cache-groups';
import { anyEntity, readOperation, relativesOf, type PositionSelection, typesIn } from './entities/selection';
import { type KeyPaths, readKey } from '../../schema/supergraph/key-paths';
import { interpolate } from './tag-formats';
import { fieldOfTag, subgraphTag, typeTag, unknownEntityTag } from './tags';

/**
 * The tags of answers of one subgraph: the subgraph, the selected types, and the entities in it. Where the answer is
 * null, also the entities that could be there.
 */
export class AnswerTags {
  readonly #subgraph: string;
  readonly #facts: EntityFacts;
  readonly #typeFormats: ReadonlyMap<string, readonly string[]>;
  readonly #fieldFormats: ReadonlyMap<string, readonly string[]>;
  /** Created for the first response, as it allocates its memory at once. */
  #operations: LRUCache<string, TaggedOperation> | undefined;
  /** By type; of those alone that have some. */
  readonly #identities = new Map<string, Identities>();

  constructor(subgraph: string, facts: EntityFacts) {
    this.#subgraph = subgraph;
    this.#facts = facts;
    const { typeTags, fieldTags } = facts.subgraphs.get(subgraph) ?? {};
    this.#typeFormats = typeTags ?? new Map<string, string[]>();
    this.#fieldFormats = fieldTags ?? new Map<string, string[]>();
  }

  /** The tags of a response. For an unreadable response, only those that do not depend on its data. */
  ofResponse({ operation, variables, entities }: SubgraphRequest, body: Buffer): Set<string> {
    const { root, fixed, defaults } = this.#operationOf(operation.document);
    const tags = new Set(fixed);
    const given = parseObject(variables);
    if (root.selection.type === this.#facts.queryType)
      addFieldTags(root.selection, this.#fieldFormats, { ...Object.fromEntries(defaults), ...given }, tags);
    const data = parseObject(body)['data'];
    if (!isMap(data)) return tags;
    const note = noteAll(tags);
    for (const { name, position } of root.below) {
      if (!Object.hasOwn(data, name)) continue;
      const list = entities?.find(({ responseKey }) => responseKey === name);
      this.#visit(data[name], position, note, list && given[list.variable]);
    }
    return tags;
  }

  /** The tags of the entities that a mutation returns; for one whose keys are not known, the tag of its type. */
  changedBy({ operation }: SubgraphRequest, body: Buffer): Set<string> {
    const { root } = this.#operationOf(operation.document);
    const tags = new Set<string>();
    this.#visit(parseObject(body)['data'], root, ({ isThere, type, known, unknown, formats }) => {
      if (!isThere) return;
      if (known.length === 0 && unknown.length > 0) tags.add(typeTag(type));
      for (const tag of [...known, ...formats]) tags.add(tag);
    });
    return tags;
  }

  /** The tags declared for the fields of a mutation, with the values of their arguments. */
  ofMutation(
    { operation, variables }: SubgraphRequest,
    declared: ReadonlyMap<string, readonly string[]>,
  ): Set<string> {
    const tags = new Set<string>();
    if (declared.size === 0) return tags;
    const { root, defaults } = this.#operationOf(operation.document);
    const given = { ...Object.fromEntries(defaults), ...parseObject(variables) };
    addFieldTags(root.selection, declared, given, tags);
    return tags;
  }

  /** The tags of the answer to one representation, the only selection of `document`. Undefined if it is not JSON. */
  ofEntity(document: string, representation: Buffer, json: Buffer): Set<string> | undefined {
    const { root, fixed } = this.#operationOf(document);
    const tags = new Set(fixed);
    const requested = parseObject(representation);
    const answer = parseJson(json);
    if (answer === undefined) return undefined;
    for (const { position } of root.below) this.#visit(answer, position, noteAll(tags), requested);
    return tags;
  }

  #operationOf(document: string): TaggedOperation {
    const operations = (this.#operations ??= new LRUCache({ max: 1_000 }));
    let operation = operations.get(document);
    if (operation === undefined) {
      const { root, defaults } = readOperation(document, this.#facts);
      const types = typesIn(root, this.#facts);
      for (const name of [anyEntity, this.#facts.queryType, this.#facts.mutationType]) types.delete(name);
      const values = [...defaults].map(([name, value]) => [name, valueFromASTUntyped(value)] as const);
      operation = {
        root: this.#positionOf(root),
        defaults: new Map(values),
        fixed: [subgraphTag(this.#subgraph), ...[...types].map(typeTag)],
      };
      operations.set(document, operation);
    }
    return operation;
  }

  #positionOf(selection: PositionSelection): AnswerPosition {
    const below = [...selection.fields].flatMap(([name, fields]) =>
      fields.flatMap(({ on, selection: child }) =>
        child === undefined || !this.#mayHaveEntities(child)
          ? []
          : [{ name, on, position: this.#positionOf(child) }],
      ),
    );
    const typeNames = [...selection.fields]
      .filter(([, [field]]) => field!.name === '__typename')
      .map(([name]) => name);
    return { selection, typeNames, below };
  }

  /** Whether anything in the selection may be identified. */
  #mayHaveEntities(selection: PositionSelection): boolean {
    const { keys } = this.#facts;
    return [...typesIn(selection, this.#facts)]
      .flatMap((type) => relativesOf(type, this.#facts))
      .some((type) => type === anyEntity || keys.has(type) || this.#typeFormats.has(type));
  }

  #visit(value: unknown, position: AnswerPosition, note: Note, requested?: unknown): void {
    if (Array.isArray(value)) {
      value.forEach((each, i) =>
        this.#visit(each, position, note, Array.isArray(requested) ? requested[i] : requested),
      );
      return;
    }
    if (value === null) this.#visitNull(position, note, requested);
    if (!isMap(value)) return;
    const { selection, below } = position;
    const requestedType = typeNamed(requested);
    const type = this.#typeOf(value, position) ?? requestedType;
    note(this.#entityAt(value, type, selection, requested));
    if (requestedType !== undefined && requestedType !== type)
      note(this.#entityAt(value, requestedType, selection, requested));
    for (const { name, on, position: child } of below)
      if (this.#applies(on, type) && Object.hasOwn(value, name)) this.#visit(value[name], child, note);
  }

  /** The tags of a null: of the entities that could be there later, or, if no entity can be, of those within it. */
  #visitNull({ selection, below }: AnswerPosition, note: Note, requested?: unknown): void {
    const type = typeNamed(requested);
    note({ ...this.#entityAt({}, type, selection, requested), isThere: false });
    const objects = this.#facts.objects.get(type ?? selection.type) ?? [type ?? selection.type];
    if (objects.every((object) => this.#facts.keys.has(object))) return;
    for (const { position } of below) this.#visitNull(position, note);
  }

  /** The type of an object: its `__typename`, or the declared type if that is an object type. */
  #typeOf(
    value: Readonly<Record<string, unknown>>,
    { selection: { type }, typeNames }: AnswerPosition,
  ): string | undefined {
    for (const name of typeNames) {
      const typename = Object.hasOwn(value, name) ? value[name] : undefined;
      if (typeof typename === 'string') return typename;
    }
    return type === anyEntity || this.#facts.objects.has(type) ? undefined : type;
  }

  /** The tags by which an object may be identified as an entity. Objects that are no entities have none. */
  #entityAt(
    value: Readonly<Record<string, unknown>>,
    type: string | undefined,
    selection: PositionSelection,
    requested: unknown,
  ): FoundEntity {
    const known: string[] = [];
    const unknown: string[] = [];
    const { keys, ownFormats, allFormats } = this.#identitiesOf(type ?? selection.type);
    const find = (path: readonly string[]): unknown => this.#find(path, value, selection, type, requested);
    for (const key of keys) {
      const tag = tagBy(key, find);
      if (tag === undefined) unknown.push(key.unknown);
      else known.push(tag);
    }
    const formats = (type === undefined ? allFormats : ownFormats).map((format) =>
      interpolate(format, 'key', find),
    );
    return { isThere: true, type: type ?? selection.type, known, unknown, formats };
  }

  #identitiesOf(type: string): Identities {
    let identities = this.#identities.get(type);
    if (identities === undefined) {
      const relatives = relativesOf(type, this.#facts);
      const formatsOf = (each: string): readonly string[] => this.#typeFormats.get(each) ?? [];
      identities = {
        keys: relatives.flatMap((each) =>
          (this.#facts.keys.get(each) ?? []).map((key) => tagKeyOf(each, readKey(key))),
        ),
        ownFormats: formatsOf(type),
        allFormats: relatives.flatMap(formatsOf),
      };
      // Responses may name types that the supergraph has not. These have none.
      if (identities.keys.length > 0 || identities.allFormats.length > 0)
        this.#identities.set(type, identities);
    }
    return identities;
  }

  /** The value of an entity's field: by name in the representation, or by response name in the answer. */
  #find(
    path: readonly string[],
    value: unknown,
    selection: PositionSelection,
    type: string | undefined,
    requested: unknown,
  ): unknown {
    const known = at(requested, path);
    if (known !== undefined) return known;
    const [first, ...rest] = path;
    for (const [name, fields] of selection.fields) {
      const field = fields.find((each) => each.name === first && this.#applies(each.on, type));
      if (field === undefined || !isMap(value) || !Object.hasOwn(value, name)) continue;
      if (rest.length === 0) return isMap(value[name]) ? undefined : value[name];
      if (field.selection === undefined) return undefined;
      return this.#find(rest, value[name], field.selection, field.selection.type, undefined);
    }
    return undefined;
  }

  #applies(on: string, type: string | undefined): boolean {
    return (
      type === undefined || on === type || on === anyEntity || relativesOf(type, this.#facts).includes(on)
    );
  }
}

interface AnswerPosition {
  readonly selection: PositionSelection;
  /** The response names of `__typename`. */
  readonly typeNames: readonly string[];
  /** The fields in which there may be entities, by response name, each under its type condition. */
  readonly below: readonly {
    readonly name: string;
    readonly on: string;
    readonly position: AnswerPosition;
  }[];
}

/** How objects of a type may be identified. */
interface Identities {
  readonly keys: readonly TagKey[];
  /** The formats of `@cacheTag` of the type itself. */
  readonly ownFormats: readonly string[];
  /** Those of its possible object types, its interfaces and its unions, too. */
  readonly allFormats: readonly string[];
}

interface TagKey {
  /** The type and a colon. */
  readonly start: string;
  readonly fields: readonly { readonly name: string; readonly path: readonly string[] }[];
  /** The tag if a value is not known. */
  readonly unknown: string;
}

/** Types are in no tag, as invalidations need not name them. */
function tagKeyOf(type: string, key: KeyPaths): TagKey {
  const fields = key
    .filter((path) => path.at(-1) !== '__typename')
    .map((path) => ({ name: path.join('.'), path }))
    .sort((one, other) => (`${one.name}=` < `${other.name}=` ? -1 : 1));
  const names = fields.map(({ name }) => name);
  return { start: `${type}:`, fields, unknown: unknownEntityTag(type, names) };
}

/** The tag of an entity, as `entityTag` writes it. Undefined if a value is not known. */
function tagBy({ start, fields }: TagKey, find: (path: readonly string[]) => unknown): string | undefined {
  let tag = start;
  for (const { name, path } of fields) {
    const value = find(path);
    if (value === undefined || value === null) return undefined;
    if (tag !== start) tag += ',';
    tag += fieldOfTag(name, value);
  }
  return tag;
}

/** An object in an answer, with the tags of the entity that it is or may be. */
interface FoundEntity {
  /** Whether the object exists. False if there is null and the object could be there later. */
  readonly isThere: boolean;
  readonly type: string;
  /** Tags of the keys whose values are known. */
  readonly known: readonly string[];
  /** Tags of the keys with an unknown value. */
  readonly unknown: readonly string[];
  /** Tags of `@cacheTag`. */
  readonly formats: readonly string[];
}

type Note = (entity: FoundEntity) => void;

const noteAll =
  (tags: Set<string>): Note =>
  ({ known, unknown, formats }) => {
    for (const tag of [...known, ...unknown, ...formats]) tags.add(tag);
  };

/** Adds the tags of root fields, with the values of their arguments. */
function addFieldTags(
  root: PositionSelection,
  formats: ReadonlyMap<string, readonly string[]>,
  variables: Record<string, unknown>,
  tags: Set<string>,
): void {
  // Without a prototype, as a missing variable may be named `constructor`.
  const known = Object.assign(Object.create(null) as Record<string, unknown>, variables);
  for (const { name, arguments: given } of [...root.fields.values()].flat()) {
    const own = formats.get(name) ?? [];
    if (own.length === 0) continue;
    const values = given.map(
      (argument) => [argument.name.value, valueFromASTUntyped(argument.value, known)] as const,
    );
    for (const format of own)
      tags.add(interpolate(format, 'args', (path) => at(Object.fromEntries(values), path)));
  }
}

interface TaggedOperation {
  readonly root: AnswerPosition;
  readonly defaults: ReadonlyMap<string, unknown>;
  readonly fixed: readonly string[];
}

const typeNamed = (requested: unknown): string | undefined => {
  const type = at(requested, ['__typename']);
  return typeof type === 'string' ? type : undefined;
};

function at(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (!isMap(found) || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return isMap(found) ? undefined : found;
}

/** Parses a JSON object. Returns an empty object for anything else. */
function parseObject(json: Buffer): Readonly<Record<string, unknown>> {
  const value = json.length === 0 ? undefined : parseJson(json);
  return isMap(value) ? value : {};
}

function parseJson(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString());
  } catch {
    return undefined;
  }
}

/** The tags of a response: those of its data, and its `Cache-Groups`. Computed only if the response is cached. */
export const tagsOf = (tags: AnswerTags, request: SubgraphRequest, response: SubgraphResponse) =>
  lazy(() => [...tags.ofResponse(request, response.body), ...groupsOf(response, 'cache-groups')]);

/** An iterable that is computed when it is iterated. */
export const lazy = <Item>(make: () => Iterable<Item>): Iterable<Item> => ({
  [Symbol.iterator]: () => make()[Symbol.iterator](),
});
