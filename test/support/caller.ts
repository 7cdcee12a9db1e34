import { AnswerProvenance } from '../../gateway/cache/policy';
import { noCalls } from '../../gateway/telemetry/metrics/call-counts';
import { scopeOf } from '../../gateway/subgraph-calls/header-rules';
import type { Caller } from '../../gateway/subgraph-calls/contract/transport';

/** A client's request that nobody has given up, with no headers of its own. */
export const callerOf = ({
  headers = {},
  signedIdentity,
  ...more
}: Partial<Omit<Caller, 'scope'>> = {}): Caller => ({
  headers,
  signedIdentity,
  scope: scopeOf(headers, signedIdentity),
  tracing: {},
  isGone: false,
  deadline: undefined,
  calls: noCalls(),
  provenance: new AnswerProvenance(),
  ...more,
});
