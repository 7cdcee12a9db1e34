import type { Authorization } from '../../auth/directives';
import { printPlan } from '../../explain/print-plan';
import { type PlannedOperation, type Planner } from '../../planning';
import type { LoggedIds } from '../../telemetry/logged-ids';
import type { Logger } from '../../telemetry/logger';
import { withoutTexts } from '../../telemetry/sent-texts';

interface LogPlanOptions {
  readonly logger: Logger;
  readonly planner: Planner;
  readonly authorization: Authorization;
}

/** Logs the query plan of an operation at level `debug`, without the literal values of its document. */
export function logPlan(
  { logger, planner, authorization }: LogPlanOptions,
  planned: PlannedOperation,
  ids: LoggedIds,
): void {
  if (!logger.isLevelEnabled('debug')) return;
  const { operationName: operation, documentHash: operationId, overrideLabels } = planned;
  const facts = { ...ids, operation, operationId };
  const document = withoutTexts(planned.document);
  void authorization
    .visiblePart({ ...planned, document }, planner)
    .then((visible) => planner.plan(visible, operation, overrideLabels))
    .then(
      (plan) => logger.debug({ ...facts, plan: printPlan(plan) }, 'an operation was planned'),
      (error: unknown) => logger.debug({ ...facts, err: error }, 'a plan cannot be shown'),
    );
}
