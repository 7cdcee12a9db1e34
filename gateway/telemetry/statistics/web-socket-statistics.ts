import type { Meter, Sum } from '../metrics/meter';
import type { AttributesOf } from '../metrics/metric-table';

/** Counts WebSocket connections of clients. */
export class WebSocketStatistics {
  readonly connections: Sum<AttributesOf<'weir.websocket.connections'>>;
  readonly closes: Sum<AttributesOf<'weir.websocket.closes'>>;

  constructor(meter: Meter) {
    this.connections = meter.sum('weir.websocket.connections');
    this.closes = meter.sum('weir.websocket.closes');
  }
}
