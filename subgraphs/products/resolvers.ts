import { type ConnectionArgs, type Database, type Resolvers } from '../../kit';
import { type Loaders } from './loaders';
import { search, type SearchArgs } from './search';
import { rootCategoryId, type Category, type Medium, type Product } from './table';

export interface Context {
  readonly db: Database;
  readonly loaders: Loaders;
}

export const resolvers: Resolvers<Context> = {
  Query: {
    product: (_: unknown, { upc }: { upc: string }, { loaders }) => loaders.products.load({ upc }),
    products: (
      _: unknown,
      { category, ...page }: ConnectionArgs & { category?: string | null },
      { loaders },
    ) =>
      category == null
        ? loaders.productsOfListing.load('all', page)
        : loaders.productsOfCategory.load(category, page),
    categories: (_: unknown, __: unknown, { loaders }) => childrenOf(rootCategoryId, loaders),
    category: (_: unknown, { id }: { id: string }, { loaders }) => loaders.categories.load({ id }),
    search: (_: unknown, args: SearchArgs, { db }) => search(args, db),
  },

  Product: {
    __resolveReference: (reference: ProductReference, { loaders }: Context) =>
      'upc' in reference ? loaders.products.load(reference) : loaders.productsBySku.load(reference.sku),
    category: ({ categoryId }: Product, _: unknown, { loaders }) =>
      loaders.categories.load({ id: categoryId }),
    // A constant: the subgraph inventory, which knows the stock, has taken the field over.
    inStock: () => true,
  },

  Category: {
    __resolveReference: ({ id }: { id: string }, { loaders }: Context) => loaders.categories.load({ id }),
    parent: ({ parentId }: Category, _: unknown, { loaders }) =>
      parentId === rootCategoryId ? null : loaders.categories.load({ id: parentId }),
    children: ({ id }: Category, _: unknown, { loaders }) => childrenOf(id, loaders),
    products: ({ id }: Category, page: ConnectionArgs, { loaders }) =>
      loaders.productsOfCategory.load(id, page),
  },

  SearchResult: {
    __resolveType: (result: Product | Category) => ('upc' in result ? 'Product' : 'Category'),
  },

  // Another subgraph knows only the interface, so a reference may name the interface or either of its types.
  Media: { __resolveReference: loadMedium, __resolveType: ({ kind }: Medium) => kind },
  Image: { __resolveReference: loadMedium },
  Video: { __resolveReference: loadMedium },
};

/** The type has two keys. */
type ProductReference = { upc: string } | { sku: string };

/** No category has more than one page of children, so there is no paging. */
async function childrenOf(parentId: string, { categoriesOfParent }: Loaders): Promise<Category[]> {
  const { edges } = await categoriesOfParent.load(parentId, { first: 100 });
  return edges.map(({ node }) => node);
}

/** The id of a medium begins with the UPC of its product, whose item holds it: `p1-m2`. */
async function loadMedium({ id }: { id: string }, { loaders }: Context): Promise<Medium | null> {
  const product = await loaders.products.load({ upc: id.slice(0, id.lastIndexOf('-')) });
  return product?.media.find((medium) => medium.id === id) ?? null;
}
