import { randomIds } from './random-ids';
import { type Recorder, UndecidedSpans } from './trace';
import { Tracer } from './tracer';

/**
 * A tracer for the console alone. Nothing is exported, and its traces are not in headers to subgraphs nor in logs: they get the trace of
 * the client, if there is one.
 */
export function localTracer(path: string, recorder: Recorder): Tracer {
  const newId = randomIds();
  let spans = 0;
  return new Tracer({
    ...{ path, recorder, isLocal: true, xRay: false, keep: { failed: false } },
    isSampled: () => false,
    newTraceId: () => newId(16),
    // Only this process sees them.
    newSpanId: () => (++spans).toString(16),
    undecided: new UndecidedSpans(0),
    take: () => undefined,
    drop: () => undefined,
    writeHeaders: (_trace, _spanId, requestId) => ({ 'x-request-id': requestId }),
  });
}
