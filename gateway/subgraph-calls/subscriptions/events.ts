import { JsonParts } from '../wire/json-parts';
import type { SubgraphEvent } from '../contract/transport';

/** An event, of the GraphQL response that the subgraph sent for it. */
export function eventOf(body: Buffer, response: { readonly status?: number } = {}): SubgraphEvent {
  const { status = 200 } = response;
  if (!body.includes(extensionsName)) return { status, headers: noHeaders, body };
  const { position, gap } = extensionsOf(body);
  return {
    status,
    headers: noHeaders,
    body,
    position: typeof position === 'string' ? position : undefined,
    isGap: gap === true,
  };
}

/** What `SubgraphEvent.isGap` stands for. */
export const gapEvent: SubgraphEvent = {
  status: 200,
  headers: {},
  body: Buffer.from('{"data":null,"extensions":{"gap":true}}'),
  isGap: true,
};

const noHeaders = {};
const extensionsName = Buffer.from('"extensions"');

function extensionsOf(body: Buffer): { readonly position?: unknown; readonly gap?: unknown } {
  let extensions: Buffer | undefined;
  try {
    const parts = new JsonParts(body);
    parts.object((name) => {
      const value = parts.value();
      if (name === 'extensions') extensions = value;
    });
    const read: unknown = extensions === undefined ? {} : JSON.parse(extensions.toString());
    return typeof read === 'object' && read !== null ? read : {};
  } catch {
    // Whoever reads the whole event reports what is wrong with it.
    return {};
  }
}
