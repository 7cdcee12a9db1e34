import type { SubgraphSchema } from './compose';
import { createGatewayReports, type GatewayReports } from './gateway-reports';
import type { Problem } from './problem';
import { createTexts, type Texts } from './registry-texts';
import { RegistryError, type Variant, type Version } from './registry-version';
import type { RegistryStore } from './store/store';
import { createUsageLog, type UsageLog } from './usage-log';

export interface RegistryReaderOptions {
  readonly store: RegistryStore;
  readonly variant: Variant;
}

/**
 * The versions of one variant of a graph. One item, the pointer, holds the newest version whole; moving it is the last
 * write of every change and the only one that changes what runs, so that a publisher which is killed leaves at most
 * texts that nobody names. Whoever moves the pointer first writes down the version that it leaves, hence the history
 * has no gaps either.
 *
 * Gateways read only: `Registry` adds the changes, and the composer that they need.
 */
export class RegistryReader {
  protected readonly store: RegistryStore;
  protected readonly partition: string;
  protected readonly texts: Texts;
  /** As it is called in messages, such as `shop@prod`. */
  readonly name: string;
  /** Which gateways run what. */
  readonly gateways: GatewayReports;
  /** What clients use. */
  readonly usage: UsageLog;

  constructor({ store, variant: { graph, variant } }: RegistryReaderOptions) {
    this.store = store;
    this.name = `${graph}@${variant}`;
    this.partition = this.name;
    this.texts = createTexts(store, graph);
    this.gateways = createGatewayReports(store, this.name);
    this.usage = createUsageLog(store, this.name);
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

  /** @throws {RegistryError} when there is none with this number. */
  async version(number: number): Promise<Version> {
    const newest = await this.newest();
    if (newest.number === number) return newest;
    const item = await this.store.get({ partition: this.partition, sort: sortOf(number) });
    if (item !== undefined) return parse(item.value);
    throw new RegistryError(`${this.name} has no version ${number}: it has 1 to ${newest.number}.`);
  }

  /** The newest versions first. */
  async history(limit: number): Promise<Version[]> {
    const newest = await this.newest();
    const options = { prefix, newestFirst: true, limit };
    const older = (await this.store.list(this.partition, options)).map(({ value }) => parse(value));
    // What came between the two looks belongs to neither, and the newest may be written down already.
    return [newest, ...older.filter(({ number }) => number < newest.number)].slice(0, limit);
  }

  /** The supergraph that runs since a version. @throws {RegistryError} when none composed until then */
  async supergraph(version: Version): Promise<string> {
    if (version.supergraph !== undefined) return this.texts.get(version.supergraph);
    throw this.noSupergraph(version);
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

  /** What kept a rejected version from composing. */
  async errors({ errors }: Version): Promise<Problem[]> {
    return errors === undefined ? [] : (JSON.parse(await this.texts.get(errors)) as Problem[]);
  }

  protected async pointer(): Promise<{ version: Version | undefined; revision: number }> {
    const item = await this.store.get({ partition: this.partition, sort: 'current' });
    return { version: item && parse(item.value), revision: item?.revision ?? 0 };
  }

  /** Says why a version has no supergraph. */
  noSupergraph({ number, kind }: Version): RegistryError {
    const reason = kind === 'ended' ? 'it was a contract until then' : 'nothing composed until then';
    return new RegistryError(`${this.name} has no supergraph at version ${number}: ${reason}.`);
  }
}

const prefix = 'version-';

export const sortOf = (number: number): string => `${prefix}${String(number).padStart(9, '0')}`;

const parse = (value: Buffer): Version => JSON.parse(value.toString('utf8')) as Version;
