const name = /^[_A-Za-z][_0-9A-Za-z]*$/;

/**
 * The coordinate of a field that is named `Type.field`, or as AppSync does it:
 * `arn:aws:appsync:REGION:ACCOUNT:apis/API/types/Type/fields/field`. Undefined for any other text, such as a wildcard.
 */
export function coordinateOf(text: string): string | undefined {
  const parts = text.startsWith('arn:') ? partsOfArn(text.split('/')) : text.split('.');
  return parts.length === 2 && parts.every((each) => name.test(each)) ? parts.join('.') : undefined;
}

function partsOfArn(segments: readonly string[]): readonly string[] {
  const [types, type = '', fields, field = ''] = segments.slice(-4);
  return types === 'types' && fields === 'fields' ? [type, field] : [];
}
