import type { DeclaredTable } from '../../../kit/declaration';
import type { KeySchema } from '../../../kit/table/definition';
import { allow, codePermissions, itemPermissions, type Statement } from './permissions';
import { arnOf, idOf, sub, type Resource } from './template';

/** The tables of a subgraph, by their logical ids. They stay when the stack is deleted. */
export const tableResources = (tables: readonly DeclaredTable[]): Record<string, Resource> =>
  Object.fromEntries(tables.map((table) => [tableId(table), tableResource(table)]));

const tableId = ({ name }: DeclaredTable): string => `${idOf(name)}Table`;

function tableResource({ name, indexes, ...keys }: DeclaredTable): Resource {
  const attributes = new Set(
    [keys, ...Object.values(indexes)].flatMap(({ partitionKey, sortKey }) =>
      [partitionKey, sortKey ?? []].flat(),
    ),
  );
  return {
    Type: 'AWS::DynamoDB::Table',
    DeletionPolicy: 'RetainExceptOnCreate',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      ...{ TableName: name, BillingMode: 'PAY_PER_REQUEST' },
      AttributeDefinitions: [...attributes].map((each) => ({ AttributeName: each, AttributeType: 'S' })),
      KeySchema: keySchema(keys),
      ...(Object.keys(indexes).length > 0 && {
        GlobalSecondaryIndexes: Object.entries(indexes).map(([IndexName, index]) => ({
          IndexName,
          KeySchema: keySchema(index),
          Projection: { ProjectionType: 'ALL' },
        })),
      }),
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    },
  };
}

const keySchema = ({ partitionKey, sortKey }: KeySchema) => [
  { AttributeName: partitionKey, KeyType: 'HASH' },
  ...(sortKey === undefined ? [] : [{ AttributeName: sortKey, KeyType: 'RANGE' }]),
];

/** What a function may do with a table and its indexes. */
export function tableStatements(table: DeclaredTable): Statement[] {
  const id = tableId(table);
  const { name, kind, indexes, operations } = table;
  // The generations of a projection differ in the number at the end of their name.
  const isGeneration = kind === 'projection';
  const arn = (rest: string) =>
    sub(`arn:\${AWS::Partition}:dynamodb:\${AWS::Region}:\${AWS::AccountId}:table/${rest}`);
  const generations = `${name.slice(0, name.lastIndexOf('-'))}-*`;
  // A function reads how far projections are, but no index of that.
  const queried = kind === 'consumers' ? [] : Object.keys(indexes);
  return [
    allow({ sid: id, on: isGeneration ? arn(generations) : arnOf(id) }, [
      ...codePermissions.table,
      ...operations.map((operation) => itemPermissions[operation]),
    ]),
    ...(queried.length === 0
      ? []
      : [
          allow(
            {
              sid: `${id}Indexes`,
              on: queried.map((index) =>
                isGeneration ? arn(`${generations}/index/${index}`) : sub(`\${${id}.Arn}/index/${index}`),
              ),
            },
            codePermissions.index,
          ),
        ]),
  ];
}
