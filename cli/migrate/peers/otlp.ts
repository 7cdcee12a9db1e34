/** OpenTelemetry collectors of the peers. */
import type { ForeignValue } from '../foreign';
import type { Outcome } from '../table';
import type { Position } from '../translate';

export type Signal = 'traces' | 'metrics';

/** Sets the collector of a signal: over HTTP a URL without a path gets that of the signal. */
export function setCollector(
  at: Position,
  signal: Signal,
  url: string,
  isHttp: boolean,
): Outcome | undefined {
  const options = `telemetry.${signal}.otlp`;
  const hasPath = !URL.canParse(url) || new URL(url).pathname !== '/';
  at.set(`${options}.url`, hasPath || !isHttp ? url : `${url.replace(/\/$/, '')}/v1/${signal}`);
  if (!isHttp) at.set(`${options}.protocol`, 'grpc');
  return undefined;
}

export function setCollectorHeader(at: Position, signal: Signal, name: string, value: ForeignValue): void {
  const texts = Array.isArray(value) ? value : [value];
  at.set(['telemetry', signal, 'otlp', 'headers', name], texts.map(String).join(','));
}
