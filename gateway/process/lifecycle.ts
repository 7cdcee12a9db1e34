/** Whether a process takes requests. */
export class Lifecycle {
  state: 'starting' | 'running' | 'stopping' = 'starting';

  /** Why it is not ready for requests; empty if it is. */
  readiness(hasSupergraph: boolean): readonly string[] {
    return [
      ...(hasSupergraph ? [] : ['no supergraph']),
      ...(this.state === 'running' ? [] : [this.state === 'starting' ? 'starting' : 'shutting down']),
    ];
  }
}
