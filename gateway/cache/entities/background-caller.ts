import { noCalls } from '../../telemetry/call-counts';
import type { Caller } from '../../subgraph-calls/transport';
import { AnswerProvenance } from '../policy';

/** Stands for a caller in calls that nobody waits for: with the same headers and name, but with no end of its own. */
export const backgroundCaller = ({ headers, signedIdentity, scope, tracing }: Caller): Caller => ({
  headers,
  signedIdentity,
  scope,
  tracing,
  isGone: false,
  deadline: undefined,
  calls: noCalls(),
  provenance: new AnswerProvenance(),
});
