import { type Command, InvalidArgumentError, type Option } from 'commander';
import { CommandFailure, type Context } from './context';

/**
 * Each flag may also be given by an environment variable: `--admin-port` by WEIR_ADMIN_PORT. A flag wins over the
 * variable. An empty variable counts as none. Flags without a value take true or false; where a flag may be repeated,
 * the variable has its values with commas between.
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

/** The variable of a flag; help and version have none, and NO_COLOR is everybody's. */
export function variableOf({ long }: Option, command: Command): string | undefined {
  if (long == null || ['--help', '--version', '--no-color'].includes(long)) return undefined;
  // WEIR_CONFIG is the file of the gateway's options, also where `weir check` runs beside it.
  if (long === '--config' && ['check', 'publish'].includes(command.name())) return 'WEIR_SUPERGRAPH_CONFIG';
  return variableNamed(long.slice('--'.length));
}

/** Of a flag without its dashes, as it is written or as Commander calls its value: `admin-port`, `adminPort`. */
const variableNamed = (flag: string): string => `WEIR_${flag.replace(/-|(?=[A-Z])/g, '_').toUpperCase()}`;

/** The variable that gave a flag its value. Where both say the same, either name is right. */
export function variableOfValue(flag: string, value: unknown, env: Context['env']): string | undefined {
  const variable = variableNamed(flag);
  return env[variable] === value ? variable : undefined;
}

/** What to blame for the value of a flag such as `--schema`: its variable, if that gave it, or the flag. */
export const givenBy = (flag: string, value: string, env: Context['env']): string =>
  variableOfValue(flag.slice('--'.length), value, env) ?? flag;

/** What a variable says, if anything. */
export function valueOf(variable: string, env: Context['env']): string | undefined {
  const text = env[variable];
  if (text === undefined || text === '') return undefined;
  // Kubernetes sets it in every pod beside a service named weir: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
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
