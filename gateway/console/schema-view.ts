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
}

/** Milliseconds for which a description is shown: the use of a schema is read anew afterwards. */
const kept = 60_000;

/** The page *Graph* of what runs. It is described when somebody asks, at most once a minute. */
export function schemaViews({
  source,
  registryFacts,
}: SchemaViewOptions): (running: RunningSupergraph) => Promise<SchemaView> {
  let last: { readonly id: string; readonly at: number; readonly view: Promise<SchemaView> } | undefined;

  async function describe({ supergraphSdl, apiSchemaSdl, id }: RunningSupergraph): Promise<SchemaView> {
    const troubles: string[] = [];
    const registry = await registryFacts?.().catch((error: unknown) => {
      troubles.push(
        `The registry cannot be read, so use and versions are missing: ${(error as Error).message}`,
      );
      return undefined;
    });
    const { types, usageFrom, changes } = await describeSupergraph({
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
      ...(usageFrom !== undefined && { usageFrom }),
    };
  }

  return (running) => {
    const now = performance.now();
    if (last?.id !== running.id || now - last.at > kept) {
      const view = describe(running);
      const asked = { id: running.id, at: now, view };
      last = asked;
      view.catch(() => {
        if (last === asked) last = undefined;
      });
    }
    return last.view;
  };
}
