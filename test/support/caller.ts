import type { Caller } from '../../gateway/transports/transport';

/** A client's request that nobody has given up, with no headers of its own. */
export const callerOf = (more: Partial<Caller> = {}): Caller => ({
  headers: {},
  tracing: {},
  isGone: false,
  deadline: undefined,
  ...more,
});
