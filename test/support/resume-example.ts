import { transformSync } from '@swc/core';
import type { ExecutionResult } from 'graphql';
import type { Client, Sink, SubscribePayload } from 'graphql-ws';
import { examplesOf } from './documentation';

type Resume = (client: Client, payload: SubscribePayload, sink: Sink<ExecutionResult>) => () => void;

export const resumeExample = examplesOf('docs/realtime.md').find(({ file }) => file === 'resume.ts')!;

/** `resume()` of docs/realtime.md, as it stands there. */
export function loadResume(): Resume {
  const { code } = transformSync(resumeExample.text, {
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
  });
  const exported: { resume?: Resume } = {};
  // oxlint-disable-next-line typescript/no-implied-eval -- it is our own page
  new Function('exports', code)(exported);
  return exported.resume!;
}
