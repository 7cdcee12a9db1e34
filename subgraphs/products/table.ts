import { defineTable } from '../kit';
import { seedCategories, seedProducts } from './seed';

export interface Product {
  readonly upc: string;
  readonly sku: string;
  readonly name: string;
  readonly brand: string;
  readonly description: string;
  /** In cents. */
  readonly price: number;
  /** In grams. */
  readonly weight: number;
  /** In millimetres. */
  readonly dimensions: { readonly width: number; readonly height: number; readonly depth: number };
  readonly categoryId: string;
  /** Never without their product, so they are part of its item. */
  readonly media: readonly Medium[];
  readonly listing: Listing;
  /** The name as it is sorted and searched by. */
  readonly sortName: string;
}

/** A picture or a film; the schema calls them `Media`. */
export type Medium = Image | Video;
export interface Image {
  readonly kind: 'Image';
  readonly id: string;
  readonly url: string;
  readonly alt: string;
  readonly width: number;
  readonly height: number;
}
export interface Video {
  readonly kind: 'Video';
  readonly id: string;
  readonly url: string;
  readonly alt: string;
  /** In seconds. */
  readonly duration: number;
}

export interface Category {
  readonly id: string;
  readonly name: string;
  /** {@link rootCategoryId} for departments. */
  readonly parentId: string;
  readonly listing: Listing;
  readonly sortName: string;
}

/** The parent of categories that have none: the key of an index cannot be null. */
export const rootCategoryId = 'root';

/** All of a table in one partition of an index: sorted as a whole, and good for some ten thousand items. */
export type Listing = 'all';

export const productsTable = defineTable<Product>()({
  name: 'products',
  partitionKey: 'upc',
  indexes: {
    bySku: { partitionKey: 'sku' },
    byCategory: { partitionKey: 'categoryId', sortKey: 'sortName' },
    byName: { partitionKey: 'listing', sortKey: 'sortName' },
  },
  seed: seedProducts,
});

export const categoriesTable = defineTable<Category>()({
  name: 'categories',
  partitionKey: 'id',
  indexes: {
    byParent: { partitionKey: 'parentId', sortKey: 'sortName' },
    byName: { partitionKey: 'listing', sortKey: 'sortName' },
  },
  seed: seedCategories,
});
