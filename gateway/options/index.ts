/** Over 300 lines: the list of all options, and how each way to write them is read and checked. */
import { z } from 'zod';
import { admin } from './admin';
import { audit } from './audit';
import { auth } from './auth';
import { authorization } from './authorization';
import { cache } from './cache';
import { breaker, calls, retries } from './calls';
import { connections } from './connections';
import { discovery } from './discovery';
import { cors, csrf, errors, introspection, mode } from './exposure';
import { readOptionsFile } from './file';
import { events } from './events';
import { extensions } from './extensions';
import { checkGraphs, graphs } from './graphs';
import { headers } from './headers';
import { health } from './health';
import { lambda } from './lambda';
import { limits } from './limits';
import { host, path, port, tls, trustedProxies } from './listener';
import { logging } from './logging';
import { checkMcp, mcp, toolFilesIn } from './mcp';
import { overload } from './overload';
import { persistedOperations } from './persisted-operations';
import { overrides, planning } from './planning';
import { type Environment, linkKeysIn } from './link-key-variables';
import { privateLinks } from './private-links';
import { withoutSwitchedOff } from './protection';
import { describeIssue, type OptionsProblem, takesMoreThanText, valueAt, whyUnreadable } from './problem';
import { rates } from './rates';
import { shadow } from './shadow';
import { shutdown } from './shutdown';
import { OptionSources, type VariableOptions } from './sources';
import { subgraphs, zone } from './subgraphs';
import { subscriptions } from './subscriptions';
import { supergraph, type supergraphOptions } from './supergraph';
import { telemetry } from './telemetry';
import { timeouts } from './timeouts';
import { checkTokenExchange } from './token-exchange';
import { refuseTokenHeaders } from './token-headers';
import { refuseTraceHeaders } from './trace-headers';
import { usage } from './usage';

export type { AccessField } from './logging';

/** All options of a gateway, complete: every default is in. */
export type Options = z.output<typeof optionsSchema>;
/** What may be written, in `weir.yaml`, as flags or in code. */
export type OptionsInput = Omit<z.input<typeof optionsSchema>, 'supergraph'> & {
  readonly supergraph?: string | z.input<typeof supergraphOptions> | undefined;
};

export interface LoadOptions {
  /** A YAML file. Without one, the flags and the defaults count. */
  readonly config?: string | undefined;
  /** Replace the usual defaults. @default {} */
  readonly defaults?: { readonly [Key in keyof OptionsInput]?: unknown } | undefined;
  /** Win over the file, key by key. Text counts as a number or a boolean where an option wants one. @default {} */
  readonly flags?: { readonly [Key in keyof OptionsInput]?: unknown } | undefined;
  /** Options that environment variables give, by the variable; they win over the file, and flags over them. @default {} */
  readonly variables?: VariableOptions | undefined;
  /** The text of `config`, where another process has read it. @default it is read */
  readonly text?: string | undefined;
  /** Values for `${NAME}` and `${NAME:-default}` in the file. @default process.env */
  readonly env?: Environment | undefined;
}

export interface LoadedOptions {
  readonly options: Options;
  readonly sources: OptionSources;
}

/** An option is wrong. The message has one sentence per mistake, each on a line of its own. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
  /** One sentence per mistake, with the line of the file where that is known. */
  readonly problems: readonly string[];
  readonly #mistakes: readonly OptionsProblem[];
  readonly #sources: OptionSources | undefined;

  constructor(
    mistakes: readonly OptionsProblem[],
    sources?: OptionSources,
    /** Files to watch: when they change, the options may be right. */
    readonly files: readonly string[] = sources?.files ?? [],
  ) {
    const problems = problemsIn(mistakes, sources);
    super(problems.join('\n'));
    this.problems = problems;
    this.#mistakes = mistakes;
    this.#sources = sources;
  }

  /** The problems with their positions: of options that are found wrong only after they were read. */
  problemsIn(sources: OptionSources | undefined): readonly string[] {
    return problemsIn(this.#mistakes, this.#sources ?? sources);
  }

  /** Of one option, such as "`tls.cert` cannot be read: …". */
  static of(path: readonly PropertyKey[], predicate: string): OptionsError {
    return new OptionsError([{ path, sentence: `\`${path.join('.')}\` ${predicate}` }]);
  }

  /** Of a file that an option names and that cannot be read. */
  static unreadable(path: readonly PropertyKey[], file: string, error: unknown): OptionsError {
    return OptionsError.of(path, `names ${file}, which ${whyUnreadable(error)}.`);
  }
}

const problemsIn = (mistakes: readonly OptionsProblem[], sources: OptionSources | undefined): string[] =>
  mistakes.map((mistake) => sources?.describe(mistake) ?? mistake.sentence);

/** Reads the options of a gateway. @throws {OptionsError} with every mistake in them. */
export function loadOptions(given: LoadOptions = {}): Options {
  return readOptions(given).options;
}

/**
 * Reads the options, and where each comes from. Where they name no key of the private link, `WEIR_LINK_KEYS` or
 * `WEIR_LINK_KEYS_FILE` of `env` does. @throws {OptionsError} with every mistake in them.
 */
export function readOptions(given: LoadOptions = {}): LoadedOptions {
  const loaded = readGiven(given);
  const { keys, keysFile } = loaded.options.privateLinks;
  if (keys !== undefined || keysFile !== undefined) return loaded;
  const privateLinks = linkKeysOf(given.env ?? process.env);
  if (privateLinks === undefined) return loaded;
  const variable = 'keysFile' in privateLinks ? 'WEIR_LINK_KEYS_FILE' : 'WEIR_LINK_KEYS';
  return readGiven({ ...given, variables: { ...given.variables, [variable]: { privateLinks } } });
}

function linkKeysOf(env: Environment) {
  try {
    return linkKeysIn(env);
  } catch (error) {
    throw new OptionsError([{ path: undefined, sentence: (error as Error).message }]);
  }
}

function readGiven({
  config,
  text,
  defaults = {},
  flags = {},
  variables = {},
  env = process.env,
}: LoadOptions): LoadedOptions {
  const { files, read } = config === undefined ? noFile : readOptionsFile(config, env, text);
  if (read !== undefined && 'problems' in read)
    throw new OptionsError(
      read.problems.map((sentence) => ({ path: undefined, sentence })),
      undefined,
      files,
    );
  const file = read === undefined ? undefined : { name: config!, read };
  const sources = new OptionSources({ file, defaults, variables, flags }, files);
  return { options: check(sources.merged(), sources), sources };
}

const noFile = { files: [], read: undefined };

/** Checks and completes options that are written in code. @throws {OptionsError} with every mistake in them. */
export function parseOptions(input: OptionsInput): Options {
  return check(input);
}

/**
 * The one list of options: each stands in a file of this folder with its default, its rule and its documentation. The
 * reference in `docs/` and the JSON schema for editors are made from it, in this order.
 * A default that depends on another option is not stated there: the option is left out of `Options`, and the
 * description has what then counts.
 */
const allOptions = z.strictObject({
  mode,
  host,
  port,
  path,
  supergraph,
  graphs,
  subgraphs,
  discovery,
  privateLinks,
  connections,
  planning,
  overrides,
  calls,
  zone,
  retries,
  breaker,
  headers,
  timeouts,
  tls,
  trustedProxies,
  errors,
  limits,
  rates,
  overload,
  subscriptions,
  events,
  cache,
  persistedOperations,
  auth,
  mcp,
  cors,
  csrf,
  authorization,
  introspection,
  extensions,
  admin,
  health,
  usage,
  shadow,
  audit,
  logging,
  telemetry,
  shutdown,
  lambda,
});

/** The same, with what they must not be together. */
export const optionsSchema = allOptions
  .superRefine(checkGraphs)
  .superRefine(checkMcp)
  .superRefine((options, context) => {
    for (const { subgraphs: own } of [{}, ...Object.values(options.graphs?.of ?? {})] as {
      subgraphs?: object;
    }[]) {
      const all = { ...options, subgraphs: { ...options.subgraphs, ...own } };
      refuseTokenHeaders(all, context);
      refuseTraceHeaders(all, context);
      checkTokenExchange(all, context);
    }
  });

/** Of a parser: to compile one takes longer than to parse a few times. */
const once = { jitless: true };

function check(given: unknown, sources?: OptionSources): Options {
  const input = withoutSwitchedOff(given, optionsSchema, (path) => sources?.isBlank(path) === true);
  // What is kept in a file of its own is a secret.
  const isFromFile = (path: readonly PropertyKey[]): boolean => {
    const origin = sources?.origin(path);
    return origin?.kind === 'file' && origin.files.length > 0;
  };
  let { data, error } = optionsSchema.safeParse(input, once);
  // One mistake may hide another: a mistake inside a map counts before one of the map as a whole.
  while (error !== undefined && sources !== undefined && retype(input, error.issues, sources))
    ({ data, error } = optionsSchema.safeParse(input, once));
  if (error !== undefined)
    throw new OptionsError(
      firstOfEach(error.issues).flatMap((issue) =>
        describeIssue(issue, input, optionsSchema, 'The options', isFromFile),
      ),
      sources,
    );
  refuseEqualPorts(data!, sources);
  if (data!.graphs !== undefined) data!.supergraph!.graph = data!.graphs.default;
  return data!;
}

/** Of several rules that one value breaks, the first one is enough. */
function firstOfEach(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const byPath = new Map<string, z.core.$ZodIssue>();
  for (const issue of issues) {
    const key = JSON.stringify([issue.path, issue.code === 'unrecognized_keys']);
    if (!byPath.has(key)) byPath.set(key, issue);
  }
  return [...byPath.values()];
}

/**
 * Makes numbers and booleans of texts from the environment, files and flags: of those that are refused as texts. So
 * `0123` stays a key where a key is wanted. Returns whether there were any.
 */
function retype(input: unknown, issues: readonly z.core.$ZodIssue[], sources: OptionSources): boolean {
  const found = issues.filter(({ path }) => {
    const value = valueAt(input, path);
    if (typeof value !== 'string' || !/^(-?\d+(\.\d+)?|true|false)$/.test(value)) return false;
    return sources.isTextOnly(path) && takesMoreThanText(optionsSchema, path);
  });
  for (const { path } of found) {
    const text = valueAt(input, path) as string;
    const map = valueAt(input, path.slice(0, -1)) as Record<PropertyKey, unknown>;
    map[path.at(-1)!] = text === 'true' || text === 'false' ? text === 'true' : Number(text);
  }
  return found.length > 0;
}

/** The manifests of all graphs, and the files of tools. */
export const manifestsIn = ({ persistedOperations, graphs, mcp: tools }: Options): readonly string[] => [
  ...persistedOperations.manifest,
  ...Object.values(graphs?.of ?? {}).flatMap((own) => own.persistedOperations?.manifest ?? []),
  ...toolFilesIn(tools),
];

function refuseEqualPorts(options: Options, sources: OptionSources | undefined): void {
  const { admin, health: probes } = options;
  const { callback } = options.subscriptions;
  const listeners = [
    { name: 'the port of clients', path: ['port'], host: options.host, port: options.port },
    { name: '`admin.port`', path: ['admin', 'port'], host: admin.host, port: admin.enabled ? admin.port : 0 },
    { name: '`health.port`', path: ['health', 'port'], host: probes.host, port: probes.port ?? 0 },
    {
      name: '`subscriptions.callback.port`',
      path: ['subscriptions', 'callback', 'port'],
      ...{ host: callback.host, port: callback.port },
    },
  ];
  for (const [i, later] of listeners.entries()) {
    const first = listeners.slice(0, i).find((each) => each.port === later.port && shareAddress(each, later));
    if (first === undefined || later.port === 0) continue;
    const sentence = `${later.name} must differ from ${first.name}, but both are ${later.port}.`;
    const isGiven = sources?.origin(later.path).kind !== 'default';
    throw new OptionsError([{ path: isGiven ? later.path : first.path, sentence }], sources);
  }
}

const shareAddress = (one: { readonly host: string }, other: { readonly host: string }): boolean =>
  one.host === other.host || [one.host, other.host].some((each) => everyAddress.has(each));

const everyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
