/** The whole template is in `golden/`; after a change, `WRITE_DOCS=1 npx jest cli/package/template` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayTemplate, variablesIn } from '../../../../../cli/package/template/gateway-template';
import { parseOptions } from '../../../../../gateway/options';
import type { permissionsIn } from '../../../../support/aws-policies';
import { readTemplate } from '../../../../support/cloudformation';

type Input = Parameters<typeof parseOptions>[0];
const templateOf = (options: Input, variables: string[] = []) =>
  gatewayTemplate({
    ...{ options: parseOptions(options), variables },
    code: { uri: 'code', handler: 'index.handler' },
  });

/** The actions that the code, and AWS, may use. */
function actionsOf(text: string): { code: string[]; aws: string[] } {
  const { Policies } = readTemplate(text).Resources['Role']!.Properties as unknown as {
    Policies: { PolicyName: string; PolicyDocument: { Statement: Parameters<typeof permissionsIn>[0] } }[];
  };
  const of = (name: string) =>
    Policies.filter(({ PolicyName }) => PolicyName === name).flatMap(({ PolicyDocument: { Statement } }) =>
      Statement.flatMap(({ Action }) => Action),
    );
  return { code: of('Code'), aws: of('IssuedByAws') };
}

const url = 'cloudmap://shop.internal/stock/graphql';
const everything: Input = {
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
