import type { SubgraphDeclaration } from '../../../kit/declaration';
import { functionParameters, functionResources, type FunctionCode } from './function';
import { consumerPart, topicPart, type TemplatePart } from './queues';
import { tableResources, tableStatements } from './tables';
import { idOf, ref, sub, writeTemplate, type Parameter, type Resource, type Template } from './template';
import { workflowsPart } from './workflows';

/** The longest time that Lambda gives a function, in seconds. */
const longestTimeout = 900;
/** What a function needs besides its longest task: to start, and to tell the outcome, in seconds. */
const besidesTask = 30;

const archiveWait: Parameter = {
  Type: 'String',
  Description:
    'How many milliseconds the answer of a mutation waits until `weir audit events` has archived its events, at most: less than the gateway waits. Empty: it does not wait.',
  Default: '',
  AllowedPattern: '^([1-9][0-9]{0,4})?$',
  ConstraintDescription: 'must be milliseconds from 1 to 99999, or empty',
};

/** The template of a subgraph's function, of all that its code declares. */
export function subgraphTemplate(declaration: SubgraphDeclaration, code: FunctionCode): string {
  const { name, tables, publishes, consumers, workflows } = declaration;
  const timeout = timeoutOf(declaration);
  const memory = 512;
  const queues: TemplatePart[] = [
    ...(publishes ? [topicPart(name)] : []),
    ...consumers.map((consumer) => consumerPart(consumer, { subgraph: name, timeout })),
  ];
  const parts = [
    ...queues,
    ...(workflows.length > 0 ? [workflowsPart(workflows, { subgraph: name, timeout })] : []),
  ];
  const options = optionParameters(declaration);
  const events = Object.assign({}, ...parts.map((part) => part.events)) as Record<string, unknown>;
  const template: Template = {
    AWSTemplateFormatVersion: '2010-09-09',
    Transform: 'AWS::Serverless-2016-10-31',
    Description: `The subgraph ${name}.`,
    Parameters: {
      LinkKeysSecret: {
        Type: 'String',
        Description:
          'The name of a secret in Secrets Manager with the keys of the private link, separated by commas. Only who signs with one of them is answered.',
        MinLength: 1,
      },
      ...Object.fromEntries(options.map(({ id, parameter }) => [id, parameter])),
      ...(publishes && { ArchiveWait: archiveWait }),
      LogLevel: {
        Type: 'String',
        Description: 'The level from which log lines are written.',
        Default: 'info',
        AllowedValues: ['fatal', 'error', 'warn', 'info', 'debug'],
      },
      ...functionParameters({ memory }),
    },
    Resources: {
      ...functionResources({
        ...{ code, timeout, memory, description: `The subgraph ${name}.` },
        environment: {
          LOG_LEVEL: ref('LogLevel'),
          WEIR_LINK_KEYS: sub('{{resolve:secretsmanager:${LinkKeysSecret}}}'),
          ...(publishes && { WEIR_ARCHIVE_WAIT: ref('ArchiveWait') }),
          ...(queues.length > 0 && { EVENTS_CHANNEL: 'sns-sqs' }),
          ...(Object.assign({}, ...parts.map((part) => part.environment)) as Record<string, unknown>),
          ...Object.fromEntries(options.map(({ id, variable }) => [variable, ref(id)])),
        },
        statements: [...tables.flatMap(tableStatements), ...parts.flatMap(({ statements }) => statements)],
        issuedByAws: parts.flatMap(({ issuedByAws }) => issuedByAws),
        ...(Object.keys(events).length > 0 && { events }),
        alarms: parts.flatMap(({ alarms }) => alarms),
        // The private link says who is answered.
        url: { AuthType: 'NONE' },
      }),
      ...tableResources(tables),
      ...(Object.assign({}, ...parts.map(({ resources }) => resources)) as Record<string, Resource>),
    },
    Outputs: {
      RoutingUrl: {
        Description: 'The routing URL of the subgraph, for `weir publish`.',
        Value: sub('${FunctionUrl.FunctionUrl}graphql'),
      },
    },
  };
  const comment = ` Written by \`weir\` from what the code of the subgraph ${name} declares: change that, not this file.`;
  return writeTemplate(template, comment);
}

/** Events are tried five times, with pauses; a task may take its longest time. */
function timeoutOf({ consumers, workflows }: SubgraphDeclaration): number {
  const tasks = workflows.map(({ longestTask }) => longestTask + besidesTask);
  return Math.min(longestTimeout, Math.max(30, ...(consumers.length > 0 ? [60] : []), ...tasks));
}

/** A parameter for each option of the subgraph. One that is secret, or leads to this machine, has no default. */
function optionParameters({ options }: SubgraphDeclaration) {
  return Object.entries(options).map(([name, { description, default: value, variable }]) => {
    const isSecret = /key|password|secret|token/i.test(name);
    const isLocal = /^https?:\/\/(localhost|127\.|\[::1\])/.test(value);
    const parameter: Parameter = {
      ...{ Type: 'String', Description: `${description.charAt(0).toUpperCase()}${description.slice(1)}.` },
      ...(isSecret ? { NoEcho: true } : isLocal ? {} : { Default: value }),
    };
    return { id: idOf(name), variable, parameter };
  });
}
