/**
 * The merged response as the compiler knows it: for each position of objects, which fetches contribute to it, and for
 * each of its fields, where in the records it is found.
 *
 * Almost always the record of one fetch stands at a position, and other records join it by reference. Where two fetches
 * answer parts of the same nested object (a value type that two subgraphs share), the first read makes a merged record
 * from the parts that have arrived by then. Longer than other files: `locate` reads at run time what `ResponsePosition`
 * lays out when compiling.
 */
import { type ConditionValues, type Conjunction, holds } from './conditions';
import { ABSENT, ANSWER, KIND, LIST, NULL, OBJECT, TYPE, type Workspace } from '../json/tape';
import { Shape } from './shape';
import { type TypeTable } from './type-table';

/** A position in the merged response that holds an object, or objects in lists. */
export class ResponsePosition {
  readonly types: TypeTable;
  readonly fields = new Map<string, FieldSources>();
  /** The numbers of the fetches that ask for the `__typename` of its objects. */
  readonly typedBy = new Set<number>();
  /** The shapes of the records that stand here. */
  readonly #own: Shape[] = [];
  readonly #joining: { key: string; shape: Shape }[] = [];
  readonly #accesses = new Map<string, FieldAccess | undefined>();
  #shape: Shape | undefined;
  #merging: Merge | undefined;
  /** The keys that lead to it; unique among the positions of a program. */
  readonly #path: string;

  constructor(types: TypeTable, path = '') {
    this.types = types;
    this.#path = path;
  }

  /** Adds the shape of records that stand here. */
  addOwn(shape: Shape): void {
    this.#own.push(shape);
    this.#addFields(shape, undefined);
  }

  /** Adds the shape of records that join those that stand here, each through the cell that is kept under `key`. */
  addJoining(key: string, shape: Shape): void {
    if (this.#joining.some((joining) => joining.key === key)) return;
    this.#joining.push({ key, shape });
    this.#addFields(shape, key);
  }

  /** Whether entity fetches extend the objects that stand here. */
  get isJoined(): boolean {
    return this.#joining.length > 0;
  }

  /** Adds the shape of a fetch's answer here, where the fetch runs under these conditions. Call after its fields were added. */
  addAnswer(fetch: number, shape: Shape, when: Conjunction): void {
    if (shape.typenames.includes(1)) this.typedBy.add(fetch);
    for (const [name, { child, alternatives, types }] of shape.fields) {
      const field = this.fields.get(name)!;
      field.answeredBy.add(fetch);
      field.types.push(...types);
      for (const alternative of alternatives) field.requests.push({ fetch, when: [...when, ...alternative] });
      // The conditions around an object are among those of each of its fields.
      if (child !== null) field.child!.addAnswer(fetch, child, when);
    }
  }

  #addFields(shape: Shape, join: string | undefined): void {
    for (const [name, { child }] of shape.fields) {
      let field = this.fields.get(name);
      if (field === undefined)
        this.fields.set(
          name,
          (field = { sources: [], child: undefined, requests: [], types: [], answeredBy: new Set() }),
        );
      field.sources.push({ shape, join });
      if (child !== null)
        (field.child ??= new ResponsePosition(this.types, `${this.#path}.${name}`)).addOwn(child);
    }
  }

  /** Whether all records that stand here hold a value of the field, so that no fetch need wait for a joining one. */
  isSure(name: string): boolean {
    return this.#own.every((shape) => shape.sure.has(name));
  }

  /** Whether some of these fetches requests the field under these conditions. @param fetches @default all */
  isRequested(name: string, conditions: ConditionValues, fetches?: readonly number[]): boolean {
    const all = this.fields.get(name)?.requests ?? [];
    return all.some(
      ({ fetch, when }) => (fetches === undefined || fetches.includes(fetch)) && holds(when, conditions),
    );
  }

  /** Whether some fetch requests the field of objects of this type, whatever the conditions. */
  isRequestedOf(type: number, name: string): boolean {
    const all = this.fields.get(name)?.types ?? [];
    return all.some((types) =>
      [...types].some((on) => on === undefined || this.types.matching(on)[type] === 1),
    );
  }

  /** The layout of the records that stand here. Read only after all shapes were added. */
  get shape(): Shape {
    if (this.#shape !== undefined) return this.#shape;
    if (this.#own.length === 1) return (this.#shape = this.#own[0]!);
    this.#shape = new Shape(this.types);
    for (const own of this.#own) {
      for (const [name, { child }] of own.fields)
        if (!this.#shape.fields.has(name)) this.#shape.addField(name, name, false, child, []);
    }
    return this.#shape;
  }

  /** How several records merge into the one that stands here; undefined where there is only one. */
  get merging(): Merge | undefined {
    if (this.#own.length < 2) return undefined;
    if (this.#merging !== undefined) return this.#merging;
    const merging: Merge = { shape: this.shape, moves: new Map() };
    this.#merging = merging;
    for (const own of this.#own) {
      const moves: Move[] = [];
      for (const [name, { slot, child }] of own.fields) {
        const below = child === null ? undefined : this.fields.get(name)!.child!.merging;
        moves.push({ from: slot, to: this.shape.fields.get(name)!.slot, child, below });
      }
      merging.moves.set(own, moves);
    }
    return merging;
  }

  /** The word of a record that refers to the cell kept under `key`. */
  joinWord(key: string): number {
    return this.shape.extra(`join ${key}`, 1);
  }

  /** Lays out the records here and below, after all shapes were added. Returns the words of the largest. */
  layOut(): number {
    for (const { key } of this.#joining) this.joinWord(key);
    for (const name of this.fields.keys()) this.#accesses.set(name, this.#access(name));
    let largest = 0;
    for (const { child } of this.fields.values()) largest = Math.max(largest, child?.layOut() ?? 0);
    return Math.max(largest, this.shape.size, ...this.#joining.map(({ shape }) => shape.size));
  }

  /** Where the field is found in the records that stand here; undefined if no fetch asks for it. */
  access(name: string): FieldAccess | undefined {
    return this.#accesses.get(name);
  }

  #access(name: string): FieldAccess | undefined {
    const field = this.fields.get(name);
    if (field === undefined) return undefined;
    const { shape } = this;
    const own = shape.fields.get(name);
    const candidates: Candidate[] = own === undefined ? [] : [{ join: 0, slot: own.slot }];
    const seen = new Set<string>();
    for (const source of field.sources) {
      if (source.join === undefined || seen.has(source.join)) continue;
      seen.add(source.join);
      candidates.push({ join: this.joinWord(source.join), slot: source.shape.fields.get(name)!.slot });
    }
    const merging = field.child?.merging;
    if (merging === undefined || candidates.length < 2) {
      // One source whose objects are never merged, or one whose record was merged as a whole.
      return { candidates, join: candidates[0]!.join, slot: candidates[0]!.slot, merged: undefined };
    }
    // Records of one shape can stand at several positions, and be merged with another record at each.
    const bits = shape.extra(`merged ${this.#path}.${name}`, 3);
    // A record merged as part of a larger one stands nowhere else, and can grow: joining records are merged into it.
    const isMerged = own !== undefined && this.merging !== undefined;
    const slot = isMerged ? own.slot : bits + 1;
    const merged = isMerged ? candidates.slice(1) : candidates;
    const shapes = [
      ...(own === undefined || isMerged ? [] : [own.child!]),
      ...[...seen].map(
        (key) => field.sources.find(({ join }) => join === key)!.shape.fields.get(name)!.child!,
      ),
    ];
    return { candidates, join: 0, slot, merged: { slot, bits, candidates: merged, shapes, merging } };
  }

  /** How the type of the objects that stand here is read. */
  typeSource(): TypeSource {
    const typing = this.#joining.filter(({ shape }) => shape.typenames.includes(1));
    return { types: this.types, joins: typing.map(({ key }) => this.joinWord(key)) };
  }
}

/** How the type of an object is read from its record. */
export interface TypeSource {
  readonly types: TypeTable;
  /** The words that refer to cells whose answers may also hold the type. */
  readonly joins: readonly number[];
}

/**
 * The type number of a record's object; 0 if no answer gave it. A subgraph with an `@interfaceObject` answers the
 * interface's name, so an object type from any answer takes precedence.
 */
export function typeOf({ tape }: Workspace, record: number, { types, joins }: TypeSource): number {
  let type = tape[record + TYPE]!;
  for (let i = 0; i < joins.length && !types.isObject(type); i++) {
    const joined = tape[tape[tape[record + joins[i]!]! + ANSWER]! + TYPE]!;
    if (joined !== 0 && (type === 0 || types.isObject(joined))) type = joined;
  }
  return type;
}

interface FieldSources {
  readonly sources: { readonly shape: Shape; readonly join: string | undefined }[];
  child: ResponsePosition | undefined;
  /** The alternative conditions under which fetches request it. */
  readonly requests: { readonly fetch: number; readonly when: Conjunction }[];
  /** The types that some fetch selects it on; undefined where that may be any. */
  readonly types: ReadonlySet<string | undefined>[];
  /** The numbers of the fetches that request it. */
  readonly answeredBy: Set<number>;
}

/** How a field is read from a record. With one candidate, `join` and `slot` suffice. */
export interface FieldAccess {
  readonly candidates: readonly Candidate[];
  readonly join: number;
  readonly slot: number;
  readonly merged: MergedField | undefined;
}

interface Candidate {
  /** The word that refers to the cell whose answer holds the field; 0: the record itself holds it. */
  readonly join: number;
  readonly slot: number;
}

interface MergedField {
  /** The word of its pair. */
  readonly slot: number;
  /** The word with a bit for each candidate that the pair holds. */
  readonly bits: number;
  readonly candidates: readonly Candidate[];
  /** For each candidate, the shape of its objects. */
  readonly shapes: readonly Shape[];
  readonly merging: Merge;
}

interface Merge {
  readonly shape: Shape;
  readonly moves: Map<Shape, Move[]>;
}

interface Move {
  readonly from: number;
  readonly to: number;
  readonly child: Shape | null;
  readonly below: Merge | undefined;
}

/** The index of a field's pair: the first candidate with a value, else a null one, else an absent one. */
export function locate(workspace: Workspace, record: number, access: FieldAccess): number {
  const { tape } = workspace;
  if (access.merged !== undefined) return locateMerged(workspace, record, access.merged);
  const { join, slot } = access;
  const first = (join === 0 ? record : tape[tape[record + join]! + ANSWER]!) + slot;
  if (access.candidates.length === 1 || (tape[first + 1]! & KIND) > NULL) return first;
  let found = first;
  for (let i = 1; i < access.candidates.length; i++) {
    // Only the first candidate can be in the record itself.
    const candidate = access.candidates[i]!;
    const at = tape[tape[record + candidate.join]! + ANSWER]! + candidate.slot;
    const kind = tape[at + 1]! & KIND;
    if (kind > NULL) return at;
    if (kind === NULL) found = at;
  }
  return found;
}

function locateMerged(workspace: Workspace, record: number, merged: MergedField): number {
  const at = record + merged.slot;
  const bits = record + merged.bits;
  for (let i = 0; i < merged.candidates.length; i++) {
    const { tape } = workspace;
    const bit = 1 << Math.min(i, 31);
    if ((tape[bits]! & bit) !== 0 && i < 31) continue;
    const { join, slot } = merged.candidates[i]!;
    const holder = join === 0 ? record : tape[tape[record + join]! + ANSWER]!;
    if ((tape[holder + slot + 1]! & KIND) === ABSENT) continue;
    tape[bits]! |= bit;
    mergeValue(workspace, at, holder + slot, merged.shapes[i]!, merged.merging);
  }
  return at;
}

/** Merges the value of one pair into another: objects by field, lists by index; else the first non-null value stays. */
function mergeValue(workspace: Workspace, into: number, from: number, shape: Shape, merging: Merge): void {
  let { tape } = workspace;
  const a = tape[from]!;
  const b = tape[from + 1]!;
  const kind = tape[into + 1]! & KIND;
  switch (b & KIND) {
    case OBJECT: {
      if (kind > NULL && kind !== OBJECT) return;
      if (kind !== OBJECT) {
        const record = workspace.allocate(merging.shape.size);
        tape = workspace.tape;
        tape[into] = record;
        tape[into + 1] = OBJECT;
      }
      const record = tape[into]!;
      const type = tape[a + TYPE]!;
      if (type !== 0 && !shape.types.isObject(tape[record + TYPE]!)) tape[record + TYPE] = type;
      for (const move of merging.moves.get(shape)!) {
        if (move.below !== undefined) {
          mergeValue(workspace, record + move.to, a + move.from, move.child!, move.below);
          tape = workspace.tape;
        } else if (
          (tape[record + move.to + 1]! & KIND) <= NULL &&
          (tape[a + move.from + 1]! & KIND) !== ABSENT
        ) {
          tape[record + move.to] = tape[a + move.from]!;
          tape[record + move.to + 1] = tape[a + move.from + 1]!;
        }
      }
      return;
    }
    case LIST: {
      const count = tape[a]!;
      if (kind > NULL && (kind !== LIST || tape[tape[into]!] !== count)) return;
      if (kind !== LIST) {
        const list = workspace.allocate(1 + 2 * count);
        tape = workspace.tape;
        tape[list] = count;
        tape[into] = list;
        tape[into + 1] = LIST;
      }
      const list = tape[into]!;
      for (let i = 1; i <= 2 * count; i += 2) mergeValue(workspace, list + i, a + i, shape, merging);
      return;
    }
    default:
      if (kind > NULL || (b & KIND) === ABSENT) return;
      tape[into] = a;
      tape[into + 1] = b;
  }
}
