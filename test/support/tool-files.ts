import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder with files of tools, by their names. */
export function toolFiles(files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-tools-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { folder, pattern: join(folder, '*.graphql'), remove: () => rmSync(folder, { recursive: true }) };
}

export interface ToolMessage {
  readonly method: string;
  readonly params?: object;
  readonly id?: string | number | null;
}

/** A message in the protocol of 2026. */
export function modernMessage({ method, params = {}, id = 1 }: ToolMessage) {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const { name } = params as { name?: string };
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': name }),
  };
  return {
    headers,
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }),
  };
}

/** A message in the protocol before. */
export const olderMessage = ({ method, params, id = 1 }: ToolMessage) => ({
  headers: {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  } as Record<string, string>,
  body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
});
