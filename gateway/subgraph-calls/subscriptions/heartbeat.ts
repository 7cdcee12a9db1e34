/** How many heartbeats of a subgraph may be late, or lost. */
export const mostMissed = 3;
