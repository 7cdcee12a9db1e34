/**
 * All four subgraphs, each call executed by graphql-js, which keeps its documents as servers do. Counts the calls, and
 * of those for entities how many entities they ask for and the time that they take: from when the body is there until
 * its answer is.
 */
import http from 'node:http';
import { execute, parse } from 'graphql';
import { subgraphNames, subgraphSchema } from '../fixture/subgraphs.mjs';
import { rootValue } from '../fixture/world.mjs';

const nothing = { calls: 0, entities: 0, milliseconds: 0 };
let counts = { ...nothing };
/** Milliseconds for which it works on each entity, beside what graphql-js does. */
let perEntity = 0;
/** One call after another is worked on, or the time of one would be counted for others, too. */
let turn = Promise.resolve();
const documents = new Map();

const commands = {
  listen: async () => ({ ports: Object.fromEntries(await Promise.all(subgraphNames.map(listen))) }),
  prepare(options) {
    perEntity = options.perEntity ?? 0;
    return {};
  },
  /** What was counted since it was last asked. */
  count() {
    const counted = counts;
    counts = { ...nothing };
    return counted;
  },
};

process.on('message', async ({ id, command, ...options }) =>
  process.send({ id, ...(await commands[command](options)) }),
);
process.on('disconnect', () => process.exit());

function listen(name) {
  const schema = subgraphSchema(name);
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    turn = turn.then(() => reply(schema, Buffer.concat(chunks).toString(), response));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve([name, server.address().port]));
  });
}

async function reply(schema, body, response) {
  const began = performance.now();
  const { query, variables = {} } = JSON.parse(body);
  const entities = query.includes('_entities') ? representationsIn(variables) : 0;
  work(entities * perEntity);
  const result = await execute({ schema, document: document(query), rootValue, variableValues: variables });
  const text = JSON.stringify(result);
  counts.calls += 1;
  counts.entities += entities;
  // Not after it is sent: whoever waits for it takes the core then.
  if (entities > 0) counts.milliseconds += performance.now() - began;
  response.setHeader('content-type', 'application/json');
  response.end(text);
}

/** Calls that were merged have several lists of them. */
const representationsIn = (variables) =>
  Object.values(variables).reduce((sum, value) => sum + (Array.isArray(value) ? value.length : 0), 0);

function work(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

function document(query) {
  if (!documents.has(query)) documents.set(query, parse(query));
  return documents.get(query);
}
