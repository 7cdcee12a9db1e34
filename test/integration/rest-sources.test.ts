/** A REST API with an OpenAPI document in a graph with plain GraphQL APIs: real servers, behind a gateway. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeFile } from '../../schema';
import { type PlainApi, startPlainApi } from '../support/plain-api';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';

const answers = (schema: string) =>
  `responses: { '200': { content: { application/json: { schema: ${schema} } } } }`;
const pet = `{ $ref: '#/components/schemas/Pet' }`;
const document = `openapi: 3.0.3
paths:
  /pets/{petId}:
    parameters: [{ name: petId, in: path, required: true, schema: { type: integer, format: int64 } }]
    get: { operationId: getPet, ${answers(pet)} }
  /pets:
    get:
      operationId: listPets
      parameters: [{ name: ids, in: query, explode: false, schema: { type: array, items: { type: integer } } }]
      ${answers(`{ type: array, items: ${pet} }`)}
    post:
      operationId: addPet
      requestBody: { required: true, content: { application/json: { schema: ${pet} } } }
      ${answers(pet)}
  /shops/{code}:
    parameters: [{ name: code, in: path, required: true, schema: { type: string } }]
    get: { operationId: getShop, ${answers('{ type: object, properties: { code: { type: string }, town: { type: string } } }')} }
components:
  schemas:
    Pet:
      type: object
      properties:
        id: { type: integer, format: int64, readOnly: true }
        pet-name: { type: string }
        status: { type: string, enum: [free, on-hold] }
`;
const petsOverlay = (more = '') => `
  extend type Query {
    getPet(petId: Long! @is(field: "id")): Pet @lookup
    ${more}
    getShop(code: String! @is(field: "code")): getShop_result @lookup
  }
  extend type Mutation { addPet: Pet }
  extend type Pet { id: ID! }
  extend type getShop_result { code: ID! }
`;
const listLookup = 'listPets(ids: [Long!] @is(field: "[id]")): [Pet] @lookup @internal';

const big = '9007199254740993';
const reviewsSdl =
  'type Query { reviews: [Review!]! } type Review { body: String! authorId: ID! petId: ID! shopCode: ID }';
const reviewsOverlay = `type Review {
  author: User @derive @is(field: "{ id: authorId }")
  pet: Pet @derive @is(field: "{ id: petId }")
  shop: getShop_result @derive @is(field: "{ code: shopCode }")
}`;
const usersSdl = 'type Query { usersByIds(ids: [ID!]!): [User]! } type User { id: ID! name: String! }';
const usersOverlay =
  'extend type Query { usersByIds(ids: [ID!]! @is(field: "[id]")): [User]! @lookup @internal }';
const reviews = Array.from({ length: 20 }, (_, i) => ({
  ...{
    body: `Review ${i}`,
    authorId: `u${i % 4}`,
    petId: i === 19 ? big : String(i % 7),
    shopCode: null as string | null,
  },
}));

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
let pets: Server;
let reviewsApi: PlainApi;
let usersApi: PlainApi;
const gateways: TestGateway[] = [];
const requests: { readonly line: string; readonly headers: IncomingMessage['headers'] }[] = [];
let respond: (url: string, response: ServerResponse, body: string) => void;

const petJson = (id: string) => `{"id":${id},"pet-name":"Pet ${id}","status":"on-hold"}`;
const answerPets = (url: string, response: ServerResponse): void => {
  response.setHeader('content-type', 'application/json');
  response.setHeader('cache-control', 'max-age=60');
  const ids = url.split('ids=')[1]?.split(',');
  response.end(
    ids === undefined ? petJson(url.split('/').at(-1)!) : `[${ids.map(petJson).reverse().join()}]`,
  );
};

beforeAll(async () => {
  pets = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += String(piece)));
    request.on('end', () => {
      requests.push({ line: `${request.method} ${request.url}`, headers: request.headers });
      respond(request.url!, response, body);
    });
  });
  await new Promise<void>((listening) => pets.listen(0, '127.0.0.1', listening));
  reviewsApi = await startPlainApi(reviewsSdl, { reviews: () => reviews });
  usersApi = await startPlainApi(usersSdl, {
    usersByIds: ({ ids }: Json) => ids.map((id: string) => ({ id, name: `User ${id}` })),
  });
});
beforeEach(() => {
  requests.length = 0;
  reviewsApi.calls.length = 0;
  usersApi.calls.length = 0;
  respond = answerPets;
});
afterEach(async () => {
  for (const each of gateways.splice(0)) await each.stop();
});
afterAll(async () => {
  await Promise.all([reviewsApi.stop(), usersApi.stop(), new Promise((closed) => pets.close(closed))]);
  rmSync(folder, { recursive: true, force: true });
});

async function start(overlay: string, mask: 'none' | 'unexpected' = 'unexpected'): Promise<TestGateway> {
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  write('pets.yaml', document);
  write('reviews.graphql', reviewsSdl);
  write('users.graphql', usersSdl);
  write('pets.join.graphql', overlay);
  write('reviews.join.graphql', reviewsOverlay);
  write('users.join.graphql', usersOverlay);
  const url = `http://127.0.0.1:${(pets.address() as AddressInfo).port}/v1`;
  write(
    'supergraph.yaml',
    `subgraphs:
  pets: { routing_url: ${url}, schema: { openapi: pets.yaml }, overlay: pets.join.graphql }
  reviews: { routing_url: ${reviewsApi.url}, schema: { file: reviews.graphql }, overlay: reviews.join.graphql }
  users: { routing_url: ${usersApi.url}, schema: { file: users.graphql }, overlay: users.join.graphql }
`,
  );
  const { supergraphSdl, errors } = await composeFile({ file: join(folder, 'supergraph.yaml') });
  expect(errors).toBeUndefined();
  const gateway = await startTestGateway({
    supergraph: sourceOf(supergraphSdl),
    errors: { maskSubgraphs: mask },
    subgraphs: { pets: { headers: { set: { 'x-key': 'secret' } } } },
  });
  gateways.push(gateway);
  return gateway;
}

const query = '{ reviews { body author { name } pet { id pet_name status } } }';
const petOf = (id: string): Json => ({ id, pet_name: `Pet ${id}`, status: 'on_hold' });
const joined = (of = petOf) => ({
  reviews: reviews.map(({ body, authorId, petId }) => ({
    body,
    author: { name: `User ${authorId}` },
    pet: of(petId),
  })),
});
const lines = () => requests.map(({ line }) => line);

it('joins reviews with authors and pets: one call for each API, pets by their list', async () => {
  const gateway = await start(petsOverlay(listLookup));
  expect(await gateway.query(query)).toEqual({ data: joined() });
  expect([reviewsApi.calls.length, usersApi.calls.length]).toEqual([1, 1]);
  expect(lines()).toEqual([`GET /v1/pets?ids=0,1,2,3,4,5,6,${big}`]);
  expect(requests[0]!.headers).toMatchObject({ 'x-key': 'secret', accept: 'application/json' });
  expect(await gateway.query(query)).toEqual({ data: joined() });
  expect(lines()).toHaveLength(1);
});

it('looks up each different pet without a list, and keeps each by its own policy', async () => {
  const gateway = await start(petsOverlay());
  respond = (url, response) => {
    if (url.endsWith('/3')) response.writeHead(404, { 'cache-control': 'max-age=60' }).end();
    else if (url.endsWith('/5')) response.writeHead(500).end('at secret.js:1');
    else answerPets(url, response);
  };
  const { data, errors } = await gateway.query(query);
  const isGone = (id: string) => id === '3' || id === '5';
  const expected = joined((id) => (isGone(id) ? { id, pet_name: null, status: null } : petOf(id)));
  expect(data).toEqual(expected);
  expect(errors.map(({ path }: Json) => path)).toEqual([5, 12].map((i) => ['reviews', i, 'pet']));
  expect(errors[0]).toMatchObject({
    message: 'Subgraph "pets" answered with HTTP status 500.',
    extensions: { code: 'SUBREQUEST_HTTP_ERROR', http: { status: 500 } },
  });
  expect(JSON.stringify(errors)).not.toContain('secret');
  expect(lines().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, big].map((id) => `GET /v1/pets/${id}`).sort());
  requests.length = 0;
  respond = answerPets;
  const again = await gateway.query(query);
  expect(again.errors).toBeUndefined();
  expect(lines()).toEqual(['GET /v1/pets/5']);
});

it('sends mutations once, with the names of the document', async () => {
  const gateway = await start(petsOverlay(listLookup));
  let sent = '';
  respond = (_, response, body) => {
    sent = body;
    response.writeHead(503).end();
  };
  const mutation = 'mutation { addPet(body: { pet_name: "Rex", status: on_hold }) { id } }';
  const { data, errors } = await gateway.query(mutation);
  expect(data).toEqual({ addPet: null });
  expect(errors).toMatchObject([{ path: ['addPet'], extensions: { http: { status: 503 } } }]);
  expect(sent).toBe('{"pet-name":"Rex","status":"on-hold"}');
  expect(lines()).toEqual(['POST /v1/pets']);
});

it.each(['..', '.', '%2e%2E', 'a/../../admin', '..\\admin', ''])(
  'lets nothing leave its place in a path: %j of a client, or of another subgraph',
  async (code) => {
    const gateway = await start(petsOverlay());
    const ofClient = await gateway.query('query($code: String!) { getShop(code: $code) { town } }', { code });
    expect(ofClient).toMatchObject({
      data: { getShop: null },
      errors: [{ path: ['getShop'], extensions: { code: 'BAD_USER_INPUT' } }],
    });
    reviews[0]!.shopCode = code;
    const { data, errors } = await gateway.query('{ reviews { shop { town } } }');
    reviews[0]!.shopCode = null;
    expect(data.reviews).toEqual(reviews.map((_, i) => ({ shop: i === 0 ? { town: null } : null })));
    expect(errors).toMatchObject([{ path: ['reviews', 0, 'shop'] }]);
    expect(lines()).toEqual([]);
  },
);

it.each(['a/b?c#d', 'a\r\nx: y', 'ä ö', '@evil.example', '//evil.example', '%2F', '+', ';a=b'])(
  'sends whatever else is in a path encoded: %j',
  async (code) => {
    const gateway = await start(petsOverlay());
    respond = (url, response) =>
      response.end(JSON.stringify({ code: decodeURIComponent(url.split('/').at(-1)!), town: url }));
    const { data } = await gateway.query('query($code: String!) { getShop(code: $code) { code } }', { code });
    expect(data).toEqual({ getShop: { code } });
    expect(lines()[0]).toMatch(/^GET \/v1\/shops\/[\w%.~-]+$/);
  },
);

it.each(['none', 'unexpected'] as const)(
  'gives clients the status of a refusal, and its text where no errors are masked: %s',
  async (mask) => {
    const gateway = await start(petsOverlay(), mask);
    respond = (_, response) => response.writeHead(422, { 'content-type': 'text/plain' }).end('Bad town.');
    const { errors } = await gateway.query('{ getShop(code: "a") { town } }');
    const http = mask === 'none' ? { status: 422, body: 'Bad town.' } : { status: 422 };
    expect(errors).toMatchObject([{ path: ['getShop'] }]);
    expect(errors[0].extensions.http).toEqual(http);
  },
);
