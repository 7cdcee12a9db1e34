import type { TableOperation } from '../../../kit/table/definition';

/** An action of IAM, and what it is for. */
export interface Permission {
  readonly action: string;
  readonly why: string;
}

/** A statement of a policy. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

export const allow = (
  { sid, on, where }: { readonly sid: string; readonly on: unknown; readonly where?: unknown },
  permissions: readonly Permission[],
): Statement => ({
  ...{ Sid: sid, Effect: 'Allow' },
  Action: permissions.map(({ action }) => action),
  Resource: on,
  ...(where !== undefined && { Condition: where }),
});

/** What a function may do with the items of a table, by the operation that its code declares. */
export const itemPermissions: Readonly<Record<TableOperation, Permission>> = {
  BatchGetItem: { action: 'dynamodb:BatchGetItem', why: 'loaders, and `batchGet`' },
  BatchWriteItem: { action: 'dynamodb:BatchWriteItem', why: '`batchPut`' },
  DeleteItem: { action: 'dynamodb:DeleteItem', why: '`delete`' },
  GetItem: { action: 'dynamodb:GetItem', why: '`get`, and repeats of idempotent commands' },
  PutItem: { action: 'dynamodb:PutItem', why: '`put` and `create`' },
  Query: { action: 'dynamodb:Query', why: '`query` of the table itself' },
  UpdateItem: { action: 'dynamodb:UpdateItem', why: '`update`; the relay, which empties outboxes' },
};

/**
 * What the code of a subgraph's function sends to AWS, by what the subgraph declares. A test runs the sample shop behind
 * these: nothing is refused, and each is used.
 */
export const codePermissions = {
  table: [
    {
      action: 'dynamodb:DescribeTable',
      why: 'the start, to see that keys and indexes are those of the code',
    },
  ],
  index: [{ action: 'dynamodb:Query', why: '`query` of an index; the relay, which looks for outboxes' }],
  topic: [
    { action: 'sns:GetTopicAttributes', why: 'the start, to see that the topic is there' },
    { action: 'sns:Publish', why: 'publishing events, up to ten in one call' },
  ],
  queue: [
    { action: 'sqs:GetQueueUrl', why: 'the start, to see that the queue is there' },
    { action: 'sqs:GetQueueAttributes', why: 'the start, to see its failure queue' },
  ],
  failureQueue: [
    { action: 'sqs:GetQueueUrl', why: 'the start, to see that the failure queue is there' },
    { action: 'sqs:SendMessage', why: 'putting an event into the failure queue' },
  ],
  stateMachine: [
    { action: 'states:StartExecution', why: 'starting an execution' },
    { action: 'states:ListExecutions', why: '`weir workflow list`' },
  ],
  execution: [
    { action: 'states:DescribeExecution', why: 'reading an execution' },
    { action: 'states:GetExecutionHistory', why: 'reading its history' },
    { action: 'states:RedriveExecution', why: '`weir workflow retry`' },
  ],
  task: [
    { action: 'states:SendTaskSuccess', why: 'reporting the result of a task' },
    { action: 'states:SendTaskFailure', why: 'reporting its error' },
  ],
} as const satisfies Readonly<Record<string, readonly Permission[]>>;

/** What the code of the gateway's function sends to AWS, by its options. */
export const gatewayPermissions = {
  cacheTable: [
    { action: 'dynamodb:BatchGetItem', why: 'reading answers, and what was invalidated since' },
    { action: 'dynamodb:PutItem', why: 'storing answers, and the log of invalidations' },
    { action: 'dynamodb:UpdateItem', why: 'invalidating' },
  ],
  elastiCache: [{ action: 'elasticache:Connect', why: 'connecting to ElastiCache with IAM authentication' }],
  memoryDB: [{ action: 'memorydb:connect', why: 'connecting to MemoryDB with IAM authentication' }],
  supergraph: [{ action: 's3:GetObject', why: 'reading the supergraph' }],
  registry: [
    { action: 'dynamodb:GetItem', why: 'reading the newest version, and texts' },
    { action: 'dynamodb:Query', why: 'reading texts in pieces' },
  ],
  registryReports: [{ action: 'dynamodb:PutItem', why: 'reporting its state, and usage' }],
  cloudMap: [{ action: 'servicediscovery:DiscoverInstances', why: 'finding endpoints of subgraphs' }],
  authoriser: [{ action: 'lambda:InvokeFunction', why: 'asking the authoriser who calls' }],
} as const satisfies Readonly<Record<string, readonly Permission[]>>;

/** What the gateway needs to call subgraphs with signatures for a service of AWS. */
export const callPermissions: Readonly<Record<string, Permission>> = {
  'execute-api': { action: 'execute-api:Invoke', why: 'calling subgraphs behind API Gateway' },
  lambda: { action: 'lambda:InvokeFunctionUrl', why: 'calling subgraphs behind function URLs' },
  appsync: { action: 'appsync:GraphQL', why: 'calling AppSync APIs' },
};

/** What AWS itself does with the role of the function, or of the state machines. */
export const awsPermissions = {
  logs: [
    { action: 'logs:CreateLogStream', why: 'Lambda begins a log stream for each instance' },
    { action: 'logs:PutLogEvents', why: 'Lambda writes what the function prints' },
  ],
  traces: [
    { action: 'xray:PutTraceSegments', why: 'Lambda sends traces to X-Ray' },
    { action: 'xray:PutTelemetryRecords', why: 'Lambda reports to X-Ray how it sends' },
  ],
  poller: [
    { action: 'sqs:ReceiveMessage', why: 'the event source mapping takes messages for the function' },
    { action: 'sqs:DeleteMessage', why: 'and deletes those that the function is done with' },
    { action: 'sqs:GetQueueAttributes', why: 'and looks how many there are' },
  ],
  network: [
    {
      action: 'ec2:CreateNetworkInterface',
      why: 'Lambda puts the function into the network of Redis or Valkey',
    },
    { action: 'ec2:DescribeNetworkInterfaces', why: 'the same' },
    { action: 'ec2:DescribeSubnets', why: 'the same' },
    { action: 'ec2:DeleteNetworkInterface', why: 'the same' },
    { action: 'ec2:AssignPrivateIpAddresses', why: 'the same' },
    { action: 'ec2:UnassignPrivateIpAddresses', why: 'the same' },
  ],
  taskSender: [{ action: 'sqs:SendMessage', why: 'Step Functions sends tasks to the queue' }],
} as const satisfies Readonly<Record<string, readonly Permission[]>>;
