import { parseArgs } from 'node:util';
import { type DatabaseSettings } from '../store/dynamodb';
import { type EventStreamSettings } from '../events/log/serve-events';
import { defaultQueue, defaultTopic, type EventSettings } from '../events/channels/aws-settings';
import { type LinkKeysSettings } from '../identity/link-keys';
import { StartError } from './start-error';
import { type OptionDefinition, type Subgraph } from '../subgraph';
import { type SubscriptionSettings } from '../subscriptions/serve-subscriptions';
import { readTraces, type TraceSettings } from '../traces/open-tracing';
import { type StepFunctionsSettings } from '../workflows/step-functions-settings';

/** Settings of a running subgraph, all with defaults. */
export interface Settings {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** 0 chooses a free port. @default the subgraph's own */
  readonly port?: number;
  /** Serves this schema file instead of the subgraph's own. */
  readonly schema?: string;
  /** @default embedded, in memory */
  readonly database?: DatabaseSettings;
  /** Writes the seeds of tables that are empty. @default true, but for AWS itself false */
  readonly seed?: boolean;
  /** The keys of the private link to the gateway. Without them the subgraph answers every caller. */
  readonly link?: LinkKeysSettings;
  /**
   * Trusts the user id of a request unchecked where the gateway has signed no caller: `authorization: Bearer u1`. Never
   * where real people are served.
   *
   * @default false with a private link, true without one
   */
  readonly development?: boolean;
  /** `false` refuses them, as a Lambda function must, which cannot hold a connection. @default their defaults */
  readonly subscriptions?: SubscriptionSettings | false;
  /** How events go to the consumers of other subgraphs. @default they read the event log */
  readonly events?: EventSettings;
  /** Bounds the readers of its events. @default their defaults */
  readonly eventStreams?: EventStreamSettings;
  /**
   * How long the answer of a mutation waits until an archive has its events, in milliseconds. Then it has the error
   * `NOT_ARCHIVED`. No effect without a table with an outbox. @default it does not wait
   */
  readonly archiveWait?: number;
  /** Runs workflows in AWS Step Functions. @default they run in the subgraph's own processes */
  readonly stepFunctions?: StepFunctionsSettings;
  /** Exports spans to a collector. @default nothing is recorded, and OpenTelemetry is not loaded */
  readonly traces?: TraceSettings;
  /** `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`. @default 'info' */
  readonly logLevel?: string;
  /** Values of the subgraph's own options. */
  readonly options?: Readonly<Record<string, string>>;
}

const defaultData = '.weir/dynamodb';
/** Settings of `events`, which are read as a subgraph's own options are. */
const eventOptions = {
  eventsChannel: {
    description:
      'how consumers get events: "table" (from the event log of who publishes) or "sns-sqs" (on AWS)',
    default: 'table',
  },
  eventsTopic: {
    description: 'for sns-sqs, the name or ARN of the SNS topic of a subgraph',
    default: defaultTopic,
  },
  eventsQueue: {
    description: 'for sns-sqs, the name or ARN of the SQS queue of a consumer',
    default: defaultQueue,
  },
  eventsCreate: {
    description: 'for sns-sqs, whether topics and queues are created, as in development',
    default: 'false',
  },
} satisfies Record<string, OptionDefinition>;
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/** The settings of a process: flags, then environment. Throws a {@link StartError} that names what is wrong. */
export function readSettings(
  subgraph: Pick<Subgraph, 'options'>,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Settings {
  const flags = readFlags(subgraph, args);
  const get = (flag: string, variable: string) => flags[flag] ?? (env[variable] || undefined);
  /** Whom a wrong value is blamed on. */
  const nameOf = (flag: string, variable: string) => (flags[flag] === undefined ? variable : `--${flag}`);
  const port = get('port', 'PORT');
  const seed = get('seed', 'WEIR_SEED');
  const development = env['WEIR_DEVELOPMENT'] || undefined;
  return {
    ...defined({
      host: get('host', 'HOST'),
      port: port === undefined ? undefined : readPort(nameOf('port', 'PORT'), port),
      schema: flags['schema'],
      seed:
        seed === undefined
          ? undefined
          : oneOf(nameOf('seed', 'WEIR_SEED'), seed, ['true', 'false']) === 'true',
      logLevel: env['LOG_LEVEL'] ? oneOf('LOG_LEVEL', env['LOG_LEVEL'], logLevels) : undefined,
    }),
    ...defined({ link: readLink(env), events: readEvents(get, nameOf) }),
    ...defined({ stepFunctions: readStepFunctions(env), traces: readTraces(env) }),
    ...defined({ archiveWait: readArchiveWait(env) }),
    ...(development && {
      development: oneOf('WEIR_DEVELOPMENT', development, ['true', 'false']) === 'true',
    }),
    database: readDatabase(get('data', 'WEIR_DATA') ?? defaultData, env),
    options: defined(
      Object.fromEntries(
        Object.keys(subgraph.options ?? {}).map((name) => [name, get(flagOf(name), variableOf(name))]),
      ),
    ),
  };
}

/** What `--help` prints. */
export function usage(subgraph: Pick<Subgraph, 'name' | 'port' | 'options'>): string {
  return `The subgraph "${subgraph.name}".
${flagsOf(subgraph)}  --seed BOOLEAN  ${'WEIR_SEED'.padEnd(20)} fill empty tables with sample data (default: true, on AWS false)
${describeOptions({ ...eventOptions, ...subgraph.options })}
Environment only:
${databaseVariable}  WEIR_LINK_KEYS       secrets that the gateway signs with, separated by commas: nobody else is answered then
  WEIR_LINK_KEYS_FILE  a file that holds them, one a line; it is looked at every second
  WEIR_DEVELOPMENT     true trusts the user id of a request unchecked: authorization: Bearer u1 (default: without keys)
  WEIR_ARCHIVE_WAIT    milliseconds that the answer of a mutation waits until an archive has its events, at most;
                       then it has the error NOT_ARCHIVED (default: it does not wait)
  WEIR_STATE_MACHINES  run workflows in AWS Step Functions: the ARN of the state machines without the workflow's name
  WEIR_TASK_QUEUE      the URL of the SQS queue of their tasks; the usual AWS_… settings apply
${traceAndLogVariables}`;
}

/** What `--help` prints for an AppSync stand-in. */
export const standInUsage = (subgraph: Pick<Subgraph, 'name' | 'port' | 'options'>): string =>
  `The subgraph "${subgraph.name}": a stand-in for an API of AWS AppSync.
${flagsOf(subgraph)}${describeOptions(subgraph.options ?? {})}
Environment only:
${databaseVariable}${traceAndLogVariables}`;

/** What `--help` prints for a service of the sample shop that is no subgraph. */
export const serviceUsage = ({ name, port }: { name: string; port: number }): string =>
  `The service "${name}", which is no subgraph.

Flags, and the environment variables that mean the same:
  --port N     PORT       the port, 0 for a free one (default: ${port})
  --host HOST  HOST       the address to listen at (default: 127.0.0.1)
               LOG_LEVEL  ${logLevels.join(', ')} (default: info)
`;

const flagsOf = ({ port = 4001 }: Pick<Subgraph, 'port'>): string => `
Flags, and the environment variables that mean the same:
  --port N        ${'PORT'.padEnd(20)} the port, 0 for a free one (default: ${port})
  --host HOST     ${'HOST'.padEnd(20)} the address to listen at (default: 127.0.0.1)
  --schema FILE   ${''.padEnd(20)} serve this schema file (default: its own)
  --data DIR      ${'WEIR_DATA'.padEnd(20)} folder of the embedded DynamoDB (default: ${defaultData})
`;
const databaseVariable = `  DYNAMODB_ENDPOINT    a URL, or "aws" for AWS itself, instead of the embedded DynamoDB; the usual AWS_… settings apply
`;
const traceAndLogVariables = `  OTEL_EXPORTER_OTLP_ENDPOINT
                       a collector of OpenTelemetry that spans are exported to; its other variables OTEL_… apply
  LOG_LEVEL            ${logLevels.join(', ')} (default: info)
`;

const describeOptions = (options: Readonly<Record<string, OptionDefinition>>): string =>
  Object.entries(options)
    .map(
      ([name, { description, default: value }]) =>
        `  --${flagOf(name)} VALUE, ${variableOf(name)}: ${description} (default: ${value})\n`,
    )
    .join('');

function readFlags(
  subgraph: Pick<Subgraph, 'options'>,
  args: readonly string[],
): Record<string, string | undefined> {
  const known = [
    'port',
    'host',
    'schema',
    'data',
    'seed',
    ...Object.keys({ ...eventOptions, ...subgraph.options }).map(flagOf),
  ];
  const options = Object.fromEntries(known.map((name) => [name, { type: 'string' as const }]));
  // Not strict: the errors of strict parsing explain positional arguments, which these commands do not take.
  const { values, positionals } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
  });
  for (const [name, value] of Object.entries(values)) {
    if (!known.includes(name)) {
      throw new StartError(
        `There is no flag --${name}; there are ${known.map((flag) => `--${flag}`).join(', ')}.`,
      );
    }
    if (typeof value !== 'string' || value === '') throw new StartError(`The flag --${name} needs a value.`);
  }
  if (positionals[0] !== undefined)
    throw new StartError(`There is no argument "${positionals[0]}", only flags.`);
  return values as Record<string, string>;
}

function readPort(name: string, text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw new StartError(`${name} must be a whole number from 0 to 65535, but got: "${text}".`);
}

function oneOf(name: string, text: string, values: readonly string[]): string {
  if (values.includes(text)) return text;
  throw new StartError(`${name} must be one of ${values.join(', ')}, but got: "${text}".`);
}

/**
 * AWS must be chosen explicitly: AWS settings in the environment do not mean that tables may be created there. A Lambda
 * function has no lasting folder, so AWS is the default there.
 */
function readDatabase(folder: string, env: NodeJS.ProcessEnv): DatabaseSettings {
  const endpoint = env['DYNAMODB_ENDPOINT'] || (env['AWS_LAMBDA_FUNCTION_NAME'] ? 'aws' : '');
  if (endpoint === '') return { kind: 'embedded', folder };
  if (endpoint === 'aws') return { kind: 'aws' };
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new StartError(`DYNAMODB_ENDPOINT must be a URL or "aws", but got: "${endpoint}".`);
  }
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'];
  const credentials = Boolean(env['AWS_ACCESS_KEY_ID'] || env['AWS_PROFILE']);
  return { kind: 'endpoint', endpoint, credentials, ...(region && { region }) };
}

function readEvents(
  get: (flag: string, variable: string) => string | undefined,
  nameOf: (flag: string, variable: string) => string,
): EventSettings | undefined {
  const read = (name: keyof typeof eventOptions, values?: readonly string[]) => {
    const [flag, variable] = [flagOf(name), variableOf(name)];
    const text = get(flag, variable);
    return text !== undefined && values ? oneOf(nameOf(flag, variable), text, values) : text;
  };
  const create = read('eventsCreate', ['true', 'false']);
  if (read('eventsChannel', ['table', 'sns-sqs']) !== 'sns-sqs') return undefined;
  return {
    channel: 'sns-sqs',
    ...defined({ topic: read('eventsTopic'), queue: read('eventsQueue') }),
    ...(create !== undefined && { create: create === 'true' }),
  };
}

function readLink(env: NodeJS.ProcessEnv): LinkKeysSettings | undefined {
  const keys = env['WEIR_LINK_KEYS'];
  const file = env['WEIR_LINK_KEYS_FILE'];
  if (keys && file) throw new StartError('Only one of WEIR_LINK_KEYS and WEIR_LINK_KEYS_FILE may be set.');
  if (file) return { file };
  return keys ? { keys: keys.split(',').map((key) => key.trim()) } : undefined;
}

function readArchiveWait(env: NodeJS.ProcessEnv): number | undefined {
  const text = env['WEIR_ARCHIVE_WAIT'] || undefined;
  if (text === undefined) return undefined;
  const milliseconds = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (milliseconds > 0) return milliseconds;
  throw new StartError(`WEIR_ARCHIVE_WAIT must be milliseconds from 1 to 99999, but got: "${text}".`);
}

function readStepFunctions(env: NodeJS.ProcessEnv): StepFunctionsSettings | undefined {
  const stateMachines = env['WEIR_STATE_MACHINES'] || undefined;
  const taskQueue = env['WEIR_TASK_QUEUE'] || undefined;
  if (stateMachines === undefined && taskQueue === undefined) return undefined;
  if (stateMachines === undefined || taskQueue === undefined)
    throw new StartError('WEIR_STATE_MACHINES and WEIR_TASK_QUEUE must both be set, or none of them.');
  if (!/^arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:[\w-]*$/.test(stateMachines))
    throw new StartError(
      `WEIR_STATE_MACHINES must be like arn:aws:states:eu-west-1:123456789012:stateMachine:shop-, but got: "${stateMachines}".`,
    );
  if (!URL.canParse(taskQueue))
    throw new StartError(`WEIR_TASK_QUEUE must be the URL of an SQS queue, but got: "${taskQueue}".`);
  return { stateMachines, taskQueue };
}

/** The flag of a setting: `inventoryUrl` is `--inventory-url`. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The environment variable of a setting: `inventoryUrl` is `INVENTORY_URL`. */
export function variableOf(name: string): string {
  return flagOf(name).replaceAll('-', '_').toUpperCase();
}

function defined<Value>(values: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Record<
    string,
    Value
  >;
}
