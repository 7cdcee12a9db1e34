import type { SubgraphSchema } from '../composition/compose';
import { createGatewayReports, type GatewayReports } from './gateway-reports';
import type { Problem } from '../composition/problem';
import { type EndedPreview, endOf } from './previews';
import { createTexts, createTextsOfPreview, type Texts } from './texts';
import {
  type Preview,
  RegistryError,
  sortOfVersion,
  type Variant,
  type Version,
  versionPrefix,
} from './version';
import type { RegistryStore } from '../store/store';
import { createUsageLog, type UsageLog } from './usage-log';
import { createWebhookCursors, type WebhookCursors } from './webhook-cursors';

export interface RegistryReaderOptions {
  readonly store: RegistryStore;
  readonly variant: Variant;
  /** Unix milliseconds. @default Date.now */
  readonly now?: (() => number) | undefined;
}

/**
 * The versions of one variant of a graph. One item, the pointer, holds the whole newest version. Moving it is the last
 * write of every change, and the only one that changes what gateways run. So a publisher that is killed leaves only
 * unreferenced texts behind. Before the pointer is moved, the version that it holds is written to the history, so the
 * history has no gaps.
 *
 * Gateways only read. `Registry` adds changes, and loads the composer that these need.
 */
export class RegistryReader {
  protected readonly store: RegistryStore;
  protected readonly partition: string;
  protected readonly now: () => number;
  readonly #texts: Texts;
  #ofPreview: { readonly since: string; readonly texts: Texts } | undefined;
  /** The name of the variant in messages, such as `shop@prod`. */
  readonly name: string;
  /** Which gateways run which version. */
  readonly gateways: GatewayReports;
  /** Which operations clients send. */
  readonly usage: UsageLog;
  /** Which events the webhooks have got. */
  readonly webhooks: WebhookCursors;

  constructor({ store, variant: { graph, variant }, now = () => Date.now() }: RegistryReaderOptions) {
    this.store = store;
    this.now = now;
    this.name = `${graph}@${variant}`;
    this.partition = this.name;
    this.#texts = createTexts(store, graph);
    this.gateways = createGatewayReports(store, this.name);
    this.usage = createUsageLog(store, this.name);
    this.webhooks = createWebhookCursors(store, this.name);
  }

  /** The newest version; undefined before the first, and once a preview has expired. */
  async current(): Promise<Version | undefined> {
    return (await this.pointer()).version;
  }

  /** The newest version. @throws {RegistryError} before the first, and once a preview has expired */
  async newest(): Promise<Version> {
    const { version, ended } = await this.pointer();
    if (version !== undefined) return version;
    if (ended !== undefined) {
      throw new RegistryError(
        `${this.name} was a preview and expired at ${ended.at}: \`weir publish --from\` makes it again.`,
      );
    }
    throw new RegistryError(`Nothing was published to ${this.name} yet: \`weir publish\` does.`);
  }

  /** @throws {RegistryError} if no version has this number. */
  async version(number: number): Promise<Version> {
    const newest = await this.newest();
    if (newest.number === number) return newest;
    const item = await this.store.get({ partition: this.partition, sort: sortOfVersion(number) });
    if (item !== undefined) return parse(item.value);
    throw new RegistryError(`${this.name} has no version ${number}: it has 1 to ${newest.number}.`);
  }

  /**
   * The newest version that gateways could run. A rejected version changed nothing, and an ended contract is nothing to run.
   *
   * @param upTo the number of the newest version that counts @default that of the newest version
   * @returns undefined if there is none
   */
  async lastRun(upTo?: number): Promise<Version | undefined> {
    for (let number = upTo ?? (await this.current())?.number ?? 0; number > 0; number--) {
      const version = await this.version(number);
      if (hasRun(version)) return version;
    }
    return undefined;
  }

  /** The newest versions first. */
  async history(limit: number): Promise<Version[]> {
    const newest = await this.newest();
    const options = { prefix: versionPrefix, newestFirst: true, limit };
    const older = (await this.store.list(this.partition, options)).map(({ value }) => parse(value));
    // Versions that were published between the two reads are left out, and the newest one may be in the history
    // already.
    return [newest, ...older.filter(({ number }) => number < newest.number)].slice(0, limit);
  }

  /** The supergraph that has run since a version. @throws {RegistryError} if no version up to it has composed */
  async supergraph(version: Version): Promise<string> {
    if (version.supergraph !== undefined) return this.textsOf(version).get(version.supergraph);
    throw this.noSupergraph(version);
  }

  /**
   * The schema of one subgraph as it was published; of a rejected version the one that was refused.
   *
   * @throws {RegistryError} if the version has no such subgraph
   */
  async schema(version: Version, subgraph: string): Promise<string> {
    const hash = version.refused?.[subgraph] ?? version.subgraphs[subgraph]?.schema;
    if (hash === undefined) throw this.noSubgraph(subgraph, version);
    return this.textsOf(version).get(hash);
  }

  /** The schemas of a version, for composition. */
  async schemas({ subgraphs, preview }: Pick<Version, 'subgraphs' | 'preview'>): Promise<SubgraphSchema[]> {
    const texts = this.textsOf({ preview });
    return Promise.all(
      Object.entries(subgraphs).map(async ([name, { routingUrl, schema }]) => ({
        name,
        routingUrl,
        sdl: await texts.get(schema),
        file: `${this.name}/${name}.graphql`,
      })),
    );
  }

  /** Why a rejected version does not compose. */
  async errors({ errors, preview }: Version): Promise<Problem[]> {
    if (errors === undefined) return [];
    return JSON.parse(await this.textsOf({ preview }).get(errors)) as Problem[];
  }

  protected async pointer(): Promise<Pointer> {
    const item = await this.store.get({ partition: this.partition, sort: 'current' });
    if (item === undefined) return { version: undefined, ended: undefined, revision: 0 };
    const { revision } = item;
    const found = JSON.parse(item.value.toString('utf8')) as Version | EndedPreview;
    if (found.kind === 'expired') return { version: undefined, ended: found, revision };
    // An expired preview ends for its readers at once, whenever somebody comes along to delete it.
    const ended = endOf(found, this.now());
    return { version: ended === undefined ? found : undefined, ended, revision };
  }

  protected textsOf({ preview }: { readonly preview?: Preview | undefined }): Texts {
    if (preview === undefined) return this.#texts;
    const { since } = preview;
    if (this.#ofPreview?.since !== since) {
      this.#ofPreview = { since, texts: createTextsOfPreview(this.store, this.name, since, this.#texts) };
    }
    return this.#ofPreview.texts;
  }

  /** The error for a subgraph that a version does not have. */
  protected noSubgraph(
    name: string,
    { subgraphs, number }: Pick<Version, 'subgraphs' | 'number'>,
  ): RegistryError {
    const names = Object.keys(subgraphs).sort().join(', ') || 'none';
    return new RegistryError(`${this.name} has no subgraph ${name} at version ${number}; it has: ${names}.`);
  }

  /** The error for a version without a supergraph. */
  noSupergraph({ number, kind }: Version): RegistryError {
    const reason = kind === 'ended' ? 'it was a contract until then' : 'nothing composed until then';
    return new RegistryError(`${this.name} has no supergraph at version ${number}: ${reason}.`);
  }
}

/** What the item of the newest version holds. */
interface Pointer {
  readonly version: Version | undefined;
  /** Set in place of the version where a preview has ended. */
  readonly ended: EndedPreview | undefined;
  readonly revision: number;
}

const hasRun = ({ kind, supergraph }: Version): boolean => kind !== 'rejected' && supergraph !== undefined;

const parse = (value: Buffer): Version => JSON.parse(value.toString('utf8')) as Version;
