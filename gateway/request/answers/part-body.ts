import type { GraphQLError } from 'graphql';
import type { ExecutionPart, DeferredPart } from '../../execution';
import type { FormatError } from './format-error';
import type { IncomingRequest } from '../incoming-request';
import { formattedErrors } from './response-body';
import type { IncrementalFormat } from '../sink';

export interface PartBodyOptions {
  readonly format: IncrementalFormat;
  readonly formatError: FormatError;
  readonly request: Pick<IncomingRequest, 'noteError'>;
  /** For development. */
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** One part of an answer with deferred fragments, as UTF-8 JSON in the format that its client takes. */
export function partBody({ data, errors, part }: ExecutionPart, options: PartBodyOptions): Buffer {
  const { format, formatError, request, extensions } = options;
  const written: Buffer[] = [];
  const text = (json: string): void => void written.push(Buffer.from(json));
  const errorsMember = (some: readonly GraphQLError[]): string =>
    some.length === 0 ? '' : `"errors":${JSON.stringify(formattedErrors(some, formatError, request))},`;
  text('{');
  if (data.length > 0) {
    text(`${errorsMember(errors)}"data":`);
    written.push(data);
    text(',');
  }
  if (format === 'v0.2') writeV02(part);
  else write20220824(part);
  if (extensions !== undefined) text(`"extensions":${JSON.stringify(extensions)},`);
  text(`"hasNext":${part.hasNext}}`);
  return Buffer.concat(written);

  function writeV02({ pending, incremental, completed }: DeferredPart): void {
    if (pending.length > 0)
      text(`"pending":${JSON.stringify(pending.map(({ id, path, label }) => ({ id, path, label })))},`);
    writeList('incremental', incremental, ({ fragment, subPath, data: added, errors: own }) => {
      const at = subPath.length === 0 ? '' : `"subPath":${JSON.stringify(subPath)},`;
      text(`{"id":"${fragment.id}",${at}${errorsMember(own)}"data":`);
      written.push(added);
      text('}');
    });
    writeList('completed', completed, ({ fragment, errors: own }) =>
      text(`{${errorsMember(own ?? [])}"id":"${fragment.id}"}`),
    );
  }

  /** Each fragment is whole, and known by its path and its label. */
  function write20220824({ incremental, completed }: DeferredPart): void {
    const byFragment = new Map(incremental.map((one) => [one.fragment, one]));
    writeList('incremental', completed, ({ fragment, errors: own }) => {
      const { path, label } = fragment;
      const increment = byFragment.get(fragment);
      const name = label === undefined ? '' : `"label":${JSON.stringify(label)},`;
      text(`{"path":${JSON.stringify(path)},${name}${errorsMember(own ?? increment?.errors ?? [])}"data":`);
      if (increment === undefined) text('null');
      else written.push(increment.data);
      text('}');
    });
  }

  function writeList<Each>(name: string, list: readonly Each[], write: (each: Each) => void): void {
    if (list.length === 0) return;
    text(`"${name}":[`);
    for (const [i, each] of list.entries()) {
      if (i > 0) text(',');
      write(each);
    }
    text('],');
  }
}
