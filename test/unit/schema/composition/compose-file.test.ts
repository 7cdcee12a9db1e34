import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema, introspectionFromSchema } from 'graphql';
import { composeFile } from '../../../../schema';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const file = join(folder, 'schema', 'supergraph.yaml');
let subgraph: Server;
let url: string;
let answer: unknown;
/** Answers in place of `answer`. */
let respond: ((response: ServerResponse) => void) | undefined;

beforeAll(async () => {
  mkdirSync(join(folder, 'schema'));
  subgraph = createServer((_request, response) => {
    if (respond) respond(response);
    else response.end(JSON.stringify(answer));
  });
  await new Promise<void>((listening) => subgraph.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/graphql`;
});
afterAll(async () => {
  await new Promise((closed) => subgraph.close(closed));
  rmSync(folder, { recursive: true, force: true });
});

/** Of a port that nobody listens at. */
async function closedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${port}/graphql`;
}

describe('composeFile', () => {
  it('composes schema files, found from the folder of the configuration, with introspected ones', async () => {
    writeFileSync(join(folder, 'a.graphql'), 'type Query { x: Int }');
    answer = { data: { _service: { sdl: 'type Query { y: Int }' } } };
    write(
      `{ a: { routing_url: http://a.test, schema: { file: ../a.graphql } }, b: { schema: { subgraph_url: "${url}" } } }`,
    );

    const result = await composeFile({ file });

    expect(result.errors).toBeUndefined();
    expect(result.supergraphSdl).toContain(`@join__graph(name: "b", url: "${url}")`);
    expect(result.subgraphs.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('names every schema that cannot be read, and why', async () => {
    answer = { errors: [{ message: 'introspection is off.' }] };
    write(`{
      a: { routing_url: http://a.test, schema: { file: gone.graphql } },
      b: { schema: { subgraph_url: "${url}" } },
      c: { schema: { subgraph_url: "http://gone.invalid/graphql" } } }`);

    const result = await composeFile({ file });

    expect(result.unreadable).toBe(true);
    expect(result.errors?.map(({ code, message }) => `${code} ${message}`)).toEqual([
      `SCHEMA_UNREADABLE The schema of a cannot be read: ${join(folder, 'schema', 'gone.graphql')} does not exist.`,
      `SCHEMA_UNREADABLE The schema of b cannot be read: ${url} answers: introspection is off.`,
      'SCHEMA_UNREADABLE The schema of c cannot be read: http://gone.invalid/graphql names a host that is not found: check its name.',
    ]);
  });

  const users = 'type Query { users(ids: [ID!]!): [User!]! } type User { id: ID! name: String }';

  it('follows no redirect, and reads no answer without end', async () => {
    write(`{ b: { schema: { subgraph_url: "${url}" } } }`);
    const message = async (): Promise<string | undefined> =>
      (await composeFile({ file })).errors?.[0]?.message;
    try {
      respond = (response) => response.writeHead(307, { location: '/elsewhere' }).end();
      expect(await message()).toContain(`${url} answers with a redirect, which is not followed`);
      respond = (response) => {
        const write = (): void => {
          if (response.write(Buffer.alloc(1 << 20, ' '))) write();
        };
        response.on('drain', write);
        write();
      };
      expect(await message()).toContain(`${url} answers with more than 64 MiB`);
    } finally {
      respond = undefined;
    }
  });

  it('adds overlays to schemas of files, and to those of APIs that answer the introspection of GraphQL', async () => {
    writeFileSync(join(folder, 'users.graphql'), users);
    writeFileSync(
      join(folder, 'a.join.graphql'),
      'type Query { users: [User!]! @inaccessible } type User @shareable',
    );
    writeFileSync(
      join(folder, 'schema', 'b.join.graphql'),
      'extend type Query { users(ids: [ID!]! @is(field: "[id]")): [User!]! @lookup } type User @shareable',
    );
    answer = { data: introspectionFromSchema(buildSchema(users)) };
    write(`{
      a: { routing_url: http://a.test, schema: { file: ../users.graphql }, overlay: ../a.join.graphql },
      b: { schema: { subgraph_url: "${url}" }, overlay: b.join.graphql } }`);

    const { errors, subgraphs } = await composeFile({ file });

    expect(
      errors?.map(
        ({ code, locations }) =>
          `${code} ${locations.map(({ subgraph: of, file: at, line }) => `${of} ${at}:${line}`).join()}`,
      ),
    ).toEqual([
      `INVALID_FIELD_SHARING a ${join(folder, 'a.join.graphql')}:1,b ${join(folder, 'schema', 'b.join.graphql')}:1`,
    ]);
    expect(subgraphs.map(({ file: at }) => at)).toEqual([join(folder, 'users.graphql'), url]);
    expect(subgraphs[1]!.sdl).toBe(
      'type Query {\n  users(ids: [ID!]! @is(field: "[id]")): [User!]! @lookup\n}\n\ntype User @shareable {\n  id: ID!\n  name: String\n}\n',
    );
  });

  it('locates what is wrong with overlays, and says where an API is none', async () => {
    writeFileSync(join(folder, 'a.join.graphql'), '\nextend type Usr { id: ID! }');
    writeFileSync(join(folder, 'b.join.graphql'), 'extend type');
    answer = { data: {} };
    write(`{
      a: { routing_url: http://a.test, schema: { sdl: "type User { id: ID! }" }, overlay: ../a.join.graphql },
      b: { routing_url: http://b.test, schema: { sdl: "type User { id: ID! }" }, overlay: ../b.join.graphql },
      c: { routing_url: http://c.test, schema: { sdl: "type User { id: ID! }" }, overlay: gone.graphql },
      d: { schema: { subgraph_url: "${url}" }, overlay: ../a.join.graphql } }`);

    const { errors, unreadable } = await composeFile({ file });

    expect(unreadable).toBe(true);
    expect(
      errors?.map(
        ({ code, message, locations: [at] }) => `${code} ${at?.file}:${at?.line}:${at?.column} ${message}`,
      ),
    ).toEqual([
      `INVALID_SOURCE_SCHEMA ${join(folder, 'a.join.graphql')}:2:13 The schema has no type \`Usr\`. Did you mean \`User\`?`,
      `INVALID_GRAPHQL ${join(folder, 'b.join.graphql')}:1:12 Syntax Error: Expected Name, found <EOF>.`,
      `SCHEMA_UNREADABLE undefined:undefined:undefined The schema of c cannot be read: ${join(folder, 'schema', 'gone.graphql')} does not exist.`,
      `SCHEMA_UNREADABLE undefined:undefined:undefined The schema of d cannot be read: ${url} answers: status 200 and no \`__schema\` in the answer.`,
    ]);
  });

  it('imports operations of an OpenAPI document, and locates what is wrong in it and in the overlay', async () => {
    const answers = (type: string) =>
      `responses: { 200: { content: { ${type}: { schema: { properties: { id: { type: integer }, name: { type: string } } } } } } }`;
    writeFileSync(
      join(folder, 'pets.yaml'),
      `openapi: 3.0.0
paths:
  /pets/{id}:
    parameters: [{ name: id, in: path, schema: { type: integer } }]
    get: { operationId: pet, ${answers('application/json')} }
    delete: { operationId: deletePet, ${answers('application/xml')} }
`,
    );
    const overlay = join(folder, 'pets.join.graphql');
    writeFileSync(
      overlay,
      'extend type Query { pet(id: Long! @is(field: "id")): pet_result @lookup } type pet_result { id: ID! }',
    );
    write(
      '{ pets: { routing_url: http://a.test, schema: { openapi: ../pets.yaml }, overlay: ../pets.join.graphql } }',
    );
    const { supergraphSdl, subgraphs, errors: none } = await composeFile({ file });
    expect(none).toBeUndefined();
    expect(supergraphSdl).toContain('@join__type(graph: PETS, key: "id")');
    expect(subgraphs[0]).toMatchObject({
      file: join(folder, 'pets.yaml'),
      sdl: expect.stringContaining('@http(method: "GET", path: "/pets/{id}"') as string,
    });

    const lines = async (text: string) => {
      writeFileSync(overlay, text);
      const { errors } = await composeFile({ file });
      return errors?.map(
        ({ code, message, locations: [at] }) => `${code} ${at?.subgraph} ${at?.file}:${at?.line} ${message}`,
      );
    };
    expect(await lines('\nextend type Query { pets: Int }\nextend type Mutation { deletePet: Int }')).toEqual(
      [
        `INVALID_SOURCE_SCHEMA pets ${overlay}:2 The OpenAPI document has no operation \`pets\`. Did you mean \`pet\`?`,
        `OPENAPI_INVALID pets ${join(folder, 'pets.yaml')}:6 \`paths./pets/{id}.delete.responses.200.content.application/xml\`: It answers \`application/xml\`; only JSON and text are read.`,
      ],
    );
    expect(await lines('type Query { pet: pet_result }\ntype pet_result { ids: ID! }')).toEqual([
      `INVALID_SOURCE_SCHEMA pets ${overlay}:2 \`pet_result\` has no \`ids\` in the schema. Did you mean \`id\`?`,
    ]);
  });

  it('composes an overlay without words of sources as a federation subgraph', async () => {
    writeFileSync(join(folder, 'a.join.graphql'), 'type User @shareable');
    write(
      '{ a: { routing_url: http://a.test, schema: { sdl: "type Query { user: User } type User { id: ID! }" }, overlay: ../a.join.graphql } }',
    );

    const { supergraphSdl, subgraphs } = await composeFile({ file });

    expect(supergraphSdl).not.toContain('weir');
    expect(subgraphs[0]!.sdl).toContain('import: ["@shareable"]');
  });

  it('says why a subgraph gives no answer, and what to do', async () => {
    const { port } = new URL(url);
    const closed = await closedUrl();
    write(`{
      a: { schema: { subgraph_url: "${closed}" } },
      b: { schema: { subgraph_url: "https://127.0.0.1:${port}/graphql" } } }`);

    const { errors } = await composeFile({ file });

    expect(errors?.map(({ message }) => message)).toEqual([
      `The schema of a cannot be read: ${closed} refuses connections: start the subgraph, or name its port.`,
      `The schema of b cannot be read: https://127.0.0.1:${port}/graphql does not speak TLS: write http:// where that is right.`,
    ]);
  });

  it('reports an error of composition at the schema file', async () => {
    writeFileSync(join(folder, 'a.graphql'), 'type Query { x: Nowhere }');
    write('{ a: { routing_url: http://a.test, schema: { file: ../a.graphql } } }');

    const result = await composeFile({ file });

    expect(result.unreadable).toBe(false);
    expect(result.errors?.[0]?.locations[0]).toMatchObject({
      file: join(folder, 'a.graphql'),
      line: 1,
      column: 17,
    });
  });

  it('composes for a file that asks for a newer composer, and says so', async () => {
    write('{ a: { routing_url: http://a.test, schema: { sdl: "type Query { x: Int }" } } }', '=2.99');

    const result = await composeFile({ file });

    expect(result.hints?.map(({ code }) => code)).toContain('FEDERATION_VERSION');
  });

  it('returns the problems of the configuration', async () => {
    expect(await composeFile({ file: join(folder, 'gone.yaml') })).toMatchObject({
      unreadable: true,
      errors: [{ code: 'CONFIG_INVALID', message: `${join(folder, 'gone.yaml')} does not exist.` }],
    });
  });
});

function write(subgraphs: string, version = '2'): void {
  writeFileSync(file, `federation_version: "${version}"\nsubgraphs:\n  ${subgraphs.trim()}\n`);
}
