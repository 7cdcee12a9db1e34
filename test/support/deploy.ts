/** Creates the resources of a template, as CloudFormation does. */
import { CreateTableCommand, DynamoDBClient, type CreateTableInput } from '@aws-sdk/client-dynamodb';
import { SFN } from '@aws-sdk/client-sfn';
import { SNS } from '@aws-sdk/client-sns';
import { SQS } from '@aws-sdk/client-sqs';
import { namesIn, resolveFunctions, type Resource, type Template, type Values } from './cloudformation';
import { type Moto } from './moto';

export interface DeployOptions {
  readonly aws: Moto['config'];
  /** The endpoint of the DynamoDB that gets the tables. @default that of `aws` */
  readonly dynamodb?: string;
  /** Values of parameters. @default their defaults */
  readonly parameters?: Readonly<Record<string, string>>;
}

const account = '123456789012';

/** Properties of a table that CloudFormation sets when it is there. */
const setLater = ['PointInTimeRecoverySpecification', 'TimeToLiveSpecification'];

/** What only exists on AWS. */
const notCreated = /^AWS::(IAM|Logs|CloudWatch|Lambda)::|^AWS::Serverless::Function$/;

/** Creates the resources of a template, those that others need first. Resolves with what functions lead to. */
export async function deploy(template: Template, options: DeployOptions): Promise<Values> {
  const { aws, dynamodb, parameters = {} } = options;
  const [sns, sqs, sfn] = [new SNS(aws), new SQS(aws), new SFN(aws)];
  const tables = new DynamoDBClient({ ...aws, ...(dynamodb !== undefined && { endpoint: dynamodb }) });
  const created = new Map<string, { readonly ref: string; readonly arn: string }>();
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::Partition': 'aws',
    'AWS::Region': aws.region,
    'AWS::AccountId': account,
  };
  const values: Values = {
    ref(name) {
      const parameter = parameters[name] ?? template.Parameters?.[name]?.Default;
      const value = pseudo[name] ?? created.get(name)?.ref ?? parameter;
      if (value === undefined) throw new Error(`Nothing is known of ${name}.`);
      return String(value);
    },
    // What is not created has an ARN that nobody asks for.
    attribute: (name) => created.get(name)?.arn ?? `arn:aws:none:${aws.region}:${account}:${name}`,
  };

  const wanted = Object.entries(template.Resources).filter(([, { Type }]) => !notCreated.test(Type));
  const names = new Set(wanted.map(([name]) => name));
  while (created.size < wanted.length) {
    const [name, resource] = wanted.find(
      ([each, { Properties }]) =>
        !created.has(each) && namesIn(Properties).every((other) => !names.has(other) || created.has(other)),
    )!;
    created.set(name, await create(resource));
  }
  for (const client of [sns, sqs, sfn, tables]) client.destroy();
  return values;

  function resolve(value: unknown): unknown {
    return resolveFunctions(value, values);
  }
  /** A value as the API takes it: a text, or JSON. */
  function text(value: unknown): string {
    const resolved = resolve(value);
    return typeof resolved === 'string' ? resolved : JSON.stringify(resolved);
  }
  async function create({ Type, Properties = {} }: Resource) {
    const { TopicName, QueueName, TopicArn, Protocol, Endpoint, Queues, PolicyDocument, ...others } =
      Properties;
    const Attributes = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, text(value)]));
    switch (Type) {
      case 'AWS::SNS::Topic': {
        const { TopicArn: arn = '' } = await sns.createTopic({ Name: TopicName as string, Attributes });
        return { ref: arn, arn };
      }
      case 'AWS::SQS::Queue': {
        const { QueueUrl = '' } = await sqs.createQueue({ QueueName: QueueName as string, Attributes });
        const { Attributes: read } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ['QueueArn'] });
        return { ref: QueueUrl, arn: read!['QueueArn']! };
      }
      case 'AWS::SNS::Subscription':
        await sns.subscribe({
          TopicArn: text(TopicArn),
          Protocol: text(Protocol),
          Endpoint: text(Endpoint),
          Attributes,
        });
        return { ref: '', arn: '' };
      case 'AWS::SQS::QueuePolicy':
        for (const QueueUrl of resolve(Queues) as string[])
          await sqs.setQueueAttributes({ QueueUrl, Attributes: { Policy: text(PolicyDocument) } });
        return { ref: '', arn: '' };
      case 'AWS::DynamoDB::Table': {
        const table = Object.fromEntries(
          Object.entries(Properties).filter(([name]) => !setLater.includes(name)),
        );
        const { TableDescription } = await tables.send(
          new CreateTableCommand(resolve(table) as CreateTableInput),
        );
        const name = TableDescription!.TableName!;
        return { ref: name, arn: `arn:aws:dynamodb:${aws.region}:${account}:table/${name}` };
      }
      case 'AWS::Serverless::StateMachine': {
        const substitutions = resolve(Properties['DefinitionSubstitutions']) as Record<string, string>;
        const definition = JSON.stringify(Properties['Definition']);
        const { stateMachineArn = '' } = await sfn.createStateMachine({
          name: Properties['Name'] as string,
          definition: definition.replace(/\$\{(\w+)\}/g, (_, name: string) => substitutions[name]!),
          roleArn: `arn:aws:iam::${account}:role/workflows`,
        });
        return { ref: stateMachineArn, arn: stateMachineArn };
      }
      default:
        throw new Error(`This test does not create ${Type}.`);
    }
  }
}
