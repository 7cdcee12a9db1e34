import { CommandFailure, type Context } from './context';

/**
 * Reads headers that a flag gives as `NAME=VARIABLE`, with the values of variables of the environment: a value on the
 * command line would be in the list of processes. No error has what was given, as it may be a secret.
 *
 * @throws {CommandFailure}
 */
export function headersOf(flag: string, headers: readonly string[], env: Context['env']): [string, string][] {
  return headers.map((text) => {
    const [, name, variable] = /^([^=]+)=\$?([A-Za-z_]\w*)$/.exec(text) ?? [];
    if (name === undefined || variable === undefined)
      throw new CommandFailure(
        `weir: ${flag} must be a header and the variable of the environment that has its value, such as authorization=TOKEN.`,
        2,
      );
    const known = headerName(flag, name);
    const value = env[variable];
    if (value === undefined || value === '')
      throw new CommandFailure(
        `weir: ${flag} ${known} names a variable of the environment that is not set: give the name of the variable, and export it.`,
        2,
      );
    if (!/^[\t\x20-\x7e\x80-\xff]+$/.test(value))
      throw new CommandFailure(
        `weir: the variable for ${flag} ${known} must be one line of Latin characters.`,
        2,
      );
    return [known, value];
  });
}

/** What of the values of headers may be a secret, also behind a scheme such as `Bearer`: the longest first. */
export const secretsIn = (values: Iterable<string>): string[] =>
  [...values]
    .flatMap((value) => [value, value.replace(/^[\w-]+ +/, '')])
    .filter((value) => value.length >= shortestSecret)
    .sort((a, b) => b.length - a.length);
/** Characters: shorter ones, such as the name of a language, stand in answers for other reasons. */
const shortestSecret = 8;

/** The name of a header, in lower case. @throws {CommandFailure} */
export function headerName(flag: string, name: string): string {
  if (!/^[\w!#$%&'*+.^`|~-]{1,100}$/.test(name))
    throw new CommandFailure(`weir: ${flag} must begin with the name of a header, such as authorization.`, 2);
  const known = name.toLowerCase();
  if (ownHeaders.has(known))
    throw new CommandFailure(`weir: ${flag} must not name ${known}, which each request has already.`, 2);
  return known;
}

const ownHeaders = new Set([
  ...['connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive', 'proxy-connection'],
  ...['accept-encoding', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);
