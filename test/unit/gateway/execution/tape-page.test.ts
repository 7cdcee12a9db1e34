/**
 * The tape that docs/execution.md shows is that of gateway/execution/. After a change to the engine,
 * `WRITE_DOCS=1 npx jest tape-page` writes it anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, parse } from 'graphql';
import { compileOperation, execute, type Program } from '../../../../gateway/execution';
import type { Shape } from '../../../../gateway/execution/compile/shape';
import * as words from '../../../../gateway/execution/json/tape';
import type { ByteWriter } from '../../../../gateway/execution/json/write';
import { pool } from '../../../../gateway/execution/run/pool';
import type { SubgraphRequest } from '../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../support/caller';
import { buildQueryPlanner, formatQueryPlan } from '../../../support/own-planner';

const root = join(__dirname, '../../../..');
const page = join(root, 'docs/execution.md');
const query = '{ product(upc: "1") { name inStock } }';
const answers: Readonly<Record<string, string>> = {
  products: '{"data":{"product":{"__typename":"Product","name":"Hand Fork","upc":"1"}}}',
  inventory: '{"data":{"_entities":[{"inStock":true}]}}',
};

const kinds = new Map(
  ['ABSENT', 'NULL', 'FALSE', 'TRUE', 'INT', 'STRING', 'OBJECT', 'LIST'].map((name) => [
    words[name as keyof typeof words] as number,
    name,
  ]),
);
const statuses = ['pending', 'ANSWERED', 'FAILED', 'SKIPPED'];

/** What stands on the tape when the last answer has come. */
class Listing {
  readonly #lines = new Map<number, string>();

  constructor(
    readonly workspace: words.Workspace,
    readonly written: readonly ByteWriter[],
    readonly program: Program,
  ) {
    const { rootShape, largestRecord } = program;
    const { tape } = workspace;
    this.#note(0, `${largestRecord} zeros: the record of what has no answer, its fields are absent`);
    this.#note(largestRecord, 'cell of entities that are not requested, as required fields are missing');
    this.#note(largestRecord + words.STATUS, `STATUS ${statuses[tape[largestRecord + words.STATUS]!]!}`, 1);
    const pair = largestRecord + words.FIRST_REQUESTER;
    this.#pair(pair, 'pair: the root of the response', 0);
    const [first, second] = program.variantFor({}).schedule.fetches;
    const answered = this.#record(tape[pair]!, rootShape, 'the response', first!.join);
    const data = this.#cell(answered, 'fetch 0', false);
    const shape = first!.operation.shape;
    this.#record(data, shape, 'data of products');
    const product = tape[data + shape.fields.get('product')!.slot]!;
    const child = shape.fields.get('product')!.child!;
    const joined = this.#record(product, child, 'the product', second!.join);
    const entity = this.#cell(joined, 'fetch 1, for this entity', true);
    this.#record(entity, second!.operation.result, 'the entity from inventory');
  }

  toString(): string {
    const lines = [...this.#lines].sort(([one], [other]) => one - other);
    return lines.map(([at, line]) => `${String(at).padStart(4)}  ${line}`).join('\n');
  }

  #note(at: number, text: string, depth = 0): void {
    this.#lines.set(at, '  '.repeat(depth) + text);
  }

  #pair(at: number, name: string, depth: number): void {
    const { bytes, tape } = this.workspace;
    const [a, b] = [tape[at]!, tape[at + 1]!];
    const kind = kinds.get(b & words.KIND)!;
    const length = b >> words.LENGTH_SHIFT;
    const value =
      kind === 'OBJECT' || kind === 'LIST'
        ? `→ ${a}`
        : `${a}–${a + length}: ${bytes.toString('utf8', a, a + length)}`;
    this.#note(at, `${name}  ${kind} ${value}`, depth);
  }

  /** @returns what the word for a fetch refers to */
  #record(at: number, shape: Shape, name: string, join = 0): number {
    const { tape } = this.workspace;
    const type = tape[at + words.TYPE]!;
    const [start, end] = [tape[at + words.SOURCE_START]!, tape[at + words.SOURCE_END]!];
    const source = start === 0 ? '' : `, bytes ${start}–${end}`;
    this.#note(at, `record: ${name}${type === 0 ? '' : `, TYPE ${shape.types.nameOf(type)}`}${source}`);
    for (const [key, { slot }] of shape.fields) this.#pair(at + slot, key, 1);
    if (join !== 0) this.#note(at + join, `joined by the answer in the cell at ${tape[at + join]!}`, 1);
    return tape[at + join]!;
  }

  /** @returns the answered record */
  #cell(at: number, name: string, isEntity: boolean): number {
    const { tape } = this.workspace;
    this.#note(at + words.ANSWER, `cell: ${name}, ANSWER → ${tape[at + words.ANSWER]!}`);
    this.#note(at + words.STATUS, `STATUS ${statuses[tape[at + words.STATUS]!]!}`, 1);
    this.#note(at + words.CALL, `CALL: it is answered by call ${tape[at + words.CALL]!}`, 1);
    if (!isEntity) return tape[at + words.ANSWER]!;
    const start = tape[at + words.REPRESENTATION_START]!;
    const length = tape[at + words.REPRESENTATION_LENGTH]!;
    const text = this.written.map(({ bytes }) => bytes.toString('utf8', start, start + length));
    const representation = text.find((each) => each.startsWith('{"__typename"'))!;
    this.#note(at + words.REPRESENTATION_START, `REPRESENTATION: ${representation}`, 1);
    this.#note(at + words.FIRST_REQUESTER, `FIRST_REQUESTER → ${tape[at + words.FIRST_REQUESTER]!}`, 1);
    return tape[at + words.ANSWER]!;
  }
}

async function listing(): Promise<string> {
  const supergraphSdl = readFileSync(join(root, 'schema/supergraph.graphql'), 'utf8');
  const { supergraph, plan } = buildQueryPlanner({ supergraphSdl });
  const made = plan(query, undefined, []);
  const schema = buildSchema(supergraph.apiSchemaSdl.join(''));
  const program = compileOperation({
    ...{ plan: made, schema, supergraphSchema: schema, document: parse(query) },
    subgraphs: supergraph.entities.subgraphs,
  });
  let shown = '';
  const giveBack = pool.giveBack.bind(pool);
  jest.spyOn(pool, 'giveBack').mockImplementation((workspace, written) => {
    const { bytes, end } = workspace;
    const text = bytes.toString('utf8', 1, end).replaceAll('\0', '·');
    shown = `bytes, from 1 on; · is a zero between two bodies\n  ${text}\n\ntape\n${String(new Listing(workspace, written, program))}`;
    giveBack(workspace, written);
  });
  const sent: string[] = [];
  const { body } = await execute(program, {
    caller: callerOf(),
    send: ({ operation, variables }: SubgraphRequest) => {
      sent.push(`${operation.subgraph} gets ${operation.document} ${variables.toString()}`.trimEnd());
      return Promise.resolve({
        status: 200,
        headers: {},
        body: Buffer.from(answers[operation.subgraph]!),
      });
    },
  });
  return [query, formatQueryPlan(made), sent.join('\n'), shown, body.toString()].join('\n\n');
}

it('is the one of this query over the sample shop', async () => {
  const text = readFileSync(page, 'utf8');
  const [begin, end] = ['<!-- tape -->\n\n```text\n', '\n```\n\n<!-- /tape -->'];
  const [before, rest] = text.split(begin) as [string, string];
  const [, after] = rest.split(end) as [string, string];
  const whole = `${before}${begin}${await listing()}${end}${after}`;
  if (process.env['WRITE_DOCS']) writeFileSync(page, whole);
  expect(readFileSync(page, 'utf8')).toBe(whole);
});
