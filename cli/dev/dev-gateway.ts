import type { Options } from '../../gateway/options';
import type { GatewayOptions } from '../../gateway/process/given-options';
import type * as StartGateway from '../../gateway/process/start-gateway';
import type { RunningGateway } from '../../gateway/process/start-gateway';
import { type OptionsReader, withExtensionsTried, withOptionsErrors } from '../gateway-options';
import type { OptionsWatch } from '../gateway/watch-options';
import type { Graph } from './graph';
import type { MockServer } from './mocks/mock-server';
import type { Output } from './output';

export interface DevGatewayOptions {
  readonly reader: OptionsReader;
  /** Notices when the options may have changed. */
  readonly watch: OptionsWatch;
  readonly graph: Graph;
  readonly mocks: MockServer | undefined;
  readonly adminToken: string;
  readonly output: Output;
}

export interface DevGateway {
  readonly url: string;
  readonly adminUrl: string | undefined;
  /** The options with which it was started. */
  readonly configured: Options;
  stop(): Promise<void>;
}

/**
 * The gateway of `weir dev`. Unlike `weir gateway`, it is restarted for new options, so that an edit may change any
 * option.
 */
export async function startDevGateway(options: DevGatewayOptions): Promise<DevGateway> {
  const { reader, watch, output } = options;
  const use = (take: (configured: Options) => Promise<void>): Promise<void> =>
    reader.use(
      async (read) => {
        // Before the gateway that runs is stopped.
        await take(await withOptionsErrors(() => withExtensionsTried(read()), reader));
      },
      () => reader.load(),
    );
  let configured!: Options;
  let gateway!: RunningGateway;
  await use(async (next) => {
    gateway = await start(next, options);
    configured = next;
  });
  const first = configured;
  const { url, adminUrl } = gateway;
  const ports = { gateway: portOf(url), admin: adminUrl === undefined ? 0 : portOf(adminUrl) };
  let isStopped = false;
  let reloading = Promise.resolve();

  let isRunning = true;

  async function reload(): Promise<void> {
    if (isStopped) return;
    try {
      await use(replace);
      output.say(`the new options are live, at ${gateway.url}`);
    } catch (error) {
      output.say(`${(error as Error).message}\nthe previous options stay in use.`);
      if (!isRunning) await startAgain();
    }
  }

  async function replace(read: Options): Promise<void> {
    const next = atSamePorts(read, ports);
    isRunning = false;
    await gateway.stop();
    gateway = await start(next, options);
    isRunning = true;
    configured = next;
  }

  async function startAgain(): Promise<void> {
    try {
      gateway = await start(atSamePorts(configured, ports), options);
      isRunning = true;
    } catch (error) {
      output.say(`${(error as Error).message}\nno gateway runs now: it starts after an edit of the options.`);
    }
  }

  watch.begin(() => (reloading = reload()));
  return {
    url,
    adminUrl,
    configured: first,
    async stop() {
      isStopped = true;
      await reloading;
      await gateway.stop();
    },
  };
}

function start(
  configured: Options,
  { reader, graph, mocks, adminToken, output }: DevGatewayOptions,
): Promise<RunningGateway> {
  const own = graph.optionsOf(configured);
  const options: GatewayOptions = mocks?.optionsOf(own) ?? own;
  return withOptionsErrors(
    () =>
      (require('../../gateway/process/start-gateway') as typeof StartGateway).startGateway({
        ...options,
        admin: { ...configured.admin, token: configured.admin.token ?? adminToken },
        supergraph: graph.feed,
        optionSources: () => reader.sourcesInUse,
        logDestination: { write: (line: string) => output.line('gateway', line.trimEnd()) },
      }),
    reader,
  );
}

const portOf = (url: string): number => Number(new URL(url).port);

/** Keeps the ports over a restart if the system chose them. */
function atSamePorts(options: Options, ports: { readonly gateway: number; readonly admin: number }): Options {
  const { port, admin } = options;
  return {
    ...options,
    port: port === 0 ? ports.gateway : port,
    admin: { ...admin, port: admin.port === 0 ? ports.admin : admin.port },
  };
}
