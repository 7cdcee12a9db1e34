/** The whole template is in `golden/`; after a change, `WRITE_DOCS=1 npx jest cli/package/template` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayTemplate, variablesIn } from '../../../../../cli/package/template/gateway-template';
import { parseOptions } from '../../../../../gateway/options';
import { iamTokens } from '../../../../../gateway/redis/open-redis';
import { readTemplate } from '../../../../support/cloudformation';
import type { Json } from '../../../../support/running-gateway';

type Input = Parameters<typeof parseOptions>[0];
const templateOf = (options: Input, variables: string[] = [], { isPackaged = false, streams = false } = {}) =>
  gatewayTemplate({
    ...{ options: parseOptions(options), variables, isPackaged, streams },
    code: { uri: 'code', handler: 'index.handler' },
  });

const tableArn = 'arn:${AWS::Partition}:dynamodb:eu-west-1:${AWS::AccountId}:table/weir-registry';
const credentials = () => Promise.resolve({ accessKeyId: 'a', secretAccessKey: 'b' });

/** The statements of a policy: `Code` or `IssuedByAws`. */
function statementsOf(text: string, policy: string): Json[] {
  const { Policies } = readTemplate(text).Resources['Role']!.Properties as Json;
  return Policies.flatMap(({ PolicyName, PolicyDocument }: Json) =>
    PolicyName === policy ? PolicyDocument.Statement : [],
  );
}
const codeOf = (text: string) => statementsOf(text, 'Code');

/** The actions that the code, and AWS, may use. */
function actionsOf(text: string): { code: string[]; aws: string[] } {
  const of = (policy: string) => statementsOf(text, policy).flatMap(({ Action }) => Action);
  return { code: of('Code'), aws: of('IssuedByAws') };
}

const url = 'cloudmap://shop.internal/stock/graphql';
const everything: Input = {
  supergraph: 's3://schemas/shop.graphql?region=eu-west-1',
  cache: { store: 'dynamodb://weir-cache' },
  subgraphs: {
    stock: { endpoints: [{ url }] },
    shipping: {
      url: 'https://x.appsync-api.eu-west-1.amazonaws.com/graphql',
      appsync: { auth: { type: 'AWS_IAM' } },
    },
    orders: { auth: { type: 'AWS_IAM', service: 'execute-api', region: 'eu-west-1' } },
  },
  auth: { lambda: { function: 'authorise' } },
};

describe('the template of a gateway', () => {
  it('is what the file says', () => {
    const text = templateOf(everything, ['CACHE_KEY']);
    const file = join(__dirname, 'golden/gateway.yaml');
    if (process.env['WRITE_DOCS']) writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  it('allows the code nothing where the options need nothing of AWS', () => {
    expect(actionsOf(templateOf({})).code).toEqual([]);
  });

  it.each([
    ['s3://schemas/shop.graphql', ['s3:GetObject']],
    // Not that of AWS.
    ['s3://schemas/shop.graphql?endpoint=https://storage.internal', []],
    ['https://schemas.internal/shop.graphql', []],
    ['supergraph.graphql', []],
    [
      'registry:dynamodb://weir-registry?region=eu-west-1#shop@prod',
      ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem'],
    ],
  ])('lets code read the supergraph %s, but not where the package has it', (supergraph, actions) => {
    expect(actionsOf(templateOf({ supergraph })).code).toEqual(actions);
    expect(actionsOf(templateOf({ supergraph }, [], { isPackaged: true })).code).toEqual([]);
  });

  it('lets it use a registry as the documentation says, and its usage only where it is told', () => {
    const statements = (usage: boolean) =>
      codeOf(
        templateOf({
          supergraph: 'registry:dynamodb://weir-registry?region=eu-west-1#shop@prod',
          usage: { enabled: usage },
        }),
      );
    const page = readFileSync(join(__dirname, '../../../../../docs/registry.md'), 'utf8');
    const [, , documented] = Array.from(page.matchAll(/```json\n(.*?)```/gs), ([, json]) =>
      JSON.parse(json!.replaceAll('ARN', tableArn)),
    );
    const bare = statements(true).map(({ Effect, Resource, Action, Condition }) => ({
      ...{ Effect, Condition, Resource: Resource['Fn::Sub'] },
      Action: Action.length === 1 ? Action[0] : Action,
    }));
    expect(bare).toEqual(documented);
    const [, reports] = statements(false);
    expect(JSON.stringify(reports!.Condition)).not.toContain('usage');
  });

  it.each([
    [{}, 'elasticache:Connect', ['replicationgroup:shop-cache', 'user:weir']],
    [{ serverless: true }, 'elasticache:Connect', ['serverlesscache:shop-cache', 'user:weir']],
    [{ service: 'memorydb' }, 'memorydb:connect', ['cluster/shop-cache', 'user/weir']],
  ] as const)('lets it connect with IAM: %j', async (kind, action, resources) => {
    const iam = { cache: 'shop-cache', user: 'weir', region: 'eu-central-1', ...kind };
    const options: Input = { cache: { store: 'rediss://cache.internal:6379', redis: { iam } } };
    const [statement] = codeOf(templateOf(options));
    expect(statement!.Action).toEqual([action]);
    expect(statement!.Resource.map((each: Json) => each['Fn::Sub'])).toEqual(
      resources.map(
        (each) => `arn:\${AWS::Partition}:${action.split(':')[0]}:eu-central-1:\${AWS::AccountId}:${each}`,
      ),
    );
    // The token that it connects with names no other cache and user.
    const parsed = parseOptions(options).cache.redis.iam!;
    const token = new URL(`http://${await iamTokens(parsed, credentials)()}`);
    expect(resources[0]).toContain(token.hostname);
    expect(resources[1]).toContain(token.searchParams.get('User'));
  });

  it('streams where it is told to, for as long as a parameter says', () => {
    const url = (text: string) => readTemplate(text).Resources['Function']!.Properties!;
    expect(url(templateOf({}))).toMatchObject({ FunctionUrlConfig: { AuthType: 'NONE' }, Timeout: 30 });
    expect(url(templateOf({}))['FunctionUrlConfig']).not.toHaveProperty('InvokeMode');
    const text = templateOf({}, [], { streams: true });
    expect(url(text)).toMatchObject({
      FunctionUrlConfig: { InvokeMode: 'RESPONSE_STREAM' },
      Timeout: { Ref: 'Timeout' },
    });
    expect(readTemplate(text).Parameters).toMatchObject({ Timeout: { Default: 900 } });
  });

  it('puts a gateway with a Redis into its network', () => {
    const text = templateOf({ cache: { store: 'rediss://cache.internal:6379' } });
    expect(actionsOf(text).code).toEqual([]);
    expect(actionsOf(text).aws).toContain('ec2:CreateNetworkInterface');
    expect(readTemplate(text).Resources['Function']!.Properties).toHaveProperty('VpcConfig');
  });

  it('sets no variable that Lambda sets itself, and refuses to have set', () => {
    const { Parameters, Resources } = readTemplate(templateOf({}, ['AWS_REGION', 'CACHE_KEY']));
    expect(Parameters).not.toHaveProperty('AwsRegion');
    expect(Resources['Function']!.Properties).toHaveProperty('Environment', {
      Variables: { CACHE_KEY: { Ref: 'CacheKey' } },
    });
  });

  it('names a table in another region, and does not make it', () => {
    const text = templateOf({ cache: { store: 'dynamodb://weir-cache?region=eu-west-1' } });
    expect(Object.keys(readTemplate(text).Resources)).not.toContain('CacheTable');
    expect(text).toContain(':dynamodb:eu-west-1:${AWS::AccountId}:table/weir-cache');
  });
});

it('the variables of options are found, but not what is escaped', () => {
  expect(variablesIn('a: ${A_KEY}, ${B:-x} ${A_KEY}, $${C}, ${file:/run/d}')).toEqual(['A_KEY', 'B']);
});
