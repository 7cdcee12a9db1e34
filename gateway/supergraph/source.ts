/** A source of supergraphs, started once and stopped once. It reports nothing if nothing changed. */
export interface SupergraphSource {
  /**
   * Resolves with the first supergraph, or with `undefined` if there is none yet and the source keeps trying. Rejects
   * if trying again is of no use; then the gateway does not start.
   */
  start(listener: SupergraphListener): Promise<string | undefined>;
  /** Stops the source. Nothing is reported afterwards. */
  stop(): Promise<void>;
  /** Called with the outcome of each reported supergraph. */
  onOutcome?(outcome: SupergraphOutcome): void;
}

export type SupergraphOutcome =
  | { readonly result: 'live'; readonly supergraphSdl: string }
  /** The gateway cannot run it, and keeps the current one. */
  | { readonly result: 'refused'; readonly supergraphSdl: string; readonly reason: string };

export interface SupergraphListener {
  /** Reports a new supergraph. The gateway refuses and logs one that cannot be built. */
  onSupergraph(supergraphSdl: string): void;
  /** Reports that the source could not be read. The gateway keeps the current supergraph. */
  onUnavailable(error: Error): void;
}
