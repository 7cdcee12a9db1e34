import { type Program } from '../execution/program';
import { requestedBy } from './outline-calls';

/** A deferred fragment, which is sent when the calls that it waits for have ended. */
export interface OutlinedPart {
  readonly label: string | undefined;
  /** Where in the response the objects are that it is about; empty at the root. */
  readonly path: string;
  /** The fetches of the plan that nothing sent before it needs. */
  readonly waitsFor: readonly {
    readonly subgraph: string;
    /** Fields of a root type, or the types of entities. */
    readonly asks: readonly string[];
    readonly path: string;
  }[];
}

/**
 * Where an operation is cut for clients that take answers in parts. Undefined for one without `@defer`; empty if everything
 * that it defers comes with the calls of the rest.
 */
export function outlineParts(
  program: Program,
  variables: Readonly<Record<string, unknown>>,
  mayDefer: boolean,
): OutlinedPart[] | undefined {
  if (!mayDefer) return undefined;
  const conditions = program.conditionsOf(variables);
  const deferral = program.partsFor({ conditions, variables, repeatsFields: false })?.deferral;
  if (deferral === undefined) return [];
  const fetches = program.outline(conditions);
  return deferral.usages.map((usage) => {
    const before = new Set(deferral.first);
    for (let one = usage.parent; one !== undefined; one = one.parent)
      for (const fetch of deferral.needsOf(one)) before.add(fetch);
    const own = fetches.filter(({ index }) => deferral.needsOf(usage).has(index) && !before.has(index));
    return {
      label: usage.label,
      path: usage.path.join('.'),
      waitsFor: own.map(({ operation, path }) => ({
        subgraph: operation.request.subgraph,
        asks: requestedBy(operation),
        path,
      })),
    };
  });
}
