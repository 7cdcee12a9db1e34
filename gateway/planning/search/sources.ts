import { remembered } from '../maps';
import { type Selection } from '../selections/selection';
import { type IndexedType } from '../supergraph-index/supergraph-index';

/** A subgraph that answers the objects at a position. */
export interface Source {
  readonly subgraph: number;
  /** The stage from which it does. */
  readonly stage: number;
  /** As what it knows the objects. */
  readonly as: IndexedType;
  /** What `@provides` adds to that here. */
  readonly provided: Selection | undefined;
}

/** Sources in the order of their stages. Equal ones are one object. */
export interface Sources {
  readonly list: readonly Source[];
  /** By context, the stage from which its value is known. */
  readonly contexts: ReadyContexts;
  readonly key: string;
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
  readonly #known = new Map<string, Sources>();
  readonly #numbers = new Map<Selection, number>();

  of(list: readonly Source[], contexts: ReadyContexts = noContexts): Sources {
    const ordered = list.some((source, i) => i > 0 && source.stage < list[i - 1]!.stage)
      ? [...list].sort((one, other) => one.stage - other.stage)
      : list;
    let key = '';
    for (const { subgraph, stage, as, provided } of ordered)
      key += `${subgraph}@${stage}@${as.name}@${this.#numberOf(provided)},`;
    for (const [name, ready] of contexts) key += `${name}:${ready},`;
    let sources = this.#known.get(key);
    if (sources === undefined) this.#known.set(key, (sources = { list: ordered, contexts, key }));
    return sources;
  }

  #numberOf(provided: Selection | undefined): number {
    if (provided === undefined || provided.length === 0) return 0;
    return remembered(this.#numbers, provided, () => this.#numbers.size + 1);
  }
}
