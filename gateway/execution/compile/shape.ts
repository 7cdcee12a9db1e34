import { type Conjunction } from './conditions';
import { HEADER, TIGHT } from '../json/tape';
import { type TypeTable } from './type-table';

/**
 * The fields that objects at one position of a subgraph's answer can have, and the layout of their records.
 *
 * A record has a pair for each field of every possible type. Fields of other types than its own are absent.
 */
export class Shape {
  readonly types: TypeTable;
  /**
   * Each key as a subgraph writes it, from its quotation mark to its colon, as little-endian words. `keyFirst`:
   * where a key's words begin (with one entry more, for the end); `keyMask`: which bits of its last word count;
   * `keyLength`: how many bytes it has.
   */
  keyWords = new Int32Array(0);
  keyFirst = new Int32Array(1);
  keyMask = new Int32Array(0);
  keyLength = new Int32Array(0);
  readonly keys: string[] = [];
  /** For each key, the word of the record at which its pair stands. Renamed keys share one. */
  readonly slots: number[] = [];
  /** For each key, the shape of the objects in it; null for a leaf. */
  readonly children: (Shape | null)[] = [];
  /** For each key, 1 if it is a `__typename`. */
  readonly typenames: number[] = [];
  /** For each key, `TIGHT` if the merged response has it under the same name. */
  readonly tights: number[] = [];
  /** The type of the last scanned object, which the next one most likely has too, and its name as JSON. */
  lastType = 0;
  lastTypeLength = 0;
  lastTypeWords = new Int32Array(0);
  lastTypeMask = 0;
  /** Whether objects of several keys share a pair: what they hold is merged. */
  hasSharedObjects = false;
  /** Words of a record. */
  size = HEADER;
  readonly fields = new Map<string, ShapeField>();
  /** The fields that every object has and that are never null, whatever its type and the conditions. */
  readonly sure = new Set<string>();
  readonly #extra = new Map<string, number>();

  constructor(types: TypeTable) {
    this.types = types;
  }

  /**
   * Adds a field: `name` is its name in the merged response, `wireName` in the subgraph's answer.
   *
   * @param types those that it is selected on; undefined where that may be any
   */
  addField(
    name: string,
    wireName: string,
    isTypename: boolean,
    child: Shape | null,
    alternatives: readonly Conjunction[],
    types: ReadonlySet<string | undefined> = anyType,
  ): void {
    let field = this.fields.get(name);
    if (field === undefined) {
      field = { slot: this.#take(2), child, alternatives: [], types: [] };
      this.fields.set(name, field);
    } else if (child !== null) this.hasSharedObjects = true;
    field.child ??= child;
    field.alternatives.push(...alternatives);
    field.types.push(types);
    this.keys.push(wireName);
    this.slots.push(field.slot);
    this.children.push(child);
    this.typenames.push(isTypename ? 1 : 0);
    this.tights.push(name === wireName ? TIGHT : 0);
  }

  /** Call after the last `addField`, before a scan. */
  seal(): this {
    const words: number[] = [];
    const first = [0];
    const texts = this.keys.map((key) => wordsOf(`"${key}":`));
    for (const text of texts) first.push(words.push(...text.words));
    this.keyWords = Int32Array.from(words);
    this.keyFirst = Int32Array.from(first);
    this.keyMask = Int32Array.from(texts.map(({ mask }) => mask));
    this.keyLength = Int32Array.from(texts.map(({ length }) => length));
    return this;
  }

  expectType(type: number): void {
    const { words, mask, length } = wordsOf(`"${this.types.nameOf(type)}"`);
    this.lastType = type;
    this.lastTypeLength = length;
    this.lastTypeWords = Int32Array.from(words);
    this.lastTypeMask = mask;
  }

  /** The field with this wire name; -1 if there is none. */
  indexOf(wireName: string): number {
    this.#byName ??= new Map(this.keys.map((key, i) => [key, i]));
    return this.#byName.get(wireName) ?? -1;
  }

  #byName: Map<string, number> | undefined;

  /** Reserves words beyond the fields. The same reason gets the same words. */
  extra(reason: string, words: number): number {
    let at = this.#extra.get(reason);
    if (at === undefined) this.#extra.set(reason, (at = this.#take(words)));
    return at;
  }

  #take(words: number): number {
    const at = this.size;
    this.size += words;
    return at;
  }
}

/** An ASCII text as little-endian words, padded with zeros, and the mask of the last word's bits that count. */
function wordsOf(text: string): { words: number[]; mask: number; length: number } {
  const words: number[] = [];
  for (let i = 0; i < text.length; i += 4) {
    let word = 0;
    // Beyond the end it is NaN, which counts as 0 here.
    for (let k = 0; k < 4; k++) word |= text.charCodeAt(i + k) << (8 * k);
    words.push(word);
  }
  const rest = text.length % 4;
  return { words, mask: rest === 0 ? -1 : (1 << (8 * rest)) - 1, length: text.length };
}

export interface ShapeField {
  readonly slot: number;
  child: Shape | null;
  /** The alternative conditions under which the operation asks for it. */
  readonly alternatives: Conjunction[];
  /** The types that it is selected on; undefined where that may be any. */
  readonly types: ReadonlySet<string | undefined>[];
}

const anyType: ReadonlySet<undefined> = new Set([undefined]);
