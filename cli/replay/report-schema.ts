import { z } from 'zod';
import { differenceKinds } from '../../gateway/replay/difference';

export const count = z.number().int().nonnegative();

const side = z.object({ shape: z.string(), value: z.string().optional() });
const kinds = Object.keys(differenceKinds) as (keyof typeof differenceKinds)[];

/** What reports have of a path, as it is read from files and from gateways. */
export const pathSchema = z.object({
  ...{ path: z.string(), kind: z.enum(kinds), count },
  examples: z.array(z.object({ at: z.string(), a: side, b: side, from: z.string().optional() })),
});
