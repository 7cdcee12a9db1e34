import type {
  SupergraphListener,
  SupergraphOutcome,
  SupergraphSource,
} from '../../gateway/supergraph/source';

/** A source of supergraphs that are pushed to it. */
export interface SupergraphFeed extends SupergraphSource {
  /** Whether a supergraph has been pushed. */
  readonly isFed: boolean;
  /**
   * Pushes a supergraph. The first one starts the gateway; each later one replaces the one before. Returns false for
   * the same text again, which changes nothing.
   */
  push(supergraphSdl: string): boolean;
  /** Rejects the start of the source with the error. No effect after a push. */
  fail(error: Error): void;
}

/** @param onOutcome called with the outcome of each supergraph */
export function createSupergraphFeed(onOutcome?: (outcome: SupergraphOutcome) => void): SupergraphFeed {
  let listener: SupergraphListener | undefined;
  let current: string | undefined;
  let fed: () => void;
  let failed: (error: Error) => void;
  const first = new Promise<void>((resolve, reject) => {
    fed = resolve;
    failed = reject;
  });
  first.catch(() => undefined);
  return {
    get isFed() {
      return current !== undefined;
    },
    push(supergraphSdl) {
      if (supergraphSdl === current) return false;
      current = supergraphSdl;
      fed();
      listener?.onSupergraph(supergraphSdl);
      return true;
    },
    ...(onOutcome && { onOutcome }),
    fail: (error) => failed(error),
    async start(given) {
      await first;
      listener = given;
      return current;
    },
    stop() {
      listener = undefined;
      return Promise.resolve();
    },
  };
}
