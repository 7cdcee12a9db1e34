import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';

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
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const action = `dynamodb:${String(incoming.headers['x-amz-target']).split('.')[1]}`;
      const partition = partitionOf(JSON.parse(body.toString()) as Command);
      if (!statements.some((statement) => isAllowed(statement, action, partition))) {
        refused.push(`${action} ${partition}`);
        const type = 'com.amazonaws.dynamodb.v20120810#AccessDeniedException';
        outgoing.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
        outgoing.end(JSON.stringify({ __type: type, message: `no policy allows ${action} on ${partition}` }));
        return;
      }
      const headers = Object.fromEntries(forwarded.map((name) => [name, incoming.headers[name]]));
      void request(endpoint, { method: 'POST', headers, body }).then(async (answer) => {
        const text = await answer.body.text();
        outgoing.writeHead(answer.statusCode, { 'content-type': 'application/x-amz-json-1.0' }).end(text);
      });
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Such as `dynamodb:PutItem shop@prod`. */
    refused,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const forwarded = ['authorization', 'content-type', 'x-amz-date', 'x-amz-target'];

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
