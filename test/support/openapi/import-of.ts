import { readOpenApi } from '../../../schema/composition/openapi';
import type { Problem } from '../../../schema/composition/problem';
import { SupergraphConfigError } from '../../../schema/composition/supergraph-config';

type Import = ReturnType<typeof readOpenApi> & { readonly problems: readonly Problem[] };

/** What is imported, or the problems that prevent it. */
export function importOf(...args: Parameters<typeof readOpenApi>): Import {
  try {
    return { ...readOpenApi(...args), problems: [] };
  } catch (error) {
    if (!(error instanceof SupergraphConfigError)) throw error;
    return { sdl: '', notes: [], problems: error.problems };
  }
}
