import { type Authentication, createAuthentication } from '../../auth/authentication';
import { openPolicyEvaluator, Policies } from '../../auth/directives';
import { type ClientLimits, createClientLimits } from '../../limits/client-limits';
import type { Options } from '../../options';
import type { Logger } from '../../telemetry/logger';
import type { OpenPart } from '../open-parts';
import type { ClientState } from '../process-parts';

/** Who clients are, and what they may do. */
export interface Access extends OpenPart {
  /** Undefined without an auth mode. */
  readonly authentication: Authentication | undefined;
  readonly policies: Policies;
  readonly limits: ClientLimits;
}

export async function openAccess(
  options: Options,
  { usedSignatures }: Pick<ClientState, 'usedSignatures'>,
  logger: Logger,
): Promise<Access> {
  const { policies } = options.authorization;
  const evaluate = await openPolicyEvaluator(policies);
  const authentication = createAuthentication({
    ...{ options: options.auth, resource: options.mcp?.resource, usedSignatures, logger },
  });
  return {
    authentication,
    policies: new Policies({ evaluate, ttl: policies?.ttl ?? 0, logger }),
    limits: limitsOf(options),
    close: () => authentication?.close(),
  };
}

export function limitsOf({ limits, introspection, mode }: Options): ClientLimits {
  return createClientLimits({ limits, introspection: introspection ?? mode === 'development' });
}
