import { allow, awsPermissions, type Statement } from './permissions';
import { arnOf, ref, sub, type Parameter, type Resource } from './template';

/** Where the code of a function is, and what it runs on. */
export interface FunctionCode {
  /** Relative to the template. */
  readonly uri: string;
  /** Such as `index.handler`. */
  readonly handler: string;
}

const alias = 'live';

export interface FunctionParts {
  readonly code: FunctionCode;
  readonly description: string;
  /** In seconds, or where they are. */
  readonly timeout: number | ReturnType<typeof ref>;
  /** In MB. */
  readonly memory: number;
  readonly environment: Readonly<Record<string, unknown>>;
  /** What its code may do. */
  readonly statements: readonly Statement[];
  /** What AWS does with its role, beside logs and traces. */
  readonly issuedByAws?: readonly Statement[];
  readonly events?: Readonly<Record<string, unknown>>;
  /** Ids of alarms that roll a deployment back, beside errors and throttles. */
  readonly alarms?: readonly string[];
  readonly url: Readonly<Record<string, unknown>>;
  /** Properties of the function that only some have. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Parameters of each function. */
export const functionParameters = ({ memory }: Pick<FunctionParts, 'memory'>) =>
  ({
    MemorySize: {
      Type: 'Number',
      Description: 'The memory of the function, in MB. Processor time comes with memory.',
      Default: memory,
    },
    Runtime: {
      Type: 'String',
      Description: 'What runs the code: the version of Node that it was packaged with.',
      Default: 'nodejs24.x',
      AllowedValues: ['nodejs22.x', 'nodejs24.x'],
    },
    Architecture: {
      Type: 'String',
      Description: 'The processor: the kind of the machine that the code was packaged on.',
      Default: 'x86_64',
      AllowedValues: ['x86_64', 'arm64'],
    },
    LogRetention: {
      Type: 'Number',
      Description: 'How many days log lines are kept.',
      Default: 30,
      AllowedValues: [1, 3, 5, 7, 14, 30, 60, 90, 120, 180, 365, 731],
    },
    Deployment: {
      Type: 'String',
      Description: 'How traffic goes over to a new version. An alarm meanwhile takes it back.',
      Default: 'Canary10Percent5Minutes',
      AllowedValues: [
        ...['AllAtOnce', 'Canary10Percent5Minutes', 'Canary10Percent10Minutes', 'Canary10Percent30Minutes'],
        ...['Linear10PercentEvery1Minute', 'Linear10PercentEvery10Minutes'],
      ],
    },
  }) satisfies Readonly<Record<string, Parameter>>;

/** A function with its alias, role, log group and alarms. */
export function functionResources(parts: FunctionParts): Record<string, Resource> {
  const { code, environment, alarms = [], events, issuedByAws = [] } = parts;
  return {
    Function: {
      Type: 'AWS::Serverless::Function',
      Properties: {
        Description: parts.description,
        ...{
          CodeUri: code.uri,
          Handler: code.handler,
          Runtime: ref('Runtime'),
          Architectures: [ref('Architecture')],
        },
        ...{ MemorySize: ref('MemorySize'), Timeout: parts.timeout, Role: arnOf('Role') },
        AutoPublishAlias: alias,
        // A new configuration is a new version, too.
        AutoPublishAliasAllProperties: true,
        DeploymentPreference: {
          Type: ref('Deployment'),
          Alarms: ['ErrorsAlarm', 'ThrottlesAlarm', ...alarms].map(ref),
        },
        Tracing: 'Active',
        LoggingConfig: { LogGroup: ref('Logs') },
        ...(Object.keys(environment).length > 0 && { Environment: { Variables: environment } }),
        FunctionUrlConfig: parts.url,
        ...(events && { Events: events }),
        ...parts.properties,
      },
    },
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: trust('lambda.amazonaws.com'),
        Policies: [
          ...(parts.statements.length > 0 ? [policy('Code', parts.statements)] : []),
          policy('IssuedByAws', [
            allow({ sid: 'Logs', on: arnOf('Logs') }, awsPermissions.logs),
            allow({ sid: 'Traces', on: '*' }, awsPermissions.traces),
            ...issuedByAws,
          ]),
        ],
      },
    },
    Logs: { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: ref('LogRetention') } },
    ErrorsAlarm: functionAlarm('Errors', 'The function fails.'),
    ThrottlesAlarm: functionAlarm('Throttles', 'The function is throttled.'),
  };
}

/** Who may take a role. */
export const trust = (service: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
});

export const policy = (name: string, statements: readonly Statement[]) => ({
  PolicyName: name,
  PolicyDocument: { Version: '2012-10-17', Statement: statements },
});

const functionAlarm = (metric: 'Errors' | 'Throttles', description: string): Resource => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmDescription: description,
    ...{ Namespace: 'AWS/Lambda', MetricName: metric, Statistic: 'Sum', Period: 60, EvaluationPeriods: 1 },
    Dimensions: [
      { Name: 'FunctionName', Value: ref('Function') },
      { Name: 'Resource', Value: sub(`\${Function}:${alias}`) },
    ],
    ...{ ComparisonOperator: 'GreaterThanThreshold', Threshold: 0, TreatMissingData: 'notBreaching' },
  },
});

/** Rings while messages of a queue wait for long: the function does not get them done. */
export const ageAlarm = (queue: string): Resource => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmDescription: `Messages of ${queue} wait for more than five minutes.`,
    ...{ Namespace: 'AWS/SQS', MetricName: 'ApproximateAgeOfOldestMessage', Statistic: 'Maximum' },
    ...{ Period: 60, EvaluationPeriods: 3 },
    Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queue, 'QueueName'] } }],
    ...{ ComparisonOperator: 'GreaterThanThreshold', Threshold: 300, TreatMissingData: 'notBreaching' },
  },
});
