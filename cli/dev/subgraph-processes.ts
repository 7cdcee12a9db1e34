import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SubgraphConfig, SubgraphSchema, SupergraphConfig } from '../../schema';
import { CommandFailure, type Context } from '../context';
import { addressVariables } from './address-variables';
import { startChild } from './child';
import type { Output } from './output';
import { freePorts, isOnThisMachine, type NeededPort, portOf, requireFreePorts, withPort } from './ports';
import { serviceName } from './service-name';
import { describeExit, isRefused, supervise, type Supervised } from './supervisor';

export interface SubgraphProcessesOptions {
  /** `free` takes free ports; `configured` those of the routing URLs. */
  readonly ports: 'free' | 'configured';
  /** The entry point of a subgraph that can be run here; `undefined` for others. */
  readonly script: (name: string) => string | undefined;
  /** Other ports that will be used on this machine. Called only if a port is taken at the start. */
  readonly otherPorts: () => readonly NeededPort[];
  readonly env: Context['env'];
  readonly output: Output;
  /** A sentence on what helps a subgraph that does not start, by the reason that it has printed; undefined for none. */
  readonly remedyFor: (reason: string) => string | undefined;
}

interface SubgraphProcess {
  readonly name: string;
  /** The URL at which it must listen, then the one that it reports. */
  url: string;
  /** The schema that it serves, or with which it is being started. */
  sdl: string;
  /** Its last line on stderr: why it does not start, if it does not. */
  reason: string;
  readonly supervised: Supervised;
}

/**
 * Runs subgraphs as processes: those of the reference graph with a routing URL on this machine. Other subgraphs of a
 * configuration are only composed.
 *
 * Each gets a copy of its schema. If it dies while the schema file is being edited, it restarts with the schema in the
 * running supergraph.
 */
export class SubgraphProcesses {
  readonly #options: SubgraphProcessesOptions;
  readonly #processes = new Map<string, SubgraphProcess>();
  readonly #schemas = mkdtempSync(join(tmpdir(), 'weir-dev-'));

  constructor(options: SubgraphProcessesOptions) {
    this.#options = options;
  }

  /** The URL of each subgraph, by name. */
  get urls(): ReadonlyMap<string, string> {
    return new Map(Array.from(this.#processes.values(), ({ name, url }) => [name, url]));
  }

  /**
   * Starts the subgraphs that are new in a configuration, and waits until they are ready. A subgraph that dies later is
   * restarted.
   *
   * @throws {CommandFailure} if one cannot be started; it has printed the reason
   */
  async start({ subgraphs }: SupergraphConfig, schemas: readonly SubgraphSchema[]): Promise<void> {
    const added = subgraphs.filter(
      (subgraph) => this.#isRunHere(subgraph) && !this.#processes.has(subgraph.name),
    );
    const isFree = this.#options.ports === 'free';
    if (!isFree) {
      const ports = added.map(({ name, routingUrl }) => ({ port: Number(portOf(routingUrl)), of: name }));
      // After the start the other ports are in use by this graph itself.
      await requireFreePorts(ports, this.#processes.size === 0 ? this.#options.otherPorts : () => []);
    }
    const ports = isFree ? await freePorts(added.length) : [];
    const urls = new Map(this.urls);
    for (const [index, { name, routingUrl }] of added.entries())
      urls.set(name, withPort(routingUrl, ports[index]));
    const starts = added.map(async ({ name }) => {
      const sdl = schemas.find((schema) => schema.name === name)!.sdl;
      const subgraph = this.#run(name, sdl, urls);
      const start = await subgraph.supervised.started;
      if ('url' in start) subgraph.url = start.url;
      else if (isRefused(start)) {
        const remedy = this.#options.remedyFor(subgraph.reason);
        throw new CommandFailure(
          `weir: ${name} cannot be started.${remedy === undefined ? '' : ` ${remedy}`}`,
          2,
        );
      }
    });
    for (const result of await Promise.allSettled(starts)) {
      if (result.status === 'rejected') throw result.reason;
    }
  }

  /**
   * Restarts the subgraphs whose schema has changed, and waits until they are ready. Resolves with the names of those
   * that do not start with the new schema; they continue with the old one.
   */
  async applySchemas(schemas: readonly SubgraphSchema[]): Promise<string[]> {
    const refused = await Promise.all(
      schemas.map(async ({ name, sdl }) => {
        const subgraph = this.#processes.get(name);
        if (!subgraph || subgraph.sdl === sdl) return [];
        const before = subgraph.sdl;
        if (await this.#restart(subgraph, sdl)) return [];
        await this.#restart(subgraph, before);
        return [name];
      }),
    );
    return refused.flat();
  }

  /** Stops the subgraphs that are no longer in the configuration. */
  async prune({ subgraphs }: SupergraphConfig): Promise<void> {
    const kept = new Set(subgraphs.filter((subgraph) => this.#isRunHere(subgraph)).map(({ name }) => name));
    const gone = [...this.#processes.values()].filter(({ name }) => !kept.has(name));
    for (const { name } of gone) this.#processes.delete(name);
    await Promise.all(gone.map(({ supervised }) => supervised.stop()));
  }

  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#processes.values(), ({ supervised }) => supervised.stop()));
    rmSync(this.#schemas, { recursive: true, force: true });
  }

  #run(name: string, sdl: string, urls: ReadonlyMap<string, string>): SubgraphProcess {
    const { script, env, output } = this.#options;
    const schema = this.#write(name, sdl);
    // The reported address, so that a restart uses the same one.
    const address = () => this.#processes.get(name)?.url ?? urls.get(name)!;
    const supervised = supervise({
      startChild: () =>
        startChild({
          script: script(name)!,
          args: ['--host', '127.0.0.1', '--port', portOf(address()), '--schema', schema],
          env: { ...quietAws, ...addressVariables(urls), ...env, ...serviceName(env, name) },
          onLine: (line, stream) => {
            if (stream === 'stderr') subgraph.reason = line;
            output.line(name, line);
          },
        }),
      isRefusal: isRefused,
      onDeath: (exit, delay) =>
        output.say(`${name} ${describeExit(exit)}; it is started again in ${delay / 1000} s.`),
      onRecovery: () => output.say(`${name} is back.`),
    });
    const subgraph: SubgraphProcess = { name, url: urls.get(name)!, sdl, reason: '', supervised };
    this.#processes.set(name, subgraph);
    return subgraph;
  }

  async #restart(subgraph: SubgraphProcess, sdl: string): Promise<boolean> {
    this.#write(subgraph.name, sdl);
    subgraph.sdl = sdl;
    return 'url' in (await subgraph.supervised.restart());
  }

  #isRunHere({ name, routingUrl, schema }: SubgraphConfig): boolean {
    return isOnThisMachine(routingUrl) && schema.kind !== 'url' && this.#options.script(name) !== undefined;
  }

  #write(name: string, sdl: string): string {
    const file = join(this.#schemas, `${name}.graphql`);
    writeFileSync(file, sdl);
    return file;
  }
}

/** The locked versions of the AWS SDK run on Node 20, so the SDK's warning in each process is switched off. */
const quietAws = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
