/** The positions of the response, and the names that fields have there. */
import { remembered } from '../maps';
import { type SelectedField, type Selection } from '../selections';

/** A position of objects in the response. The emitter creates one for each field with a selection. */
export class Position {
  #children: Map<string, Position> | undefined;
  /** By signature, the response names of fields that the plan needs. */
  #names: Map<string, string> | undefined;
  #client: ClientNames | undefined;

  constructor(
    /** What the client selects here, of objects of any type. */
    readonly selections: readonly Selection[],
    readonly around?: Position,
    readonly depth = 0,
  ) {}

  below(responseName: string): Position {
    return remembered((this.#children ??= new Map<string, Position>()), responseName, () => {
      const { below } = (this.#client ??= clientNames(this.selections));
      return new Position(below.get(responseName) ?? [], this, this.depth + 1);
    });
  }

  /** The response name of a field: its own, unless it is a requirement and the client gives its name to another field. */
  nameOf({ isRequirement, name, responseName, signature }: SelectedField): string {
    if (!isRequirement) return responseName;
    const names = (this.#names ??= new Map<string, string>());
    return remembered(names, signature, () => {
      const { taken } = (this.#client ??= clientNames(this.selections));
      const chosenBefore = new Set(names.values());
      let chosen = name;
      for (let i = 0; chosenBefore.has(chosen) || (taken.get(chosen) ?? signature) !== signature; i++)
        chosen = `_${i}_${name}`;
      return chosen;
    });
  }
}

/** What the client selects at a position, by response name. */
interface ClientNames {
  /** The signature of the fields that have the name; empty where there are several. */
  readonly taken: Map<string, string>;
  readonly below: Map<string, Selection[]>;
}

/** By selection: what fragments repeat is read once. */
const known = new WeakMap<Selection, ClientNames>();

const clientNames = (selections: readonly Selection[]): ClientNames =>
  selections.length === 1
    ? remembered(known, selections[0]!, () => readClient(selections))
    : readClient(selections);

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
      const taken = names.taken.get(item.responseName) ?? item.signature;
      names.taken.set(item.responseName, taken === item.signature ? taken : '');
      if (item.selection === undefined) continue;
      const below = remembered(names.below, item.responseName, () => []);
      if (!below.includes(item.selection)) below.push(item.selection);
    }
  };
  for (const selection of selections) read(selection);
  return names;
}
