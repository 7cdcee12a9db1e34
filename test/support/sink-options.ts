import type { CorsHeaders, HttpSinkOptions } from '../../gateway/http/http-sink';
import { partsTypes } from '../../gateway/http/parts-types';

/** The options of sinks over HTTP, by default without headers for browsers. */
export const sinkOptions = (corsHeaders: CorsHeaders = () => []): HttpSinkOptions => ({
  corsHeaders,
  partsTypesFor: partsTypes(),
  heartbeat: 5000,
  idle: 40_000,
});
