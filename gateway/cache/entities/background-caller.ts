import { noCalls } from '../../telemetry/metrics/call-counts';
import type { Caller } from '../../subgraph-calls/contract/transport';
import { AnswerProvenance } from '../policy';

/** A caller for background calls: with the same headers and identity, but without deadline, and never gone. */
export const backgroundCaller = ({ headers, signedIdentity, scope, tracing, span }: Caller): Caller => ({
  headers,
  signedIdentity,
  scope,
  tracing,
  span,
  isGone: false,
  deadline: undefined,
  calls: noCalls(),
  provenance: new AnswerProvenance(),
});
