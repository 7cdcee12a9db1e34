import { defineTable, queryConnection, type Connection } from '../../../../kit';
import { openTestDatabase } from '../../../support/subgraph-kit';

interface Post {
  id: string;
  author: string;
  at: string;
}
const postsTable = defineTable<Post>()({
  name: 'posts',
  partitionKey: 'id',
  indexes: { byAuthor: { partitionKey: 'author', sortKey: 'at' } },
  // Two posts at each moment, so that the sort key alone does not tell them apart.
  seed: () =>
    ['u1', 'u2'].flatMap((author) =>
      Array.from({ length: 10 }, (_, i) => ({
        id: `${author}-${i}`,
        author,
        at: `2026-01-0${1 + Math.floor(i / 2)}`,
      })),
    ),
});

let test: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => (test = await openTestDatabase(postsTable)));
afterAll(() => test.stop());

type Args = { first?: number | null; after?: string | null };
const posts = (args: Args, query: object = {}) =>
  queryConnection(test.db.table(postsTable), { index: 'byAuthor', partition: 'u1', ...query }, args);
const ids = (connection: Connection<Post>) => connection.edges.map((edge) => edge.node.id);

async function walk(first: number, query: object = {}): Promise<string[][]> {
  const pages: string[][] = [];
  for (let after: string | null = null; ;) {
    const page: Connection<Post> = await posts({ first, after }, query);
    pages.push(ids(page));
    if (!page.pageInfo.hasNextPage) return pages;
    after = page.pageInfo.endCursor;
  }
}

describe('a connection', () => {
  it.each([1, 3, 5, 10, 100])('gives every item once in pages of %s', async (first) => {
    const all = (await walk(100))[0]!;
    const pages = await walk(first);
    expect(pages.flat()).toEqual(all);
    expect(all).toHaveLength(10);
    expect(pages).toHaveLength(Math.ceil(10 / first));
  });

  it('reads backwards, too', async () => {
    const forwards = (await walk(3)).flat();
    const backwards = (await walk(3, { order: 'descending' })).flat();
    expect(new Set(backwards)).toEqual(new Set(forwards));
    expect(backwards[0]).toMatch(/u1-[89]/);
  });

  it('says where it is', async () => {
    const first = await posts({ first: 4 });
    expect(first.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: first.edges[0]!.cursor,
      endCursor: first.edges[3]!.cursor,
    });
    const last = await posts({ first: 6, after: first.pageInfo.endCursor });
    expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    expect(await posts({}, { partition: 'nobody' })).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
  });

  it('is stable while items come and go', async () => {
    const table = test.db.table(postsTable);
    const all = (await walk(100))[0]!;
    const page = await posts({ first: 4 });
    const earlier = { id: 'u1-early', author: 'u1', at: '2025-12-31' };
    await table.create(earlier);
    await table.delete(page.edges[3]!.node);
    const next = await posts({ first: 100, after: page.pageInfo.endCursor });
    expect(ids(next)).toEqual(all.slice(4));
    await table.put(page.edges[3]!.node);
    await table.delete(earlier);
  });

  it.each([
    [undefined, 10],
    [null, 10],
    [1, 1],
    [100, 10],
  ])('takes first: %s', async (first, count) => {
    expect((await posts(first === undefined ? {} : { first })).edges).toHaveLength(count);
  });

  it.each([0, -1, 101, 1.5])('refuses first: %s and names the bound', async (first) => {
    await expect(posts({ first })).rejects.toMatchObject({
      message: `\`first\` must be between 1 and 100, but got: ${first}`,
      extensions: { code: 'BAD_USER_INPUT', argument: 'first' },
    });
  });
});

describe('a cursor', () => {
  const flip = (cursor: string, i: number) => {
    const bytes = Buffer.from(cursor, 'base64url');
    bytes[i]! ^= 1;
    return bytes.toString('base64url');
  };

  it('is refused when it is not genuine', async () => {
    const { cursor } = (await posts({ first: 1 })).edges[0]!;
    const length = Buffer.from(cursor, 'base64url').length;
    const forged = [
      '',
      'x',
      '!',
      'bm90IGEgY3Vyc29y',
      `${cursor}A`,
      `${cursor} `,
      `${cursor}=`,
      cursor.slice(0, -2),
      'A'.repeat(100_000),
      ...Array.from({ length }, (_, i) => flip(cursor, i)),
    ];
    for (const after of forged) {
      await expect(posts({ after })).rejects.toMatchObject({ code: 'INVALID_CURSOR' });
    }
  });

  it.each([
    ['another parent', { partition: 'u2' }],
    ['another order', { order: 'descending' }],
    ['another condition', { sort: { atLeast: '2026-01-02' } }],
    ['the table itself', { index: undefined, partition: 'u1-1' }],
  ])('is refused by %s', async (_, query) => {
    const { cursor } = (await posts({ first: 1 })).edges[0]!;
    await expect(posts({ after: cursor }, query)).rejects.toMatchObject({ code: 'INVALID_CURSOR' });
  });

  it('is of the order that is meant where none is named', async () => {
    const { cursor } = (await posts({ first: 1 }, { order: 'ascending' })).edges[0]!;
    expect(ids(await posts({ first: 9, after: cursor }))).toHaveLength(9);
    await expect(posts({ after: cursor }, { order: 'descending' })).rejects.toMatchObject({
      extensions: { code: 'INVALID_CURSOR', argument: 'after' },
    });
  });

  it('does not show what it holds', async () => {
    const { cursor } = (await posts({ first: 1 })).edges[0]!;
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
  });
});
