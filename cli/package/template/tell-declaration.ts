/**
 * A process of `weir package` and `weir template`: loads the module of a function, and tells what its subgraph declares, or
 * `null` if nothing in it says so. The argument is the file.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const load = createRequire(__filename);

async function readHandler(file: string): Promise<unknown> {
  try {
    return (load(file) as { readonly handler?: unknown }).handler;
  } catch (error) {
    // An ES module that awaits something is not for `require`.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return ((await import(pathToFileURL(file).href)) as { readonly handler?: unknown }).handler;
  }
}

async function tell(file: string): Promise<unknown> {
  const { declaration } = Object(await readHandler(file)) as { readonly declaration?: () => unknown };
  return typeof declaration === 'function' ? declaration() : null;
}

void tell(process.argv[2]!).then(
  (declaration) => process.send!({ declaration }, () => process.exit(0)),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`, () => process.exit(1));
  },
);
