import { startAwsGuard } from './aws-guard';

/** What an IAM policy allows: the part of its language that docs/registry.md uses. */
export interface Statement {
  readonly Action: string | readonly string[];
  readonly Condition: {
    readonly 'ForAllValues:StringLike': { readonly 'dynamodb:LeadingKeys': readonly string[] };
  };
}

/** Stands before a DynamoDB and refuses, as IAM does, what no statement allows. */
export async function guardDynamoDB(endpoint: string, statements: readonly Statement[]) {
  const refused: string[] = [];
  const guard = await startAwsGuard({
    upstream: () => endpoint,
    refusal({ operation, input }) {
      const action = `dynamodb:${operation}`;
      const partition = partitionOf(input);
      if (statements.some((statement) => isAllowed(statement, action, partition))) return undefined;
      refused.push(`${action} ${partition}`);
      return `no policy allows ${action} on ${partition}`;
    },
  });
  return {
    ...guard,
    /** Such as `dynamodb:PutItem shop@prod`. */
    refused,
  };
}

type Value = { readonly S: string };

interface Command {
  readonly Key?: { readonly partition: Value };
  readonly Item?: { readonly partition: Value };
  readonly ExpressionAttributeValues?: { readonly ':partition': Value };
}

const partitionOf = ({ Key, Item, ExpressionAttributeValues: values }: Command): string =>
  (Key?.partition ?? Item?.partition ?? values?.[':partition'])?.S ?? '';

function isAllowed({ Action, Condition }: Statement, action: string, partition: string): boolean {
  const patterns = Condition['ForAllValues:StringLike']['dynamodb:LeadingKeys'];
  return (
    [Action].flat().includes(action) &&
    patterns.some((pattern) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(partition))
  );
}
