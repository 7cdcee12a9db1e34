/** A supergraph that cannot be run; the message says why. */
export class SupergraphError extends Error {
  override readonly name = 'SupergraphError';
}
