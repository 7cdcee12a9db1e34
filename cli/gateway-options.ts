import cluster from 'node:cluster';
import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { LoadedOptions, LoadOptions, Options } from '../gateway/options';
import type { OptionSources } from '../gateway/options/sources';
import { CommandFailure, type Context } from './context';
import type * as GatewayOptions from '../gateway/options';
import type * as Recognise from './migrate/recognise';
import type * as LostProtections from '../gateway/options/lost-protections';
import type * as TryExtensions from './gateway/try-extensions';
import { variableOfValue } from './variables';
import type { OptionsWatch } from './gateway/watch-options';

/** Loaded only when it is needed, as it takes long. */
const loadGatewayOptions = () => require('../gateway/options') as typeof GatewayOptions;

/** The flags of both `weir gateway` and `weir dev`. Each sets an option of the gateway. */
export interface GatewayFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly mode?: 'development' | 'production';
  readonly adminPort?: string;
  readonly logLevel?: string;
}

type GatewayOptionFlags = NonNullable<LoadOptions['flags']>;

/** The flags of `weir gateway` for its options. */
export interface OwnFlags extends GatewayFlags {
  readonly supergraph?: string;
  readonly workers?: number;
  readonly urlFile?: string;
  readonly check?: true;
}

export function addGatewayFlags(command: Command): Command {
  return command
    .option('-c, --config <FILE>', 'options of the gateway, in YAML')
    .option('-p, --port <N>', 'the port to listen on, 0 for a free one (default: 4000)')
    .option('--host <HOST>', 'the address to listen on (default: 127.0.0.1)')
    .option('--admin-port <N>', 'the port of metrics and health (default: 9464)')
    .option('--log-level <LEVEL>', 'the least important log lines to print, such as warn or debug');
}

/** Adds the flags that only `weir gateway` has. `weir dev` composes a supergraph of its own, in development mode. */
export function addSupergraphFlags(command: Command): Command {
  return command
    .option(
      '-s, --supergraph <SOURCE>',
      'a file, an http(s) or s3:// URL, or registry:LOCATION#GRAPH@VARIANT; changes are live without a restart',
    )
    .addOption(
      new Option(
        '--mode <MODE>',
        'development adds Apollo Sandbox, GraphiQL, introspection and query plans',
      ).choices(['development', 'production']),
    );
}

/** Converts flags to the form of the gateway's `loadOptions`, which validates them. */
function toOptions(flags: OwnFlags): GatewayOptionFlags {
  const { supergraph, host, port, mode, adminPort, logLevel } = flags;
  return {
    ...(supergraph === undefined ? {} : { supergraph }),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(mode === undefined ? {} : { mode }),
    ...(adminPort === undefined ? {} : { admin: { port: adminPort } }),
    ...(logLevel === undefined ? {} : { logging: { level: logLevel } }),
  };
}

/** The options that flags set. Errors name the environment variable if the value came from one. */
function optionsGiven(
  flags: OwnFlags,
  env: Context['env'],
): Required<Pick<LoadOptions, 'flags' | 'variables'>> {
  const entries = Object.entries(flags).map(([key, value]) => ({
    variable: variableOfValue(key, value, env),
    flag: { [key]: value as unknown },
  }));
  const variables = entries.flatMap(({ variable, flag }) =>
    variable === undefined ? [] : [[variable, toOptions(flag)] as const],
  );
  const own = entries.filter(({ variable }) => variable === undefined).map(({ flag }) => flag);
  return {
    flags: toOptions(Object.assign({}, ...own) as OwnFlags),
    variables: Object.fromEntries(variables),
  };
}

/** Settings of a command for its options, in addition to flags. */
interface More extends Pick<LoadOptions, 'defaults' | 'flags' | 'text'> {
  /** An options file that is read if it exists and no flag names another one. */
  readonly configIfThere?: string;
}

/** For commands that read one supergraph: one that the command line names stands in place of `graphs`. */
export const forOneGraph = ({ supergraph }: Pick<OwnFlags, 'supergraph'>): More =>
  supergraph === undefined ? {} : { flags: { graphs: null } };

/** Reads the options of a gateway repeatedly, and remembers where they came from. */
export class OptionsReader {
  readonly #flags: OwnFlags;
  readonly #context: Context;
  readonly #watch: OptionsWatch | undefined;
  readonly #more: More;
  #loaded: LoadedOptions | undefined;
  /** Those in use, and after them those that are being taken into use. */
  #inUse: readonly LoadedOptions[] = [];

  constructor(flags: OwnFlags, context: Context, watch?: OptionsWatch, more: More = {}) {
    this.#flags = flags;
    this.#context = context;
    this.#watch = watch;
    this.#more = more;
  }

  /** The options file, if there is one. */
  get config(): string | undefined {
    return configOf(this.#flags, this.#more);
  }

  /** The sources of the options that were last read. */
  get sources(): OptionSources | undefined {
    return this.#loaded?.sources;
  }

  /** The sources of the options in use; undefined before the first. */
  get sourcesInUse(): OptionSources | undefined {
    return this.#inUse[0]?.sources;
  }

  /** The text of the options file that was last read. */
  get text(): string | undefined {
    return this.#loaded?.sources.text;
  }

  /**
   * Takes the options into use that `take` reads. From then on a file may not leave out what protects them, until others
   * are in use. Rejects as `take` does; then those from before stay in use.
   */
  async use<Result>(
    take: (read: () => Options) => Promise<Result>,
    read: () => Options = () => this.read(),
  ): Promise<Result> {
    let taken: LoadedOptions | undefined;
    try {
      const result = await take(() => {
        const options = read();
        taken = this.#loaded!;
        // Until it is known whether they are in use, later ones may leave out neither what protects them, nor those before.
        this.#inUse = [...this.#inUse, taken];
        return options;
      });
      this.#inUse = this.#inUse.slice(this.#inUse.findIndex((each) => each === taken));
      return result;
    } catch (error) {
      this.#inUse = this.#inUse.filter((each) => each !== taken);
      throw error;
    }
  }

  /**
   * Reads the options of `weir gateway`, which require a supergraph.
   *
   * @throws {OptionsError} with every mistake in them
   */
  read(): Options {
    const options = this.load();
    if (options.supergraph !== undefined) return options;
    throw new CommandFailure(
      'weir: which supergraph? Name it with --supergraph SOURCE (a file, a URL or a registry), or as `supergraph` in the file of --config.',
      2,
    );
  }

  /** @throws {OptionsError} with every mistake in them */
  load(): Options {
    try {
      const loaded = readOptions(this.#flags, this.#context, this.#more);
      for (const inUse of this.#inUse)
        (require('../gateway/options/lost-protections') as typeof LostProtections).refuseLostProtections(
          inUse,
          loaded,
        );
      this.#loaded = loaded;
    } catch (error) {
      // All files are followed, as a missing one may be created later.
      if (error instanceof loadGatewayOptions().OptionsError) this.#follow(error.files);
      throw error;
    }
    this.#follow();
    return this.#loaded.options;
  }

  #follow(more: readonly string[] = []): void {
    const { options, sources } = this.#loaded ?? {};
    this.#watch?.follow([
      ...(options === undefined ? [] : loadGatewayOptions().manifestsIn(options)),
      ...(options?.extensions ?? []),
      ...(sources?.files ?? []),
      ...more,
    ]);
  }
}

const configOf = ({ config }: OwnFlags, { configIfThere }: More): string | undefined =>
  config ?? (configIfThere !== undefined && existsSync(configIfThere) ? configIfThere : undefined);

/** Reads the options of a gateway, and where each comes from. @throws {OptionsError} with every mistake in them */
export function readOptions(flags: OwnFlags, { env }: Context, more: More = {}): LoadedOptions {
  const own = optionsGiven(flags, env);
  const given = {
    config: configOf(flags, more),
    text: more.text,
    env,
    defaults: more.defaults,
    variables: own.variables,
    flags: { ...own.flags, ...more.flags },
  };
  const { OptionsError, readOptions: read } = loadGatewayOptions();
  try {
    return read(given);
  } catch (error) {
    if (error instanceof OptionsError && given.config !== undefined) refuseForeign(given.config, given.text);
    throw error;
  }
}

/** Names the command for a configuration of another gateway, instead of a mistake for each of its keys. */
function refuseForeign(config: string, text: string | undefined): void {
  // What no gateway starts with stands apart from its bundle.
  const { foreignTitle } = require('./migrate/recognise') as typeof Recognise;
  const title = foreignTitle(config, text);
  if (title === undefined) return;
  throw new CommandFailure(
    `weir: ${config} is a configuration of ${title}: \`weir migrate ${config}\` makes weir.yaml of it.`,
    2,
  );
}

/**
 * Resolves with the options once their extensions have been loaded for trial. The primary does this for its workers, which
 * then load them themselves.
 *
 * @throws {OptionsError} with the first one that cannot be used
 */
export async function withExtensionsTried(options: Options): Promise<Options> {
  if (options.extensions.length > 0) {
    const { tryExtensions, loadInWorker } = require('./gateway/try-extensions') as typeof TryExtensions;
    await (cluster.isPrimary ? tryExtensions : loadInWorker)(options.extensions);
  }
  return options;
}

/**
 * Turns errors in the options into a `CommandFailure` with sentences for the user and exit code 2. `reader` knows the
 * source of each option, for errors that are found only after reading.
 */
export async function withOptionsErrors<Result>(
  run: () => Result | Promise<Result>,
  reader?: Pick<OptionsReader, 'sources'>,
): Promise<Result> {
  const { OptionsError } = loadGatewayOptions();
  const refuse = (problems: readonly string[]): never => {
    throw new CommandFailure(problems.map((problem) => `weir: ${nameFlag(problem)}`).join('\n'), 2);
  };
  try {
    return await run();
  } catch (error) {
    if (error instanceof OptionsError) return refuse(error.problemsIn(reader?.sources));
    // By its name, as the gateway takes long to load and most commands do not need it.
    if (!(error instanceof Error) || error.name !== 'SupergraphError') throw error;
    const problem = { path: ['supergraph'], sentence: error.message };
    return refuse([reader?.sources?.describe(problem) ?? error.message]);
  }
}

export const flagNames: Readonly<Record<string, string>> = {
  host: '--host',
  port: '--port',
  mode: '--mode',
  supergraph: '--supergraph',
  'supergraph.file': '--supergraph',
  'supergraph.url': '--supergraph',
  'supergraph.registry': '--supergraph',
  'supergraph.graph': '--supergraph',
  'admin.port': '--admin-port',
  'logging.level': '--log-level',
};

/**
 * Replaces the option's name in a problem by the flag that sets it, unless the problem names a file. A problem that
 * names a variable needs no flag.
 */
function nameFlag(problem: string): string {
  return problem.replace(/^(?:(\w+): )?`([\w.]+)`/, (given, variable: string | undefined, option: string) => {
    const flag = flagNames[option];
    return flag === undefined ? given : (variable ?? flag);
  });
}
