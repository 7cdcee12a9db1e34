import { parse } from 'graphql';
import { type ExactJson, parseExactJson, writeExactJson } from '../../../gateway/replay/exact-json';
import { readSourceSchema } from '../../../schema/supergraph/sources/source-schema';
import { sourcesOf } from '../../../schema/supergraph/sources/sources-of';
import { type Json, sourceOf, startTestGateway } from '../running-gateway';
import { startDocumentMock } from './document-mock';
import { WholeOperation } from './whole-operation';

/** A field's answer beside what the mock has answered. */
export interface RunOperation {
  readonly name: string;
  readonly errors: Json;
  readonly received: ExactJson;
  readonly expected: ExactJson;
}

/** Runs each root field of a REST API through a gateway, against a mock that answers by the API's document. */
export async function runOperations(supergraphSdl: string, document: string): Promise<RunOperation[]> {
  const mock = await startDocumentMock(JSON.parse(document));
  const gateway = await startTestGateway({
    supergraph: sourceOf(supergraphSdl),
    subgraphs: { api: { url: mock.url } },
    limits: { tokens: 1e6, aliases: 1e6, selections: 1e6, depth: 100, cost: 1e9, body: '10MiB' },
  });
  const [graph] = sourcesOf(parse(supergraphSdl)).values();
  const source = readSourceSchema(graph!.schema);
  const run: RunOperation[] = [];
  try {
    for (const root of ['query', 'mutation'] as const)
      for (const name of source.types.get(source.roots[root] ?? '')?.fields.keys() ?? []) {
        let operation = new WholeOperation(source, root, name, 2);
        if (operation.text.length > 300_000) operation = new WholeOperation(source, root, name, 1);
        const response = await gateway.post({ query: operation.text });
        const { data, errors } = parseExactJson(await response.text()) as Json;
        const answer = mock.exchanges.pop()?.answer;
        const json = answer === undefined ? true : parseExactJson(writeExactJson(answer));
        const received = data?.field ?? null;
        run.push({ name, errors, received, expected: operation.expected(json, received) });
      }
  } finally {
    await gateway.stop();
    await mock.stop();
  }
  return run;
}
