/**
 * A source of supergraphs. It is started once and stopped once. It remembers the last supergraph, and reports nothing if
 * nothing changed.
 */
export interface SupergraphSource {
  /**
   * Resolves with the first supergraph, or with `undefined` when there is none yet and the source goes on trying.
   * Rejects when trying again is no use: the gateway then does not start.
   */
  start(listener: SupergraphListener): Promise<string | undefined>;
  /** Reports nothing any more after it was called. */
  stop(): Promise<void>;
  /** Is told what became of what it brought. */
  onOutcome?(outcome: SupergraphOutcome): void;
}

export type SupergraphOutcome =
  | { readonly result: 'live'; readonly supergraphSdl: string }
  /** The gateway cannot run it, and goes on with what it has. */
  | { readonly result: 'refused'; readonly supergraphSdl: string; readonly reason: string };

export interface SupergraphListener {
  /** A supergraph to run from now on. One that does not build is refused by the gateway, and logged. */
  onSupergraph(supergraphSdl: string): void;
  /** The source could not be read; the gateway goes on with what it has. */
  onUnavailable(error: Error): void;
}
