import { hashOf, type TextHash } from './texts';
import type { EndedPreview } from './previews';
import { RegistryError, type SubgraphChange, type Version } from './version';

/** The state of a variant before a change. */
export type State = Pick<Version, 'number' | 'subgraphs' | 'contract' | 'preview'> & {
  /** Set where it was a preview that has ended. */
  readonly ended?: EndedPreview | undefined;
};

/** The state after a change. */
export interface Plan {
  readonly subgraphs: Version['subgraphs'];
  /** The schemas that are not in the registry yet, by the names of their subgraphs. */
  readonly given?: ReadonlyMap<string, SubgraphChange>;
  /** The supergraph of these subgraphs, if they were composed before. */
  readonly supergraph?: TextHash | undefined;
  /**
   * The terms of the contract, which filter that supergraph. `ended`: the variant stops being a contract and is empty.
   */
  readonly contract?: Version['contract'] | 'ended';
  /** The terms of a preview, anew. @default those that it has */
  readonly preview?: Version['preview'];
}

/** Plans a change. Called again if another publisher was faster. */
export type Planner = (before: State) => Plan | Promise<Plan>;

export const nothing: State = { number: 0, subgraphs: {} };

/**
 * The plan that publishes subgraphs.
 *
 * @param name of the variant, for errors
 * @throws {RegistryError} if a new subgraph has no routing URL
 */
export function planPublish(
  name: string,
  before: Pick<State, 'subgraphs' | 'number'>,
  changes: readonly SubgraphChange[],
): Plan {
  const subgraphs = { ...before.subgraphs };
  for (const { name: subgraph, sdl, routingUrl = subgraphs[subgraph]?.routingUrl } of changes) {
    if (routingUrl === undefined) {
      throw new RegistryError(
        `${subgraph} is new in ${name}, so its routing URL is needed: where the gateway sends its operations.`,
      );
    }
    subgraphs[subgraph] = { routingUrl, schema: hashOf(sdl), since: before.number + 1 };
  }
  return { subgraphs, given: new Map(changes.map((change) => [change.name, change])) };
}
