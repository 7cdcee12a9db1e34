import type { Options } from '../../../gateway/options';
import { storeKindOf } from '../../../gateway/options/cache';
import { targetOf } from '../../../gateway/options/targets';
import { functionParameters, functionResources, type FunctionCode } from './function';
import { allow, awsPermissions, callPermissions, gatewayPermissions, type Statement } from './permissions';
import {
  arnOf,
  idOf,
  ref,
  sub,
  writeTemplate,
  type Parameter,
  type Resource,
  type Template,
} from './template';

export interface GatewayTemplateOptions {
  readonly options: Options;
  /** The environment variables that the file of options names. */
  readonly variables: readonly string[];
  readonly code: FunctionCode;
  /** Whether the supergraph is part of the code. Otherwise the function reads it from where the options say. */
  readonly isPackaged: boolean;
  /** Whether the function URL streams answers. The handler must be one that does. */
  readonly streams: boolean;
}

/** What an option adds to the template. */
interface Addition {
  readonly parameters?: Readonly<Record<string, Parameter>>;
  readonly resources?: Readonly<Record<string, Resource>>;
  readonly statements?: readonly Statement[];
  readonly issuedByAws?: readonly Statement[];
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** The template of the gateway's function, of what its options need. */
export function gatewayTemplate({
  options,
  variables,
  code,
  isPackaged,
  streams,
}: GatewayTemplateOptions): string {
  const additions = [
    ...(isPackaged ? [] : [supergraphSource(options)]),
    ...[cacheStore(options), cloudMap(options), authoriser(options), ...signedCalls(options)],
  ];
  const memory = 1024;
  const description = 'The GraphQL gateway.';
  const ofVariables = variables
    .filter((name) => !setByLambda.has(name))
    .map((name) => ({ name, id: idOf(name.toLowerCase()) }));
  const all = <Part extends object>(part: (addition: Addition) => Part | undefined): Part =>
    Object.assign({}, ...additions.map(part)) as Part;
  const template: Template = {
    AWSTemplateFormatVersion: '2010-09-09',
    Transform: 'AWS::Serverless-2016-10-31',
    Description: description,
    Parameters: {
      ...Object.fromEntries(
        ofVariables.map(({ name, id }): [string, Parameter] => [
          id,
          {
            Type: 'String',
            Description: `The variable ${name} in the options of the gateway.`,
            NoEcho: true,
          },
        ]),
      ),
      ...all(({ parameters }) => parameters),
      ...(streams && { Timeout: streamTimeout }),
      ...functionParameters({ memory }),
    },
    Resources: {
      ...functionResources({
        ...{ code, memory, description, timeout: streams ? ref('Timeout') : 30 },
        environment: Object.fromEntries(ofVariables.map(({ name, id }) => [name, ref(id)])),
        statements: additions.flatMap(({ statements = [] }) => statements),
        issuedByAws: additions.flatMap(({ issuedByAws = [] }) => issuedByAws),
        // The gateway itself says who is answered.
        url: { AuthType: 'NONE', ...(streams && { InvokeMode: 'RESPONSE_STREAM' }) },
        properties: all(({ properties }) => properties),
      }),
      ...all(({ resources }) => resources),
    },
    Outputs: {
      Url: {
        Description: 'The URL of the endpoint.',
        Value: sub(`\${FunctionUrl.FunctionUrl}${options.path.slice(1)}`),
      },
    },
  };
  return writeTemplate(
    template,
    ' Written by `weir` from the options of the gateway: change those, not this file.',
  );
}

/** Variables that Lambda sets in each function. The configuration of a function cannot have them. */
const setByLambda: ReadonlySet<string> = new Set([
  ...['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_EXECUTION_ENV', 'LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR'],
  ...['AWS_ACCESS_KEY', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
  ...['AWS_LAMBDA_FUNCTION_NAME', 'AWS_LAMBDA_FUNCTION_VERSION', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
  ...['AWS_LAMBDA_LOG_GROUP_NAME', 'AWS_LAMBDA_LOG_STREAM_NAME', 'AWS_LAMBDA_RUNTIME_API'],
  ...['AWS_LAMBDA_INITIALIZATION_TYPE', '_HANDLER', '_X_AMZN_TRACE_ID'],
]);

const streamTimeout: Parameter = {
  Type: 'Number',
  Description: 'How long the function may run, in seconds: the longest time of a subscription.',
  Default: 900,
};

const cacheTable = 'CacheTable';

/** The environment variables that a file of options names, as `${NAME}` or `${NAME:-default}`. */
export const variablesIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/(\$?)\$\{([A-Za-z_]\w*)(?:\}|:-)/g)].flatMap(([, escape, name]) =>
      escape === '' ? [name!] : [],
    ),
  ),
];

/** Where a function reads its supergraph whose code does not have it. */
function supergraphSource({ supergraph, usage }: Options): Addition {
  const { url, registry, graph } = supergraph ?? {};
  if (url?.startsWith('s3:') && !new URL(url).searchParams.has('endpoint')) {
    const { hostname, pathname } = new URL(url);
    const on = sub(`arn:\${AWS::Partition}:s3:::${hostname}${decodeURIComponent(pathname)}`);
    return { statements: [allow({ sid: 'Supergraph', on }, gatewayPermissions.supergraph)] };
  }
  if (graph === undefined || !registry?.startsWith('dynamodb:')) return {};
  const { hostname, searchParams } = new URL(registry);
  const on = tableArn(hostname, searchParams.get('region'));
  const inPartitions = (...keys: readonly string[]) => ({
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys },
  });
  const texts = `${graph.slice(0, graph.indexOf('@'))}/texts/*`;
  const reports = [
    `${graph}/gateways`,
    ...(usage.enabled ? [`${graph}/usage/*`, `${graph}/operations`] : []),
  ];
  return {
    statements: [
      allow({ sid: 'Registry', on, where: inPartitions(graph, texts) }, gatewayPermissions.registry),
      allow(
        { sid: 'RegistryReports', on, where: inPartitions(...reports) },
        gatewayPermissions.registryReports,
      ),
    ],
  };
}

/** Undefined: in the region of the stack. */
const tableArn = (name: string, region: string | null) =>
  sub(`arn:\${AWS::Partition}:dynamodb:${region ?? '${AWS::Region}'}:\${AWS::AccountId}:table/${name}`);

/** The table of cached answers, or the way into the network of a Redis. */
function cacheStore({ cache }: Options): Addition {
  const kind = storeKindOf(cache);
  switch (kind) {
    case 'memory':
      return {};
    case 'dynamodb':
      return tableOf(new URL(cache.store));
    case 'redis':
      return networkOf(cache.redis);
    default:
      return kind satisfies never;
  }
}

function tableOf({ hostname, searchParams }: URL): Addition {
  const region = searchParams.get('region');
  const on = region === null ? arnOf(cacheTable) : tableArn(hostname, region);
  return {
    statements: [allow({ sid: cacheTable, on }, gatewayPermissions.cacheTable)],
    ...(region === null && { resources: { [cacheTable]: cacheTableResource(hostname) } }),
  };
}

function networkOf({ iam }: Options['cache']['redis']): Addition {
  return {
    parameters: {
      SubnetIds: {
        Type: 'List<AWS::EC2::Subnet::Id>',
        Description:
          'Subnets from which Redis or Valkey can be reached. Subgraphs outside need a NAT gateway.',
      },
      SecurityGroupIds: {
        Type: 'List<AWS::EC2::SecurityGroup::Id>',
        Description: 'Security groups of the function, which Redis or Valkey lets in.',
      },
    },
    ...(iam !== undefined && { statements: [connection(iam)] }),
    properties: { VpcConfig: { SubnetIds: ref('SubnetIds'), SecurityGroupIds: ref('SecurityGroupIds') } },
    issuedByAws: [allow({ sid: 'Network', on: '*' }, awsPermissions.network)],
  };
}

/** A connection with IAM authentication needs the cache and the user. */
function connection({ service, cache, user, region, serverless }: Iam): Statement {
  const resource = (rest: string) =>
    sub(`arn:\${AWS::Partition}:${service}:${region}:\${AWS::AccountId}:${rest}`);
  if (service === 'memorydb') {
    const on = [resource(`cluster/${cache}`), resource(`user/${user}`)];
    return allow({ sid: 'MemoryDB', on }, gatewayPermissions.memoryDB);
  }
  const kind = serverless ? 'serverlesscache' : 'replicationgroup';
  const on = [resource(`${kind}:${cache}`), resource(`user:${user}`)];
  return allow({ sid: 'ElastiCache', on }, gatewayPermissions.elastiCache);
}

type Iam = NonNullable<Options['cache']['redis']['iam']>;

/** Cached answers may be lost, so the table goes with the stack. */
const cacheTableResource = (name: string): Resource => ({
  Type: 'AWS::DynamoDB::Table',
  DeletionPolicy: 'Delete',
  UpdateReplacePolicy: 'Delete',
  Properties: {
    ...{ TableName: name, BillingMode: 'PAY_PER_REQUEST' },
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
  },
});

function cloudMap({ subgraphs }: Options): Addition {
  const urls = Object.values(subgraphs).flatMap(({ url, endpoints = [] }) =>
    [url ?? [], endpoints.map((each) => each.url)].flat(),
  );
  const isUsed = urls.some((url) => targetOf(url).kind === 'cloudmap');
  // IAM knows no resource for it.
  return isUsed ? { statements: [allow({ sid: 'CloudMap', on: '*' }, gatewayPermissions.cloudMap)] } : {};
}

function authoriser({ auth }: Options): Addition {
  const name = auth.lambda?.function;
  if (name === undefined) return {};
  const region = auth.lambda?.region ?? '${AWS::Region}';
  const on = name.startsWith('arn:')
    ? name
    : sub(`arn:\${AWS::Partition}:lambda:${region}:\${AWS::AccountId}:function:${name}`);
  return { statements: [allow({ sid: 'Authoriser', on }, gatewayPermissions.authoriser)] };
}

/** What calls need that are signed for AWS. Which API a URL is of cannot be told from it, so that parameters name them. */
function signedCalls({ subgraphs }: Options): Addition[] {
  const services = Object.values(subgraphs).flatMap(({ auth, appsync }) => [
    ...(auth?.type === 'AWS_IAM' ? [auth.service] : []),
    ...(appsync?.auth.type === 'AWS_IAM' ? ['appsync'] : []),
  ]);
  return [...new Set(services)].flatMap((service): Addition[] => {
    const permission = callPermissions[service];
    if (permission === undefined) return [];
    const id = `${idOf(service)}Arns`;
    return [
      {
        parameters: {
          [id]: {
            Type: 'CommaDelimitedList',
            Description: `ARNs of what the gateway calls with signatures for ${service}, separated by commas.`,
          },
        },
        statements: [allow({ sid: idOf(service), on: ref(id) }, [permission])],
      },
    ];
  });
}
