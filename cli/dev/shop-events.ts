import type { OptionsInput } from '../../gateway/options';

/** What the events of the sample shop drop from the caches of its gateway. docs/events.md has the same as YAML. */
export const shopEvents = {
  sources: {
    inventory: { type: 'subgraph', subgraph: 'inventory' },
    reviews: { type: 'subgraph', subgraph: 'reviews' },
    orders: { type: 'subgraph', subgraph: 'orders' },
  },
  types: {
    // The pages of a warehouse are lists of it.
    StockChanged: { drop: { tags: ['stock-of-product-{subject}'], types: ['StockItem'] } },
    ReviewWritten: {
      drop: {
        tags: [
          'reviews-of-product-{data.upc}',
          'reviews-of-user-{data.authorId}',
          'reviews-of-media-{data.mediaId?}',
        ],
      },
    },
    RatingsChanged: { drop: { tags: ['reviews-of-product-{data.upc}'] } },
    OrderPlaced: orderChange(),
    OrderRefused: orderChange(),
    OrderCancelled: orderChange(),
    OrderStatusChanged: orderChange(),
  },
} satisfies OptionsInput['events'];

function orderChange() {
  return {
    drop: {
      entities: [{ type: 'Order', key: { id: 'subject' } }],
      tags: ['orders-of-user-{data.buyerId}'],
    },
  };
}
