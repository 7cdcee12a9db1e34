import { type Configuration } from './configuration/configuration';
import { requestError } from '../errors';
import type { Invalidation } from '../options/invalidation';
import type { IncomingRequest } from '../request/incoming-request';
import type { InvalidationCause } from '../telemetry/statistics/invalidation-log';
import type { Telemetry } from './telemetry';
import type { InvalidateFor } from './operators/invalidation-route';

/** The configuration in force, and those that it has replaced which still have requests in flight. */
export class Configurations {
  readonly #telemetry: Pick<Telemetry, 'logger' | 'audit'>;
  #current: Configuration | undefined;
  readonly #replaced = new Set<Configuration>();
  #isClosed = false;

  constructor(telemetry: Pick<Telemetry, 'logger' | 'audit'>) {
    this.#telemetry = telemetry;
  }

  /** To be called once there is one. */
  get current(): Configuration {
    return this.#current!;
  }

  /** Puts a configuration into force. The one that it replaces closes when its requests are over. */
  use(next: Configuration): void {
    const previous = this.#current;
    this.#current = next;
    if (previous === undefined) return;
    this.#replaced.add(previous);
    void this.#closeLater(previous);
  }

  /** The requests that are not answered yet. */
  get unanswered(): readonly IncomingRequest[] {
    return this.#all.flatMap(({ inFlight }) => [...inFlight]);
  }

  /** Answers all requests with an error, as the process ends. */
  giveUp(): void {
    for (const request of this.unanswered) request.abort(requestError('SHUTTING_DOWN', {}));
    for (const each of this.#all) each.refuseWaiting();
  }

  /** @throws {UnknownNames} if the supergraph lacks one of the names */
  async invalidate(invalidation: Invalidation, cause: InvalidationCause): Promise<void> {
    await this.current.invalidate(this.current.tagsOf(invalidation), cause);
  }

  /** The same for a caller, whose action is recorded in the audit trails. */
  readonly invalidateFor: InvalidateFor = async (invalidation, address, graph) => {
    const { audit } = this.#telemetry;
    const { current } = this;
    const tags = current.tagsOf(invalidation, graph);
    const done = { action: 'cache.invalidate', address, details: { tags } } as const;
    try {
      await current.invalidate(tags, { kind: 'operator', by: address }, graph);
    } catch (error) {
      audit?.action({ ...done, outcome: 'failed' });
      throw error;
    }
    audit?.action({ ...done, outcome: 'ok' });
    return this.current.cdnPaths(tags);
  };

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#all.map((each) => each.close()));
  }

  get #all(): readonly Configuration[] {
    return this.#current === undefined ? [] : [this.#current, ...this.#replaced];
  }

  async #closeLater(previous: Configuration): Promise<void> {
    await previous.idle();
    if (this.#isClosed) return;
    try {
      this.current.takeOverPurges(await previous.close());
    } catch (error) {
      this.#telemetry.logger.error({ err: error }, 'options that were replaced could not be closed');
    }
    await previous.left();
    this.#replaced.delete(previous);
  }
}
