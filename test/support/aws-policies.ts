/** Policies of IAM in the documentation, and the commands that code sends to AWS. */
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { resolveFunctions, type Template, type Values } from './cloudformation';
import { examplesOf } from './documentation';

/** What one command needs: an action, and the name of the resource as it stands at the end of an ARN. */
export interface AwsCall {
  readonly action: string;
  /** `*` for an action that knows no resources: a policy must allow it on `*`. */
  readonly resource: string;
}

/** The permissions of a policy, in the same form; resources may have `*`. */
export type Policy = readonly AwsCall[];

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

/** The policies of a page, in its order. */
export const policiesOf = (page: string): Policy[] =>
  examplesOf(page)
    .filter(({ language, text }) => language === 'json' && text.includes('"Statement"'))
    .map(({ text }) =>
      permissionsIn((JSON.parse(text) as { readonly Statement: readonly Statement[] }).Statement),
    );

/** Each action of each statement, with each of its resources. */
export const permissionsIn = (statements: readonly Statement[]): Policy =>
  statements.flatMap(({ Action, Resource }) =>
    [Action]
      .flat()
      .flatMap((action) =>
        [Resource].flat().map((arn) => ({ action, resource: arn.split(':').slice(5).join(':') || '*' })),
      ),
  );

/** What the code of a template's function may do. */
export function codePolicyOf({ Resources }: Template, values: Values): Policy {
  const { Policies } = resolveFunctions(Resources['Role']!.Properties, values) as {
    Policies: { PolicyName: string; PolicyDocument: { Statement: readonly Statement[] } }[];
  };
  return permissionsIn(
    Policies.filter(({ PolicyName }) => PolicyName === 'Code').flatMap(
      ({ PolicyDocument }) => PolicyDocument.Statement,
    ),
  );
}

/** The calls that a policy does not allow, and what it allows without need. */
export function differencesOf(policy: Policy, calls: readonly AwsCall[]) {
  const sentences = (all: readonly AwsCall[]) =>
    [...new Set(all.map(({ action, resource }) => `${action} ${resource}`))].sort();
  return {
    refused: sentences(calls.filter((call) => !isAllowed(policy, call))),
    unused: sentences(policy.filter((allowed) => !calls.some((call) => isFor(allowed, call)))),
  };
}

const isFor = (allowed: AwsCall, call: AwsCall): boolean =>
  allowed.action === call.action && (allowed.resource === '*' || isLike(call.resource, allowed.resource));

export const isAllowed = (policy: Policy, call: AwsCall): boolean =>
  policy.some((allowed) => isFor(allowed, call));

/** Whether a text is as a pattern, in which `*` stands for anything. */
function isLike(text: string, pattern: string): boolean {
  const [start = '', ...parts] = pattern.split('*');
  if (parts.length === 0) return text === pattern;
  return text.startsWith(start) && text.slice(start.length).endsWith(parts.at(-1)!);
}

/** Records the calls of all clients from now on. The function that it returns gives those since it was called last. */
export function recordAwsCalls(): () => AwsCall[] {
  let calls: AwsCall[] = [];
  for (const [service, client] of [
    ['sns', SNSClient],
    ['sqs', SQSClient],
    ['states', SFNClient],
    ['s3', S3Client],
  ] as const) {
    const send = Reflect.get(client.prototype, 'send') as (...args: unknown[]) => unknown;
    jest.spyOn(client.prototype, 'send').mockImplementation(function (this: unknown, ...args: unknown[]) {
      const [command] = args as [{ constructor: { name: string }; input: AwsInput }];
      const operation = command.constructor.name.replace(/Command$/, '');
      calls.push(...callsOf({ service, operation, input: command.input }));
      return send.apply(this, args);
    });
  }
  return () => {
    const seen = calls;
    calls = [];
    return seen;
  };
}

type AwsInput = Readonly<Record<string, unknown>>;

/** A command of the API of AWS. */
export interface AwsCommand {
  /** As IAM names it: `dynamodb`, `states`. */
  readonly service: string;
  readonly operation: string;
  readonly input: AwsInput;
}

/** What a command needs, by the Service Authorization Reference of AWS. */
export function callsOf({ service, operation, input }: AwsCommand): AwsCall[] {
  if (service === 'dynamodb') return dynamoDBCalls(operation, input);
  // The permission of a call for several messages is the one for a single message.
  const name = operation.replace(/Batch$/, '');
  const action = `${service}:${otherNames[name] ?? name}`;
  return [{ action, resource: withoutResource.has(action) ? '*' : resourceOf(input) }];
}

/** Operations whose permission has another name. */
const otherNames: Readonly<Record<string, string>> = { ListObjectsV2: 'ListBucket', HeadObject: 'GetObject' };

/** Actions that can only be allowed on `*`, by the Service Authorization Reference of AWS. */
const withoutResource: ReadonlySet<string> = new Set([
  ...['sns:ListTopics', 'sns:SetSubscriptionAttributes', 'sns:Unsubscribe', 'sqs:ListQueues'],
  ...['states:SendTaskSuccess', 'states:SendTaskFailure', 'servicediscovery:DiscoverInstances'],
]);

function resourceOf(given: AwsInput): string {
  const { Name, Bucket, Key, FunctionName, ...input } = given as Readonly<Record<string, string>>;
  const arn = input['TopicArn'] ?? input['stateMachineArn'] ?? input['executionArn'];
  if (arn !== undefined) return arn.split(':').slice(5).join(':');
  if (Bucket !== undefined) return Key === undefined ? Bucket : `${Bucket}/${Key}`;
  if (FunctionName !== undefined) return `function:${FunctionName}`;
  const resource = input['QueueName'] ?? input['QueueUrl']?.split('/').at(-1) ?? Name;
  if (resource === undefined) throw new Error(`A command names no resource: ${JSON.stringify(input)}`);
  return resource;
}

/** A batch has an action of its own, for each of its tables; a transaction has those of its items. */
function dynamoDBCalls(operation: string, input: AwsInput): AwsCall[] {
  const on = (action: string, table: string, index?: unknown): AwsCall => ({
    action: `dynamodb:${action}`,
    resource: typeof index === 'string' ? `table/${table}/index/${index}` : `table/${table}`,
  });
  const { TableName, IndexName, RequestItems, TransactItems } = input as {
    readonly TableName?: string;
    readonly IndexName?: string;
    readonly RequestItems?: object;
    readonly TransactItems?: readonly Readonly<Record<string, { readonly TableName: string }>>[];
  };
  if (TransactItems !== undefined)
    return TransactItems.flatMap((item) =>
      Object.entries(item).map(([kind, { TableName: table }]) => on(itemActions[kind]!, table)),
    );
  if (RequestItems !== undefined) return Object.keys(RequestItems).map((table) => on(operation, table));
  if (TableName === undefined) throw new Error(`${operation} names no table: ${JSON.stringify(input)}`);
  return [on(operation, TableName, IndexName)];
}

const itemActions: Readonly<Record<string, string>> = {
  Get: 'GetItem',
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
};
