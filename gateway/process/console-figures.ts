import { graphParts } from '../console/graph';
import { recordLive } from '../console/live';
import { askOperators, askSeldom } from '../console/operators';
import type { ProcessConsole } from '../console/source';
import type { Metrics } from '../telemetry/metrics/metrics';
import type { Configuration } from './configuration';

export interface ConsoleFigures {
  readonly console: Pick<ProcessConsole, 'live' | 'graph' | 'operators' | 'schema' | 'removals'>;
  stop(): void;
}

/** Records what the pages *Live* and *Graph* show of this process, until it is stopped. */
export function openConsoleFigures(
  metrics: Metrics,
  current: () => Pick<Configuration, 'graphSources' | 'linkedSubgraphs' | 'describeSchema' | 'removalsOf'>,
): ConsoleFigures {
  const recorder = recordLive(metrics);
  return {
    console: {
      live: () => Promise.resolve(recorder.parts()),
      graph: () => Promise.resolve(graphParts(current().graphSources())),
      operators: askSeldom(() => askOperators(current().linkedSubgraphs())),
      schema: () => current().describeSchema(),
      // A registry that cannot be read is in the log already.
      removals: (coordinates) =>
        current()
          .removalsOf(coordinates)
          .catch(() => []),
    },
    stop: () => recorder.stop(),
  };
}
