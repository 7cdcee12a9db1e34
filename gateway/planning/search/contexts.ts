/** Which selections have arguments from a context (`@fromContext`). */
import { type Selection } from '../selections/selection';
import { type ContextArgument, type SupergraphIndex } from '../supergraph-index/supergraph-index';

export class ContextUses {
  readonly #index: SupergraphIndex;
  readonly #known = new Map<Selection, readonly ContextArgument[]>();

  constructor(index: SupergraphIndex) {
    this.#index = index;
  }

  /** The arguments from a context within a selection. */
  in(selection: Selection): readonly ContextArgument[] {
    const { contextual } = this.#index;
    if (contextual.size === 0) return none;
    let found = this.#known.get(selection);
    if (found !== undefined) return found;
    const all = new Set<ContextArgument>();
    for (const item of selection) {
      if (item.kind === 'field') for (const argument of contextual.get(item.name) ?? none) all.add(argument);
      if (item.selection !== undefined) for (const argument of this.in(item.selection)) all.add(argument);
    }
    this.#known.set(selection, (found = all.size === 0 ? none : [...all]));
    return found;
  }
}

const none: readonly ContextArgument[] = [];
