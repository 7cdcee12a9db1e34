/**
 * Variables of OpenTelemetry for a subgraph: those of the environment, with a `service.name` of its own. None where the
 * environment has none.
 */
export const serviceName = (
  env: Readonly<Record<string, string | undefined>>,
  subgraph: string,
): Record<string, string> =>
  Object.keys(env).some((variable) => variable.startsWith('OTEL_')) ? { OTEL_SERVICE_NAME: subgraph } : {};
