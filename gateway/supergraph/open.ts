import { join } from 'node:path';
import { type Options, OptionsError } from '../options';
import { isOfDefaultGraph } from '../options/graphs';
import type { Logger } from '../telemetry/logger';
import type { Meter } from '../telemetry/metrics/meter';
import { createUsageRecorder, type UsageRecorder } from '../usage/recorder';
import { fileSource } from './file';
import { type LastGood, lastGoodFile } from './last-good';
import { openRegistry } from './registry';
import type { RegistryFacts } from './registry-facts';
import type { RegistryHistory } from './registry-history';
import type { FindRemovals } from './removed-names';
import { s3Source } from './s3';
import type { SupergraphSource } from './source';
import { urlSource } from './url';

export interface OpenedSource {
  readonly source: SupergraphSource;
  readonly lastGood?: LastGood | undefined;
  /** Records the usage of the schema. */
  readonly usage?: UsageRecorder | undefined;
  /** What the registry knows of the supergraph that runs. Rejects if it cannot be read. */
  readonly registryFacts?: (() => Promise<RegistryFacts>) | undefined;
  /** Which version of the registry has removed a name; undefined without one. */
  readonly removals?: FindRemovals | undefined;
  /** The versions of the registry; undefined without one. */
  readonly history?: RegistryHistory | undefined;
}

interface SupergraphSourceTools {
  readonly logger: Logger;
  readonly meter: Meter;
  /** Whether nothing is reported to a registry. @default false */
  readonly isReadOnly?: boolean | undefined;
}

/** Opens the source that the options name. @throws {OptionsError} if they name none */
export function openSource(
  options: Pick<Options, 'supergraph' | 'usage' | 'graphs'>,
  { logger, meter, isReadOnly }: SupergraphSourceTools,
): OpenedSource {
  const { supergraph, usage, graphs } = options;
  if (supergraph === undefined)
    throw OptionsError.of(['supergraph'], 'is missing: name a file, an http(s) URL or a registry.');
  const { file, url, registry, graph, version, pollInterval, headers, keep, webhooks } = supergraph;
  const pace = pollInterval === undefined ? {} : { pollInterval };
  const lastGood = keep === undefined ? undefined : lastGoodFile(keep);
  if (registry !== undefined && graph !== undefined) {
    const kept = join('.weir', `${graph}${version === undefined ? '' : `-${version}`}.graphql`);
    const { enabled, interval, minimumDays } = usage;
    const reading = { registry, graph, version, ...pace, minimumDays, webhooks, logger, meter, isReadOnly };
    const { source, usageSink: sink, facts: registryFacts, ...known } = openRegistry(reading);
    // The other graphs together take as much memory as the default one.
    const segmentSize = isOfDefaultGraph(options) ? undefined : Math.ceil(2_000 / graphs!.open);
    const recorder = enabled
      ? createUsageRecorder({ sink, interval, logger, meter, segmentSize })
      : undefined;
    return { source, usage: recorder, lastGood: lastGood ?? lastGoodFile(kept), registryFacts, ...known };
  }
  if (url !== undefined) {
    const isS3 = url.startsWith('s3:');
    return { source: isS3 ? s3Source({ url, ...pace }) : urlSource({ url, headers, ...pace }), lastGood };
  }
  return { source: fileSource({ file: file! }) };
}
