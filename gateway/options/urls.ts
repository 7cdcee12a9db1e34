/** What URLs may hold of secrets: user and password, and values of the query. */

/** A text, which may be a URL, without them. */
export function hideInUrls(text: string): string {
  const parts = partsOf(text);
  if (parts === undefined) return text;
  const { scheme, credentials, address, query, fragment } = parts;
  const shown = query?.map(({ name, value }) =>
    value === undefined ? name : `${name}=${isShown(name) || value === '' ? hideInUrls(value) : '[hidden]'}`,
  );
  return [
    `${scheme}${credentials === undefined ? '' : '[hidden]@'}${address}`,
    ...(shown === undefined ? [] : [`?${shown.join('&')}`]),
    fragment,
  ].join('');
}

/** As they are written, and decoded. Of a user with a password, only that is one. */
export function secretsInUrl(text: string): string[] {
  const { credentials = '', query = [] } = partsOf(text) ?? {};
  const colon = credentials.indexOf(':');
  const found = [
    credentials.slice(colon + 1),
    ...query.flatMap(({ name, value = '' }) => (isShown(name) ? secretsInUrl(value) : [value])),
  ];
  return [...new Set(found.flatMap((secret) => [secret, decoded(secret)]))].filter((secret) => secret !== '');
}

/** They say where something is: `s3://BUCKET/KEY?region=REGION&endpoint=URL`, `dns://HOST?protocol=https`. */
const isShown = (name: string): boolean => ['region', 'endpoint', 'protocol'].includes(name);

/** Not by `URL`: what is no URL may still hold a password. */
function partsOf(text: string) {
  const begin = text.indexOf('://') + '://'.length;
  if (begin < '://'.length) return undefined;
  const rest = text.slice(begin);
  const authority = rest.slice(0, endOf(rest, '/?#'));
  const inAuthority = authority.lastIndexOf('@');
  // A password with a slash makes it no URL.
  const at = inAuthority < 0 && !URL.canParse(text) ? rest.lastIndexOf('@') : inAuthority;
  const location = rest.slice(at + 1);
  const hash = endOf(location, '#');
  const beforeHash = location.slice(0, hash);
  const question = endOf(beforeHash, '?');
  return {
    scheme: text.slice(0, begin),
    credentials: at < 0 ? undefined : rest.slice(0, at),
    address: beforeHash.slice(0, question),
    query:
      question === beforeHash.length
        ? undefined
        : beforeHash
            .slice(question + 1)
            .split('&')
            .map(toMember),
    fragment: location.slice(hash),
  };
}

/** Where the first of some characters is, or the end. */
function endOf(text: string, characters: string): number {
  for (let i = 0; i < text.length; i++) if (characters.includes(text[i]!)) return i;
  return text.length;
}

function toMember(member: string): { readonly name: string; readonly value: string | undefined } {
  const equals = member.indexOf('=');
  return equals < 0
    ? { name: member, value: undefined }
    : { name: member.slice(0, equals), value: member.slice(equals + 1) };
}

/** A part of a URL without percent-encoding; as it is written if that is none. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
