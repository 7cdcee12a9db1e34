import { defineTable } from '../../kit';
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
  /** Part of the product's item, as they are only read with it. */
  readonly media: readonly Medium[];
  readonly listing: Listing;
  /** The name in the form for sorting and searching. */
  readonly sortName: string;
}

/** A picture or a video: the interface `Media` of the schema. */
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

/** Stands for the parent of top-level categories, as the key of an index cannot be null. */
export const rootCategoryId = 'root';

/**
 * Puts all items of a table into one partition of an index, so that they are sorted as a whole. This scales to some ten
 * thousand items.
 */
export type Listing = 'all';

export const productsTable = defineTable<Product>()({
  name: 'products',
  partitionKey: 'upc',
  operations: ['BatchGetItem'],
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
  operations: ['BatchGetItem'],
  indexes: {
    byParent: { partitionKey: 'parentId', sortKey: 'sortName' },
    byName: { partitionKey: 'listing', sortKey: 'sortName' },
  },
  seed: seedCategories,
});
