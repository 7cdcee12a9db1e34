import type { JSX } from 'preact';
import type { RequestSummary } from '../../gateway/console/api';
import { Badge, type Tone } from './badge';
import { Name } from './name';

/** How a request ended: its status, or its first error code, in one badge. */
export function Outcome({
  request,
}: {
  readonly request: Pick<RequestSummary, 'status' | 'codes'>;
}): JSX.Element {
  const { status, codes } = request;
  if (status === undefined) return <Badge tone="warn">client left</Badge>;
  const [code] = codes;
  if (code === undefined) return <Badge tone={status < 400 ? 'good' : 'bad'}>{status}</Badge>;
  return (
    <Badge tone="bad">
      {status} <Name text={code} />
      {codes.length > 1 && ` +${codes.length - 1}`}
    </Badge>
  );
}

/** What the response cache did: `HIT`, `STALE`, `MISS` or `PASS`. */
export const CacheResult = ({ result }: { readonly result: string | undefined }): JSX.Element =>
  result === undefined ? (
    <span class="muted">–</span>
  ) : (
    <Badge tone={tones[result] ?? 'plain'}>{result}</Badge>
  );

const tones: Readonly<Record<string, Tone>> = { HIT: 'good', STALE: 'warn' };

/** The name of a request's operation, or what stands for it. */
export const operationName = ({ operation }: Pick<RequestSummary, 'operation'>): string =>
  operation === undefined
    ? '(no operation)'
    : (operation.name ?? `(unnamed ${operation.type === '' ? 'operation' : operation.type})`);
