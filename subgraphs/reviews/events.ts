import { z } from 'zod';
import { defineEvent } from '../../kit';

/** A review was written. Its subject is the review, which never changes, so the event has all of it. */
export const ReviewWritten = defineEvent({
  type: 'ReviewWritten',
  data: z.object({
    id: z.string(),
    upc: z.string(),
    authorId: z.string(),
    createdAt: z.string(),
    rating: z.int(),
    body: z.string(),
    mediaId: z.string().optional(),
  }),
});

/** A review is counted in the ratings of its product, where it can be read now. Its subject is the review. */
export const RatingsChanged = defineEvent({ type: 'RatingsChanged', data: z.object({ upc: z.string() }) });
