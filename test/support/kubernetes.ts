/** Manifests, and the schemas of Kubernetes. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';
import { root } from './documentation';
import type { Json } from './running-gateway';

/** The objects in a text of YAML 1.1, which Kubernetes reads: `0440` is octal. @throws on what is no YAML */
export function readManifests(text: string): Json[] {
  const documents = parseAllDocuments(text, { version: '1.1' });
  return documents.flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0]!;
    return document.contents === null ? [] : [document.toJSON()];
  });
}

/**
 * `kubernetes-types` is made of the OpenAPI schema of Kubernetes. The compiler finds members that are unknown or missing,
 * and values of wrong types.
 */
export function mistakesIn(manifests: readonly Json[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'weir-kubernetes-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
    const file = join(folder, 'manifests.ts');
    const lines = manifests.map((manifest, i) => {
      const { apiVersion, kind } = manifest;
      const module = apiVersion === 'v1' ? 'core/v1' : apiVersion.replace('.k8s.io', '');
      return `export const m${i}: import('kubernetes-types/${module}').${kind} = ${JSON.stringify(manifest)};`;
    });
    writeFileSync(file, lines.join('\n'));
    const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ['lib.es5.d.ts'] };
    const program = ts.createProgram([file], { ...options, module: ts.ModuleKind.CommonJS });
    return ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
