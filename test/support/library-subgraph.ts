import { join } from 'node:path';
import {
  defineSubgraph,
  defineTable,
  entityLoader,
  lambdaHandler,
  runWhenMain,
  type Resolvers,
} from '../../kit';

/** A subgraph of one table, which tests run as a process and as a Lambda function. */
interface Book {
  id: string;
  title: string;
}
const booksTable = defineTable<Book>()({
  name: 'books',
  partitionKey: 'id',
  seed: () => Array.from({ length: 100 }, (_, i) => ({ id: `b${i}`, title: `Book ${i}` })),
});

interface Context {
  book: (id: string) => Promise<Book | null>;
  rename: (id: string, title: string) => Promise<Book | null>;
}
const resolvers: Resolvers<Context> = {
  Query: {
    book: (_: unknown, { id }: { id: string }, { book }) => book(id),
    wait: async (_: unknown, { milliseconds }: { milliseconds: number }) => {
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      return 'done';
    },
    forget: () => {
      void Promise.reject(new Error('forgotten'));
      return null;
    },
  },
  Mutation: {
    rename: (_: unknown, { id, title }: { id: string; title: string }, { rename }) => rename(id, title),
  },
};

export const library = defineSubgraph({
  name: 'library',
  port: 4999,
  schema: join(__dirname, 'library-subgraph.graphql'),
  resolvers,
  tables: [booksTable],
  context: ({ db }): Context => {
    const books = db.table(booksTable);
    const loader = entityLoader(books);
    return {
      book: (id) => loader.load({ id }),
      rename: (id, title) => books.update({ id }, { set: { title } }),
    };
  },
});

export const handler = lambdaHandler(library);
runWhenMain(module, library);
