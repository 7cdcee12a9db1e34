import { type Command, InvalidArgumentError, type Option } from 'commander';
import { CommandFailure, type Context } from './context';

/**
 * Each flag may also be given by an environment variable: `--admin-port` by WEIR_ADMIN_PORT. A flag wins over the
 * variable. An empty variable counts as none. For flags without a value the variable is true or false. For a flag that
 * may be repeated, the variable has its values separated by commas.
 */
export function takeVariables(command: Command, { env }: Context): void {
  for (const option of command.options) {
    const variable = variableOf(option, command);
    const text = variable === undefined ? undefined : valueOf(variable, env);
    if (variable === undefined || text === undefined) continue;
    const key = option.attributeName();
    const source = command.getOptionValueSource(key);
    if (source !== undefined && source !== 'default') continue;
    const value = parse(option, variable, text);
    if (value !== undefined) command.setOptionValueWithSource(key, value, 'env');
  }
}

/** The variable of a flag. Help and version have none, and `--no-color` has the usual NO_COLOR. */
export function variableOf({ long }: Option, command: Command): string | undefined {
  if (long == null || ['--help', '--version', '--no-color'].includes(long)) return undefined;
  // WEIR_CONFIG is the options file of a gateway, which may be set where `weir check` runs.
  if (long === '--config' && ['check', 'publish'].includes(command.name())) return 'WEIR_SUPERGRAPH_CONFIG';
  return variableNamed(long.slice('--'.length));
}

/**
 * The variable of a flag, given without dashes as it is written (`admin-port`) or in Commander's form (`adminPort`).
 */
const variableNamed = (flag: string): string => `WEIR_${flag.replace(/-|(?=[A-Z])/g, '_').toUpperCase()}`;

/** The variable that gave a flag its value. If flag and variable have the same value, either name is correct. */
export function variableOfValue(flag: string, value: unknown, env: Context['env']): string | undefined {
  const variable = variableNamed(flag);
  return env[variable] === value ? variable : undefined;
}

/** The name of the source of a flag's value, for errors: its variable, or the flag itself, such as `--schema`. */
export const givenBy = (flag: string, value: string, env: Context['env']): string =>
  variableOfValue(flag.slice('--'.length), value, env) ?? flag;

/** The value of a variable; undefined if it is not set. */
export function valueOf(variable: string, env: Context['env']): string | undefined {
  const text = env[variable];
  if (text === undefined || text === '') return undefined;
  // Kubernetes sets WEIR_PORT in every pod of a namespace with a service named weir:
  // https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
  if (variable.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(text)) return undefined;
  return text;
}

function parse(option: Option, variable: string, text: string): unknown {
  if (option.isBoolean()) {
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return undefined;
    throw new CommandFailure(`weir: ${variable} does not take "${text}". It must be true or false.`, 2);
  }
  const parseArg = option.parseArg as ((text: string, previous: unknown) => unknown) | undefined;
  try {
    if (!isRepeatable(option)) return parseArg === undefined ? text : parseArg(text, undefined);
    const values = text.split(',').map((value) => value.trim());
    return parseArg === undefined ? values : values.reduce((all: unknown, value) => parseArg(value, all), []);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new CommandFailure(`weir: ${variable} does not take "${text}". ${error.message}`, 2);
  }
}

const isRepeatable = ({ variadic, defaultValue }: Option): boolean => variadic || Array.isArray(defaultValue);
