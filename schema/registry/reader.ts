import type { SubgraphSchema } from '../composition/compose';
import { createGatewayReports, type GatewayReports } from './gateway-reports';
import type { Problem } from '../composition/problem';
import { createTexts, type Texts } from './texts';
import { RegistryError, type Variant, type Version } from './version';
import type { RegistryStore } from '../store/store';
import { createUsageLog, type UsageLog } from './usage-log';
import { createWebhookCursors, type WebhookCursors } from './webhook-cursors';

export interface RegistryReaderOptions {
  readonly store: RegistryStore;
  readonly variant: Variant;
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
  protected readonly texts: Texts;
  /** The name of the variant in messages, such as `shop@prod`. */
  readonly name: string;
  /** Which gateways run which version. */
  readonly gateways: GatewayReports;
  /** Which operations clients send. */
  readonly usage: UsageLog;
  /** Which events the webhooks have got. */
  readonly webhooks: WebhookCursors;

  constructor({ store, variant: { graph, variant } }: RegistryReaderOptions) {
    this.store = store;
    this.name = `${graph}@${variant}`;
    this.partition = this.name;
    this.texts = createTexts(store, graph);
    this.gateways = createGatewayReports(store, this.name);
    this.usage = createUsageLog(store, this.name);
    this.webhooks = createWebhookCursors(store, this.name);
  }

  /** The newest version; undefined before the first. */
  async current(): Promise<Version | undefined> {
    return (await this.pointer()).version;
  }

  /** The newest version. @throws {RegistryError} before the first */
  async newest(): Promise<Version> {
    const version = await this.current();
    if (version !== undefined) return version;
    throw new RegistryError(`Nothing was published to ${this.name} yet: \`weir publish\` does.`);
  }

  /** @throws {RegistryError} if no version has this number. */
  async version(number: number): Promise<Version> {
    const newest = await this.newest();
    if (newest.number === number) return newest;
    const item = await this.store.get({ partition: this.partition, sort: sortOf(number) });
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
    const options = { prefix, newestFirst: true, limit };
    const older = (await this.store.list(this.partition, options)).map(({ value }) => parse(value));
    // Versions that were published between the two reads are left out, and the newest one may be in the history
    // already.
    return [newest, ...older.filter(({ number }) => number < newest.number)].slice(0, limit);
  }

  /** The supergraph that has run since a version. @throws {RegistryError} if no version up to it has composed */
  async supergraph(version: Version): Promise<string> {
    if (version.supergraph !== undefined) return this.texts.get(version.supergraph);
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
    return this.texts.get(hash);
  }

  /** The schemas of a version, for composition. */
  async schemas({ subgraphs }: Pick<Version, 'subgraphs'>): Promise<SubgraphSchema[]> {
    return Promise.all(
      Object.entries(subgraphs).map(async ([name, { routingUrl, schema }]) => ({
        name,
        routingUrl,
        sdl: await this.texts.get(schema),
        file: `${this.name}/${name}.graphql`,
      })),
    );
  }

  /** Why a rejected version does not compose. */
  async errors({ errors }: Version): Promise<Problem[]> {
    return errors === undefined ? [] : (JSON.parse(await this.texts.get(errors)) as Problem[]);
  }

  protected async pointer(): Promise<{ version: Version | undefined; revision: number }> {
    const item = await this.store.get({ partition: this.partition, sort: 'current' });
    return { version: item && parse(item.value), revision: item?.revision ?? 0 };
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

const hasRun = ({ kind, supergraph }: Version): boolean => kind !== 'rejected' && supergraph !== undefined;

const prefix = 'version-';

export const sortOf = (number: number): string => `${prefix}${String(number).padStart(9, '0')}`;

const parse = (value: Buffer): Version => JSON.parse(value.toString('utf8')) as Version;
