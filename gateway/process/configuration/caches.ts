import { CdnPurges } from '../../cache/cdn/cdn-purges';
import { cloudFrontPurge } from '../../cache/cdn/cloudfront';
import { allTags, createInvalidate, type Invalidate } from '../../cache/invalidation';
import { createCaching, type ProcessCaches } from '../../cache/responses/caching';
import type { Store } from '../../cache/stores/store';
import type { Options } from '../../options';
import { isShared } from '../../options/cache';
import type { OpenPart } from '../open-parts';
import type { Stores } from '../process-parts';
import type { Telemetry } from '../telemetry';

/** The caches of answers, here and in a CDN. */
export interface Caches extends OpenPart {
  readonly store: Store;
  readonly caching: ProcessCaches;
  readonly invalidate: Invalidate;
  /** Purges the paths of tags at a CDN; undefined without a CDN. */
  cdnPaths(tags: readonly string[]): readonly string[] | undefined;
  /** Takes over the CDN purges that another configuration could not send. */
  takeOverPurges(paths: readonly string[]): void;
  /** To be called with the formats of the tags of each supergraph that is to run. */
  useTagFormats(formats: readonly string[]): void;
  /** The paths that could not be sent to the CDN, once it is closed. */
  readonly unsentPaths: readonly string[];
}

export function openCaches(
  options: Options,
  { store, changes }: Pick<Stores, 'store' | 'changes'>,
  { metrics, logger }: Telemetry,
): Caches {
  const caching = createCaching(options, store, metrics, logger, changes);
  const purges = openPurges(options, { metrics, logger });
  let tagFormats: readonly string[] = [];
  let unsentPaths: readonly string[] = [];
  const drop = createInvalidate(
    store,
    () => tagFormats,
    (tags) => {
      caching.changes.note();
      purges?.add(tags);
    },
  );
  const invalidate: Invalidate = (tags, cause) => {
    const done = drop(tags);
    metrics.caches.invalidations.note(cause, tags, done);
    return done;
  };
  return {
    ...{ store, caching, invalidate },
    cdnPaths: (tags) => purges?.pathsFor(allTags(tags, tagFormats)),
    takeOverPurges: (paths) => purges?.addPaths(paths),
    useTagFormats: (formats) => (tagFormats = formats),
    async close() {
      unsentPaths = (await purges?.close()) ?? [];
    },
    get unsentPaths() {
      return unsentPaths;
    },
  };
}

function openPurges(
  { path, cache: { cdn, store, memoryBound } }: Options,
  { metrics: { meter }, logger }: Pick<Telemetry, 'metrics' | 'logger'>,
): CdnPurges | undefined {
  if (cdn.cloudFront === undefined) return undefined;
  const { purge, delay, ...distribution } = cdn.cloudFront;
  const everything = `${path}*`;
  return new CdnPurges({
    send: cloudFrontPurge(distribution),
    rules: purge ?? [{ tags: ['*'], paths: [everything] }],
    everything,
    delay: isShared({ store }) ? Math.max(delay, memoryBound) : delay,
    ...{ meter, logger },
  });
}
