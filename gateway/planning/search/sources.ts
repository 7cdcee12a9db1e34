import { mapIn, remembered } from '../maps';
import { type Selection } from '../selections';
import { type IndexedType, isInterfaceObject } from '../supergraph-index';
import { type FoundEntries } from './entries';
import { type ObjectItem, type Plan } from './plans';
import { type Problem } from './search';

/** A subgraph that answers the objects at a position. */
export interface PlanSource {
  readonly subgraph: number;
  /** The stage from which it does. */
  readonly stage: number;
  /** As what it knows the objects. */
  readonly as: IndexedType;
  /** What `@provides` adds to that here. */
  readonly provided: Selection | undefined;
}

/** Sources in the order of their stages, with what was found from them. Equal ones are one object. */
export class SourceList {
  /** The ways from their objects into other subgraphs. */
  entries: FoundEntries | undefined;
  /** Whether the entries were used before all were found. */
  isReadEarly = false;
  #problems: Map<Selection, Problem> | undefined;
  #covers: Map<ObjectItem, Plan | null> | undefined;
  #requiring: Map<ObjectItem, Plan | null> | undefined;

  constructor(
    readonly list: readonly PlanSource[],
    /** By context, the stage from which its value is known. */
    readonly contexts: ReadyContexts,
  ) {}

  has(subgraph: number): boolean {
    for (const source of this.list) if (source.subgraph === subgraph) return true;
    return false;
  }

  /** The first that distinguishes the types of the objects. */
  get typing(): PlanSource | undefined {
    return this.list.find(({ as, subgraph }) => !isInterfaceObject(as, subgraph));
  }

  /** How they answer fields: if what a field requires can be sent, or if it cannot. */
  covers(canRequire: boolean): Map<ObjectItem, Plan | null> {
    return canRequire
      ? (this.#requiring ??= new Map<ObjectItem, Plan | null>())
      : (this.#covers ??= new Map<ObjectItem, Plan | null>());
  }

  /** By selection of their objects. */
  get problems(): Map<Selection, Problem> {
    return (this.#problems ??= new Map<Selection, Problem>());
  }

  /** Forgets what was solved. What is being solved stays begun. */
  forget(): void {
    if (this.entries?.isComplete === true) this.entries = undefined;
    for (const [selection, { isSolved }] of this.problems) if (isSolved) this.problems.delete(selection);
    this.#covers = undefined;
    this.#requiring = undefined;
  }
}

export type ReadyContexts = ReadonlyMap<string, number>;

export const noContexts: ReadyContexts = new Map();

/** The contexts as they are so many stages later. */
export function contextsAfter(contexts: ReadyContexts, stages: number): ReadyContexts {
  if (contexts.size === 0 || stages === 0) return contexts;
  return new Map([...contexts].map(([name, ready]) => [name, Math.max(0, ready - stages)]));
}

/** Makes equal sources one object. */
export class SourceLists {
  readonly #known = new Map<string, SourceList>();
  readonly #single = new Map<IndexedType, Map<number, SourceList>>();
  readonly #numbers = new Map<Selection, number>();

  of(list: readonly PlanSource[], contexts: ReadyContexts = noContexts): SourceList {
    const ordered = list.some((source, i) => i > 0 && source.stage < list[i - 1]!.stage)
      ? [...list].sort((one, other) => one.stage - other.stage)
      : list;
    if (list.length === 1 && contexts.size === 0) return this.#alone(list[0]!);
    let key = '';
    for (const { subgraph, stage, as, provided } of ordered)
      key += `${subgraph}@${stage}@${as.name}@${this.#numberOf(provided)},`;
    for (const [name, ready] of contexts) key += `${name}:${ready},`;
    let sources = this.#known.get(key);
    if (sources === undefined) this.#known.set(key, (sources = new SourceList(ordered, contexts)));
    return sources;
  }

  /** Forgets what was found from all of them. */
  forget(): void {
    for (const sources of this.#known.values()) sources.forget();
    for (const known of this.#single.values()) for (const sources of known.values()) sources.forget();
  }

  #alone(source: PlanSource): SourceList {
    const known = mapIn(this.#single, source.as);
    const key = (this.#numberOf(source.provided) * 4096 + source.stage) * 65_536 + source.subgraph;
    let sources = known.get(key);
    if (sources === undefined) known.set(key, (sources = new SourceList([source], noContexts)));
    return sources;
  }

  #numberOf(provided: Selection | undefined): number {
    if (provided === undefined || provided.length === 0) return 0;
    return remembered(this.#numbers, provided, () => this.#numbers.size + 1);
  }
}
