import { describeSupergraph } from '../supergraph/describe-supergraph';
import type { RegistryFacts } from '../supergraph/registry-facts';
import type { SchemaView } from './api';

export interface RunningSupergraph {
  readonly supergraphSdl: string;
  readonly apiSchemaSdl: readonly string[];
  /** The beginning of its hash. */
  readonly id: string;
}

export interface SchemaViewOptions {
  /** Where supergraphs come from, such as `the registry, shop@prod`. */
  readonly source: string;
  readonly registryFacts: (() => Promise<RegistryFacts>) | undefined;
  /** Milliseconds after which a description is made anew, when somebody asks: use is counted on. @default a minute */
  readonly renewAfter?: number;
  /** Milliseconds for which the one before is shown meanwhile. @default 15 minutes */
  readonly longest?: number;
}

/** The page *Graph* of what runs. It is described when somebody asks, at most once a minute. */
export function schemaViews({
  source,
  registryFacts,
  renewAfter = 60_000,
  longest = 15 * 60_000,
}: SchemaViewOptions): (running: RunningSupergraph) => Promise<SchemaView> {
  let last: { readonly id: string; readonly at: number; readonly view: SchemaView } | undefined;
  let next: { readonly id: string; readonly view: Promise<SchemaView> } | undefined;

  async function describe({ supergraphSdl, apiSchemaSdl, id }: RunningSupergraph): Promise<SchemaView> {
    const troubles: string[] = [];
    const registry = await registryFacts?.().catch((error: unknown) => {
      troubles.push(
        `The registry cannot be read, so use and versions are missing: ${(error as Error).message}`,
      );
      return undefined;
    });
    const { types, usage, changes } = await describeSupergraph({
      ...{ supergraphSdl, registry },
      apiSchemaSdl: apiSchemaSdl.join(''),
    });
    const { version, before } = registry ?? {};
    return {
      ...{ types, troubles },
      version: {
        ...{ id: version === undefined ? id : String(version.number), source },
        ...(version && { at: Date.parse(version.at) }),
        ...(before && { before: String(before.number), changes: changes! }),
      },
      ...(usage?.from !== undefined && {
        ...{ usageFrom: usage.from, usageDays: usage.days, neededDays: usage.neededDays },
      }),
    };
  }

  return (running) => {
    const now = performance.now();
    const age = last?.id === running.id ? now - last.at : Infinity;
    if (age > renewAfter && next?.id !== running.id) {
      const latest = { id: running.id, view: describe(running) };
      next = latest;
      latest.view.then(
        (view) => {
          if (next !== latest) return;
          last = { id: running.id, at: now, view };
          next = undefined;
        },
        () => {
          if (next === latest) next = undefined;
        },
      );
    }
    return age > longest ? next!.view : Promise.resolve(last!.view);
  };
}
