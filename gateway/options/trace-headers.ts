import type { z } from 'zod';
import type { HeadersOptions } from './headers';

interface Traces {
  readonly xRay: boolean;
  readonly datadog: boolean;
}

const ofXRay = ['x-amzn-trace-id'];
const ofDatadog = ['trace-id', 'parent-id', 'sampling-priority', 'tags'].map((name) => `x-datadog-${name}`);

/** The headers besides `traceparent` that the gateway writes for traces of subgraphs, in lower case. */
export const traceHeadersOf = ({ xRay, datadog }: Traces): readonly string[] => [
  ...(xRay ? ofXRay : []),
  ...(datadog ? ofDatadog : []),
];

type WritingRules = Pick<
  HeadersOptions,
  'forward' | 'rename' | 'set' | 'claims' | 'defaults' | 'operationName'
>;

interface NamedHeaders {
  readonly telemetry: { readonly traces: Traces };
  readonly calls: { readonly sharedHeaders: readonly string[] };
  readonly headers: WritingRules;
  readonly subgraphs: Readonly<Record<string, { readonly headers: WritingRules }>>;
}

/** Refuses rules that write a header which the gateway writes for traces: subgraphs would continue another one. */
export function refuseTraceHeaders(
  { telemetry: { traces }, calls, headers, subgraphs }: NamedHeaders,
  context: z.RefinementCtx,
): void {
  const refuse = (name: string | undefined, ...path: PropertyKey[]): void => {
    if (name === undefined || !traceHeadersOf(traces).includes(name)) return;
    const option = ofXRay.includes(name) ? 'xRay' : 'datadog';
    const message = `must not be a header that \`telemetry.traces.${option}\` writes`;
    context.addIssue({ code: 'custom', path, message });
  };
  const refuseRules = (rules: WritingRules, ...path: PropertyKey[]): void => {
    rules.forward.forEach((name, i) => refuse(name, ...path, 'forward', i));
    for (const [from, to] of Object.entries(rules.rename)) refuse(to, ...path, 'rename', from);
    for (const kind of ['set', 'claims', 'defaults'] as const)
      for (const name of Object.keys(rules[kind])) refuse(name, ...path, kind, name);
    refuse(rules.operationName, ...path, 'operationName');
  };
  calls.sharedHeaders.forEach((name, i) => refuse(name, 'calls', 'sharedHeaders', i));
  refuseRules(headers, 'headers');
  for (const [name, own] of Object.entries(subgraphs)) refuseRules(own.headers, 'subgraphs', name, 'headers');
}
