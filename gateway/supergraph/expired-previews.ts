import { setTimeout as delay } from 'node:timers/promises';
import { Variants } from '../../schema/registry/variants';
import { parseVariant } from '../../schema/registry/version';
import type { RegistryStore } from '../../schema/store/store';
import type { Logger } from '../telemetry/logger';

export interface ExpiredPreviewsOptions {
  /** Any variant of the graph. */
  readonly graph: string;
  readonly openStore: () => Promise<RegistryStore>;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Deletes previews of a graph that have expired, every minute and on request. Many processes may do so at the same time.
 */
export class ExpiredPreviews {
  readonly #options: ExpiredPreviewsOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  #hasFailed = false;

  constructor(options: ExpiredPreviewsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), lookEvery).unref();
    this.look();
  }

  look(): void {
    this.#running ??= this.#delete().finally(() => (this.#running = undefined));
  }

  async #delete(): Promise<void> {
    const { graph, openStore, logger } = this.#options;
    try {
      await new Variants(await openStore(), parseVariant(graph).graph).deleteExpired();
      this.#hasFailed = false;
    } catch (error) {
      const { message: reason } = error as Error;
      if (!this.#hasFailed)
        logger.warn({ reason }, 'expired previews cannot be deleted: `weir publish` does');
      this.#hasFailed = true;
    }
  }

  /** What it leaves is deleted by another process, or by the next start. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.race([this.#running, delay(shutdownTimeout, undefined, { ref: false })]);
  }
}

/** Milliseconds. */
const lookEvery = 60_000;
const shutdownTimeout = 2_000;
