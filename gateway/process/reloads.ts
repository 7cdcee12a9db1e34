import { isDeepStrictEqual } from 'node:util';
import type { EventHub } from '../events/event-hub';
import { reportChangedExtensions } from '../extensions/load-extensions';
import { requestError } from '../errors';
import { OptionsError, type OptionsInput, parseOptions } from '../options';
import { changedOptions } from '../options/in-force';
import { secretsOf } from '../options/secrets';
import type { SupergraphSource } from '../supergraph/source';
import { Configuration } from './configuration/configuration';
import type { Configurations } from './configurations';
import { refuseFixed } from './fixed-options';
import type { OpenUpstreams, ProcessParts } from './process-parts';

export interface ReloadsOptions {
  readonly configurations: Configurations;
  readonly parts: ProcessParts;
  readonly upstreams: Pick<OpenUpstreams, 'listen'>;
  readonly events: Pick<EventHub, 'use'>;
  readonly ownSource: SupergraphSource | undefined;
}

/** Replaces the options of a running gateway. Reloads run one after the other. */
export class Reloads {
  readonly #given: ReloadsOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(given: ReloadsOptions) {
    this.#given = given;
  }

  /** Resolves when no reload is running. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** See `RunningGateway.reload`. */
  readonly reload = async (read: () => OptionsInput): Promise<readonly string[] | undefined> => {
    const { metrics, audit, loads, logger } = this.#given.parts.telemetry;
    const swapped = this.#last.then(() => this.#swap(read));
    this.#last = swapped.catch(() => undefined);
    try {
      const changed = await swapped;
      metrics.reloads.add(1, { result: changed === undefined ? 'unchanged' : 'live' });
      if (changed === undefined) {
        loads.note({ what: 'options', result: 'unchanged' });
        logger.info('the options were read again and have not changed');
        return undefined;
      }
      audit?.action({ action: 'configuration.reload', outcome: 'ok', details: { changed } });
      loads.note({ what: 'options', result: 'live', changed });
      logger.info({ changed }, 'new options are live');
      return changed;
    } catch (error) {
      const reason = (error as Error).message;
      metrics.reloads.add(1, { result: 'refused' });
      audit?.action({ action: 'configuration.reload', outcome: 'failed', details: { reason } });
      loads.note({ what: 'options', result: 'refused', reason });
      logger.error({ reason }, 'new options were refused');
      throw error;
    }
  };

  /** Resolves with the names of the changed options; undefined if nothing has changed. */
  async #swap(read: () => OptionsInput): Promise<string[] | undefined> {
    const { configurations, parts, ownSource } = this.#given;
    const next = parseOptions(read());
    if (ownSource !== undefined)
      throw OptionsError.of(['supergraph'], 'is a source of your own: such a gateway keeps its options.');
    const previous = configurations.current;
    refuseFixed(previous.options, next);
    const { logger } = parts.telemetry;
    reportChangedExtensions(next.extensions, logger);
    // Requests in flight go on with the previous ones.
    logger.hide([...secretsOf(previous.options), ...secretsOf(next)]);
    const replacement = await Configuration.open(next, { parts, ownSource, previous });
    if (isDeepStrictEqual(previous.options, next) && replacement.readsFilesAs(previous)) {
      await replacement.close();
      return undefined;
    }
    // Otherwise it could run a newer supergraph than the replacement reads.
    previous.freeze();
    try {
      await this.#given.upstreams.listen(next);
      await replacement.start();
    } catch (error) {
      previous.follow();
      await replacement.close();
      throw error;
    }
    this.#replace(replacement);
    return changesBetween(previous, replacement);
  }

  #replace(replacement: Configuration): void {
    const { configurations, parts, events } = this.#given;
    const { graphs } = configurations.current;
    configurations.use(replacement);
    if (replacement.graphs === undefined) graphs?.end(requestError('UNKNOWN_GRAPH', {}));
    else replacement.graphs.takeOver(graphs);
    const { generation, options } = replacement;
    if (generation !== undefined) void parts.clients.subscriptions.moveTo(generation.prepare);
    replacement.follow();
    events.use(options.events);
  }
}

function changesBetween(previous: Configuration, replacement: Configuration): string[] {
  const changed = changedOptions(previous.options, replacement.options);
  const manifest = 'persistedOperations.manifest';
  const isListed = changed.includes(manifest) || replacement.trustsAs(previous);
  return isListed ? changed : [...changed, manifest];
}
