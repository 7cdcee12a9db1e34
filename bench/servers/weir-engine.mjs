/**
 * Weir's planner, engine and HTTP transport under a bare `node:http` server: what Weir does without Fastify, Apollo
 * Server and its own policies. For work on the engine; `weir` is what users run.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const [dist, port, supergraphFile] = process.argv.slice(2);
const require = createRequire(`${dist}/gateway/`);
const { buildSchema, parse } = require('graphql');
const { createPlanner } = require('./planning');
const { compileOperation, execute } = require('./execution');
const { createHttpTransport } = require('./transports/http');

const planner = createPlanner({ supergraphSdl: readFileSync(supergraphFile, 'utf8') });
const facts = await planner.ready;
const schema = buildSchema(facts.apiSchemaSdl.join(''));
const supergraphSchema = facts.answerTypesSdl === undefined ? schema : buildSchema(facts.answerTypesSdl);
const transport = createHttpTransport();
const sends = Object.fromEntries(facts.subgraphs.map((subgraph) => [subgraph.name, transport.to(subgraph)]));
const send = (request) => sends[request.operation.subgraph](request);
const programs = new Map();

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    const { query, variables, operationName } = JSON.parse(Buffer.concat(chunks).toString());
    const program = programs.get(query) ?? (await compile(query, operationName));
    const caller = {
      headers: { authorization: request.headers.authorization },
      scope: request.headers.authorization,
      tracing: {},
      isGone: false,
      deadline: undefined,
      calls: { planned: 0, merged: 0, deduplicated: 0, batched: 0, cached: 0, sent: 0 },
    };
    response.on('close', () => (caller.isGone = !response.writableFinished));
    const { body } = await execute(program, { variables, send, caller });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
}).listen(Number(port), '127.0.0.1');

async function compile(query, operationName) {
  const document = parse(query, { noLocation: true });
  const plan = await planner.plan(query, operationName);
  const program = compileOperation({ plan, schema, supergraphSchema, document, operationName });
  if (programs.size >= 1000) programs.clear();
  programs.set(query, program);
  return program;
}
