import type { SchemaView } from '../../console/api';
import { schemaViews } from '../../console/schema-view';
import type { Options } from '../../options';
import { PersistedOperations } from '../../request/persisted/persisted-operations';
import type { TrustedOperations } from '../../request/persisted/trusted-operations';
import { type OpenedSource, openSource } from '../../supergraph/open';
import type { SupergraphSource } from '../../supergraph/source';
import type { OpenPart } from '../open-parts';
import { keptBytes } from './kept-bytes';
import type { ProcessParts } from '../process-parts';

/** Where the supergraph and the operations of manifests come from. */
export interface Sources
  extends Pick<OpenedSource, 'source' | 'lastGood' | 'usage' | 'removals' | 'history'>, OpenPart {
  readonly persistedOperations: PersistedOperations;
  /** Where supergraphs come from, without what may be secret in a URL. */
  readonly description: string;
  readonly viewSchema: (supergraph: Parameters<ReturnType<typeof schemaViews>>[0]) => Promise<SchemaView>;
}

/** @param ownSource used instead of the source in the options */
export function openSources(
  options: Options,
  ownSource: SupergraphSource | undefined,
  trusted: TrustedOperations,
  { telemetry: { metrics, logger }, stores: { store } }: Pick<ProcessParts, 'telemetry' | 'stores'>,
): Sources {
  const { registryFacts, ...opened }: OpenedSource =
    ownSource === undefined ? openSource(options, { logger, meter: metrics.meter }) : { source: ownSource };
  const { persistedOperations: statistics } = metrics;
  const persistedOperations = new PersistedOperations({
    ...{ options, trusted, store, statistics, logger },
    mostBytes: keptBytes(options),
  });
  const description = describeSource(options, ownSource);
  return {
    ...{ ...opened, persistedOperations, description },
    viewSchema: schemaViews({ source: description, registryFacts }),
    async close() {
      persistedOperations.close();
      await opened.usage?.close();
    },
  };
}

/** Where supergraphs come from, without what may be secret in a URL. */
function describeSource({ supergraph }: Options, ownSource: SupergraphSource | undefined): string {
  if (ownSource !== undefined || supergraph === undefined) return 'a source of this program';
  const { file, url, registry, graph } = supergraph;
  if (registry !== undefined) return `the registry, ${graph}`;
  if (url === undefined) return `the file ${file}`;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
