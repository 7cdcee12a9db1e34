/** Plain GraphQL APIs in a graph: real servers, behind a gateway. */
import { composeSupergraph } from '../../schema/composition/compose';
import { type PlainApi, startPlainApi } from '../support/plain-api';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';

const usersSdl = (link: string) => `
  type Query { user(id: ID!): User ${link && '@lookup'}  usersByIds(ids: [ID!]! ${link && '@is(field: "[id]")'}): [User]! ${link && '@lookup @internal'} }
  type User { id: ID!  name: String!  bestFriendId: ID  ${link} }
`;
const bestFriend = 'bestFriend: User @derive @is(field: "{ id: bestFriendId }")';

const reviewsSdl = (link: string) => `
  type Query {
    topReviews: [Review!]!
    reviewsByAuthor(authorId: ID!, first: Int): [Review!]!
    product(sku: ID!): Product ${link && '@lookup'}
  }
  type Mutation { addReview(authorId: ID!, body: String!): Review! }
  type Review { id: ID!  body: String!  authorId: ID!  product: ProductSummary!  ${link} }
  type Product { sku: ID!  title: String!  description: String! }
  type ProductSummary ${link && '@shape(of: "Product")'} { sku: ID!  title: String! }
`;
const author = 'author: User @derive @is(field: "{ id: authorId }")';
const reviewsOfUser = `type User {
  id: ID!
  reviews(authorId: ID! @require(field: "id"), first: Int): [Review!]! @from(field: "reviewsByAuthor")
}`;

const users = Array.from({ length: 8 }, (_, i) => ({
  id: `u${i}`,
  name: `User ${i}`,
  bestFriendId: i % 3 === 0 ? null : `u${(i + 1) % 8}`,
}));
const userOf = (id: string) => users.find((user) => user.id === id) ?? null;
const productOf = (sku: string) => ({ sku, title: `Product ${sku}`, description: `About ${sku}` });
const reviews = Array.from({ length: 20 }, (_, i) => ({
  id: `r${i}`,
  body: `Review ${i}`,
  authorId: `u${i % 8}`,
  product: productOf(`p${i % 5}`),
}));
const byAuthor = (id: string, first?: number | null) =>
  reviews.filter(({ authorId }) => authorId === id).slice(0, first ?? 100);

let usersApi: PlainApi;
let reviewsApi: PlainApi;
let gateway: TestGateway;

beforeAll(async () => {
  usersApi = await startPlainApi(usersSdl(''), {
    user: ({ id }: Json) => userOf(id),
    usersByIds: ({ ids }: Json) => ids.map(userOf),
  });
  reviewsApi = await startPlainApi(reviewsSdl(''), {
    topReviews: () => reviews,
    reviewsByAuthor: ({ authorId, first }: Json) => byAuthor(authorId, first),
    product: ({ sku }: Json) => productOf(sku),
    addReview: ({ authorId, body }: Json) => ({ id: 'new', body, authorId, product: productOf('p1') }),
  });
  const { supergraphSdl, errors } = composeSupergraph({
    subgraphs: [
      { name: 'users', sdl: usersSdl(bestFriend), routingUrl: usersApi.url },
      { name: 'reviews', sdl: `${reviewsSdl(author)}${reviewsOfUser}`, routingUrl: reviewsApi.url },
    ] as never,
  });
  expect(errors).toBeUndefined();
  gateway = await startTestGateway({
    supergraph: sourceOf(supergraphSdl),
    subgraphs: { users: { headers: { set: { 'x-of': 'users' } } } },
  });
});

beforeEach(() => {
  for (const api of [usersApi, reviewsApi]) {
    api.calls.length = 0;
    api.change = undefined;
  }
});

afterAll(async () => {
  await gateway.stop();
  await usersApi.stop();
  await reviewsApi.stop();
});

it('joins reviews with their authors: one call for each API and level', async () => {
  const answer = await gateway.query('{ topReviews { body author { name bestFriend { name } } } }');
  expect(answer).toEqual({
    data: {
      topReviews: reviews.map(({ body, authorId }) => {
        const { name, bestFriendId } = userOf(authorId)!;
        return { body, author: { name, bestFriend: bestFriendId && { name: userOf(bestFriendId)!.name } } };
      }),
    },
  });
  expect(reviewsApi.calls).toHaveLength(1);
  expect(usersApi.calls).toHaveLength(2);
  expect(usersApi.calls.every(({ headers }) => headers['x-of'] === 'users')).toBe(true);
});

it('answers fields by root fields, with arguments of the object, 15 in one operation', async () => {
  const query =
    'query($first: Int) { topReviews { author { id reviews(first: $first) { id author { name } } } } }';
  expect(await gateway.query(query, { first: 2 })).toEqual({
    data: {
      topReviews: reviews.map(({ authorId }) => ({
        author: {
          id: authorId,
          reviews: byAuthor(authorId, 2).map(({ id }) => ({ id, author: { name: userOf(authorId)!.name } })),
        },
      })),
    },
  });
  expect(reviewsApi.calls).toHaveLength(2);
});

it('answers such a field of an entity of another source', async () => {
  expect(await gateway.query('{ user(id: "u2") { name reviews(first: 1) { body } } }')).toEqual({
    data: { user: { name: 'User 2', reviews: [{ body: 'Review 2' }] } },
  });
});

it('has of a summary what it has, and looks up the rest', async () => {
  expect(await gateway.query('{ topReviews { product { __typename title description } } }')).toEqual({
    data: {
      topReviews: reviews.map(({ product: { title, description } }) => ({
        product: { __typename: 'Product', title, description },
      })),
    },
  });
  expect(reviewsApi.calls).toHaveLength(2);
});

it('calls mutations once, and joins what they answer', async () => {
  expect(
    await gateway.query(
      'mutation { addReview(authorId: "u1", body: "Good") { id author { name } product { title } } }',
    ),
  ).toEqual({
    data: { addReview: { id: 'new', author: { name: 'User 1' }, product: { title: 'Product p1' } } },
  });
  expect(reviewsApi.calls).toHaveLength(1);
});

it('gives errors the path of the client, and no other', async () => {
  usersApi.change = (answer, query) => {
    if (!query.includes('usersByIds')) return answer;
    const [field] = Object.keys(answer.data);
    answer.data[field!][1] = null;
    return { ...answer, errors: [{ message: 'No.', path: [field, 1] }] };
  };
  const { data, errors } = await gateway.query('{ topReviews { author { name } } }');
  const names = reviews.map(({ authorId }) => (authorId === 'u1' ? null : { name: userOf(authorId)!.name }));
  expect(data.topReviews.map(({ author: of }: Json) => of)).toEqual(names);
  expect(errors.map(({ path }: Json) => path)).toEqual([1, 9, 17].map((i) => ['topReviews', i, 'author']));
});
