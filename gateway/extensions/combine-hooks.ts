import { GraphQLError } from 'graphql';
import { isMap } from '../options/is-map';
import type { HookAnswer, Hooks } from '../request/hooks';
import { shown } from '../subgraph-calls/interceptors/enforce-contract';

/**
 * Hooks that run those of several modules, one after the other. Each `onAnswer` gets what the one before it has returned; the
 * first that throws ends the request.
 */
export function combineHooks(modules: readonly Hooks[]): Hooks {
  const has = (name: keyof Hooks): boolean => modules.some((hooks) => hooks[name] !== undefined);
  return {
    ...(has('onRequest') && {
      onRequest: async (request) => {
        for (const hooks of modules) await own(() => hooks.onRequest?.(request));
      },
    }),
    ...(has('onOperation') && {
      onOperation: async (request, operation) => {
        for (const hooks of modules) await own(() => hooks.onOperation?.(request, operation));
      },
    }),
    ...(has('onAnswer') && {
      onAnswer: async (request, answer) => {
        let changed: HookAnswer | undefined;
        for (const hooks of modules) {
          const next = await own(() => hooks.onAnswer?.(request, changed ?? answer));
          // What is no answer is refused by the caller.
          if (next !== undefined) changed = next;
          if (changed !== undefined && !isMap(changed)) return changed;
        }
        return changed;
      },
    }),
  };
}

/** Rejects with an error of the gateway's own `graphql` instead of one of the copy that a module imports. */
async function own<Result>(call: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Error))
      throw new TypeError(`A hook must throw an Error, but got: ${shown(error)}`);
    if (error instanceof GraphQLError || error.name !== 'GraphQLError') throw error;
    const { extensions } = error as GraphQLError;
    throw new GraphQLError(error.message, { extensions, originalError: error });
  }
}
