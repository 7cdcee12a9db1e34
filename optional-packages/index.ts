/**
 * Packages that only some options and commands need, and that may be missing: the optional peers of package.json, which
 * docs/install.md lists, and those for composition, which may be deleted.
 */
import { isInstalled } from './is-installed';

/** What `npm install` takes to install each. */
const installs = {
  '@apollo/composition': '@apollo/composition@2',
  '@apollo/federation-internals': '@apollo/composition@2',
  '@apollo/gateway': '@apollo/gateway@2',
  '@aws-sdk/client-cloudfront': '@aws-sdk/client-cloudfront@3',
  '@aws-sdk/client-lambda': '@aws-sdk/client-lambda@3',
  '@aws-sdk/client-s3': '@aws-sdk/client-s3@3',
  '@aws-sdk/client-servicediscovery': '@aws-sdk/client-servicediscovery@3',
  '@aws-sdk/client-sfn': '@aws-sdk/client-sfn@3',
  '@aws-sdk/client-sns': '@aws-sdk/client-sns@3',
  '@aws-sdk/client-sqs': '@aws-sdk/client-sqs@3',
  '@modelcontextprotocol/server': '@modelcontextprotocol/server@2',
  esbuild: '--save-dev esbuild',
  ioredis: 'ioredis@6',
} as const;

export type OptionalPackage = keyof typeof installs;

export const optionalPackages = Object.keys(installs) as OptionalPackage[];

/** An option or a command needs packages that are not installed. */
export class MissingPackage extends Error {
  override readonly name = 'MissingPackage';

  constructor(neededBy: string, missing: readonly OptionalPackage[], options?: ErrorOptions) {
    super(`${neededBy} ${needs(missing)}`, options);
  }
}

/** The end of a sentence: which packages are needed, and the command that installs them. */
export function needs(missing: readonly OptionalPackage[]): string {
  const names = missing.join(' and ');
  const command = `npm install ${[...new Set(missing.map((name) => installs[name]))].join(' ')}`;
  return missing.length === 1
    ? `needs the package ${names}, which is not installed: run \`${command}\`.`
    : `needs the packages ${names}, which are not installed: run \`${command}\`.`;
}

/** Those of the packages that are not installed. */
export const missingOf = (names: readonly OptionalPackage[]): OptionalPackage[] =>
  names.filter((name) => !isInstalled(name));

/**
 * Loads packages with `load`, which names them literally, so that bundlers find them.
 *
 * @param neededBy the option or the command, as a sentence begins with it
 * @throws {MissingPackage} if some are not installed; or rejects with it, if `load` returns a promise
 */
export function loadPackages<Loaded>(
  neededBy: string,
  names: readonly OptionalPackage[],
  load: () => Loaded,
): Loaded {
  const explain = (error: unknown): never => {
    const { code } = error as NodeJS.ErrnoException;
    const missing = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND' ? missingOf(names) : [];
    throw missing.length === 0 ? error : new MissingPackage(neededBy, missing, { cause: error });
  };
  try {
    const loaded = load();
    return loaded instanceof Promise ? (loaded.catch(explain) as Loaded) : loaded;
  } catch (error) {
    return explain(error);
  }
}
