import { z } from 'zod';
import { admin } from './admin';
import { audit } from './audit';
import { auth } from './auth';
import { authorization } from './authorization';
import { cache } from './cache';
import { breaker, calls, retries } from './calls';
import { connections } from './connections';
import { cors, csrf, errors, introspection, mode } from './exposure';
import { readOptionsFile } from './file';
import { headers } from './headers';
import { limits } from './limits';
import { host, path, port, tls, trustedProxies } from './listener';
import { logging } from './logging';
import { overload } from './overload';
import { persistedOperations } from './persisted-operations';
import { overrides, planning } from './planning';
import { privateLinks } from './private-links';
import { describeIssue } from './problem';
import { rates } from './rates';
import { shutdown } from './shutdown';
import { subgraphs, zone } from './subgraphs';
import { supergraph, type supergraphOptions } from './supergraph';
import { timeouts } from './timeouts';
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
  /** Win over what the file says, key by key. Text that is a number or a boolean counts as one. @default {} */
  readonly flags?: { readonly [Key in keyof OptionsInput]?: unknown } | undefined;
  /** Values for `${NAME}` and `${NAME:-default}` in the file. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** An option is wrong. The message has one sentence per mistake, each on a line of its own. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** Reads the options of a gateway. @throws {OptionsError} with every mistake in them. */
export function loadOptions({ config, flags = {}, env = process.env }: LoadOptions = {}): Options {
  if (config === undefined) return check(retype(flags));
  const file = readOptionsFile(config, env);
  if ('problems' in file) throw new OptionsError(file.problems);
  return check(isMap(file.value) ? merge(file.value, retype(flags)) : file.value, file.locate);
}

/** Checks and completes options that are written in code. @throws {OptionsError} with every mistake in them. */
export function parseOptions(input: OptionsInput): Options {
  return check(input);
}

/**
 * The one list of options: each stands in a file of this folder with its default, its rule and its documentation. The
 * reference in `docs/` and the JSON schema for editors are made from it, in this order.
 * A default that depends on another option is not stated there: the option is left out of `Options`, and the
 * description says what then counts.
 */
export const optionsSchema = z.strictObject({
  mode,
  host,
  port,
  path,
  supergraph,
  subgraphs,
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
  cache,
  persistedOperations,
  auth,
  cors,
  csrf,
  authorization,
  introspection,
  admin,
  usage,
  audit,
  logging,
  shutdown,
});

function check(input: unknown, locate: (path: readonly PropertyKey[]) => string = () => ''): Options {
  const { data, error } = optionsSchema.safeParse(input);
  if (data) {
    const { port, host, admin } = data;
    const isOne = host === admin.host || [host, admin.host].some((each) => everyAddress.has(each));
    if (!admin.enabled || port === 0 || port !== admin.port || !isOne) return data;
    const sentence = `\`admin.port\` must not be the port of clients, but both are ${port}.`;
    throw new OptionsError([`${locate(['admin', 'port'])}${sentence}`]);
  }
  throw new OptionsError(
    error.issues.flatMap((issue) =>
      describeIssue(issue, input, optionsSchema).map(({ path, sentence }) => `${locate(path)}${sentence}`),
    ),
  );
}

const everyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Maps are merged key by key; anything else in `over` replaces what is in `under`. */
function merge(under: unknown, over: unknown): unknown {
  if (!isMap(under) || !isMap(over)) return over === undefined ? under : over;
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(merged[key], value);
  return merged;
}

function retype(value: unknown): unknown {
  if (typeof value === 'string')
    return /^(\d+|true|false)$/.test(value) ? (JSON.parse(value) as unknown) : value;
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, retype(member)]));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
