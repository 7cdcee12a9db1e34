/** The positions of the response, and the names that fields have there. */
import { type SelectedField, type Selection } from '../selections/selection';

/** A position of objects in the response. It is created when something is needed there. */
export class Position {
  /** Its keys, from the root. */
  readonly keys: readonly string[];
  /** What the client selects here, of objects of any type. */
  readonly #selections: readonly Selection[];
  readonly #children = new Map<string, Position>();
  #client: ClientNames | undefined;
  /** By signature, the response names of fields that the plan needs. */
  readonly #names = new Map<string, string>();

  constructor(selections: readonly Selection[], keys: readonly string[] = []) {
    this.#selections = selections;
    this.keys = keys;
  }

  below(responseName: string): Position {
    let child = this.#children.get(responseName);
    if (child === undefined) {
      const { below } = (this.#client ??= readClient(this.#selections));
      child = new Position([...(below.get(responseName) ?? [])], [...this.keys, responseName]);
      this.#children.set(responseName, child);
    }
    return child;
  }

  /** The response name of a field: its own, unless it is a requirement and the client gives its name to another field. */
  nameOf({ isRequirement, name, responseName, signature }: SelectedField): string {
    if (!isRequirement) return responseName;
    let chosen = this.#names.get(signature);
    if (chosen !== undefined) return chosen;
    const { taken } = (this.#client ??= readClient(this.#selections));
    chosen = name;
    for (let i = 0; !isFree(taken.get(chosen), signature); i++) chosen = `_${i}_${name}`;
    taken.set(chosen, new Set([signature]));
    this.#names.set(signature, chosen);
    return chosen;
  }
}

/** What the client selects at a position, by response name. */
interface ClientNames {
  /** The signatures of the fields that have the name. */
  readonly taken: Map<string, Set<string>>;
  /** The selections below it. */
  readonly below: Map<string, Set<Selection>>;
}

function readClient(selections: readonly Selection[]): ClientNames {
  const names: ClientNames = { taken: new Map(), below: new Map() };
  const seen = new Set<Selection>();
  const read = (selection: Selection): void => {
    if (seen.has(selection)) return;
    seen.add(selection);
    for (const item of selection) {
      if (item.kind === 'fragment') {
        read(item.selection);
        continue;
      }
      addTo(names.taken, item.responseName, item.signature);
      if (item.selection !== undefined) addTo(names.below, item.responseName, item.selection);
    }
  };
  for (const selection of selections) read(selection);
  return names;
}

function addTo<Item>(sets: Map<string, Set<Item>>, key: string, item: Item): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([item]));
  else set.add(item);
}

const isFree = (signatures: ReadonlySet<string> | undefined, signature: string): boolean =>
  signatures === undefined || (signatures.size === 1 && signatures.has(signature));
