import { z } from 'zod';
import { defineEvent } from '../../kit';

/** The stock of a product was changed. Its subject is the product. Readers read how much there is now. */
export const StockChanged = defineEvent({ type: 'StockChanged', data: z.object({ upc: z.string() }) });
