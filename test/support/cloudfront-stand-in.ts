import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sign } from 'aws4';

export interface CloudFrontStandIn {
  readonly url: string;
  /** The paths of each invalidation that it has taken. */
  readonly invalidated: string[][];
  /** Everything that came, taken or not. */
  readonly requests: { readonly url: string; readonly callerReference: string | undefined }[];
  /** Answers in place of taking an invalidation while it is set. */
  answer: ((response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

export const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret of the test' };

/** CreateInvalidation of the API of 2020-05-31 over HTTP; what is not signed right is refused, as is another body. */
export async function startCloudFront(): Promise<CloudFrontStandIn> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const batch = batchForm.exec(body)?.groups;
      standIn.requests.push({ url: request.url!, callerReference: batch?.['reference'] });
      const { method, url, headers } = request;
      if (headers.authorization !== authorizationOf(method!, url!, headers, body))
        fail(response, 403, 'SignatureDoesNotMatch');
      else if (method !== 'POST' || batch === undefined || headers['content-type'] !== 'application/xml')
        fail(response, 400, 'MalformedXML');
      else if (standIn.answer !== undefined) standIn.answer(response);
      else {
        const paths = [...batch['items']!.matchAll(/<Path>([^<]*)<\/Path>/g)].map(([, path]) => path!);
        if (paths.length !== Number(batch['quantity'])) fail(response, 400, 'InconsistentQuantities');
        else {
          standIn.invalidated.push(paths);
          response.writeHead(201, { 'content-type': 'text/xml', location: `${url}/I1` });
          response.end(
            `<?xml version="1.0"?><Invalidation xmlns="${namespace}"><Id>I1</Id><Status>InProgress</Status>` +
              `<CreateTime>2026-11-25T12:00:00Z</CreateTime>${body.replace(/^<\?.*?\?>/, '')}</Invalidation>`,
          );
        }
      }
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const standIn: CloudFrontStandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    invalidated: [],
    requests: [],
    answer: undefined,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return standIn;
}

/** Answers with an error, as the API writes them. */
export function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'text/xml' });
  response.end(
    `<?xml version="1.0"?><ErrorResponse xmlns="${namespace}"><Error><Type>Sender</Type><Code>${code}</Code>` +
      `<Message>No.</Message></Error><RequestId>r1</RequestId></ErrorResponse>`,
  );
}

const namespace = 'http://cloudfront.amazonaws.com/doc/2020-05-31/';
const batchForm = new RegExp(
  `^<\\?xml version="1.0" encoding="UTF-8"\\?><InvalidationBatch xmlns="${namespace}"><Paths>` +
    '<Quantity>(?<quantity>\\d+)</Quantity><Items>(?<items>(<Path>[^<]+</Path>)+)</Items></Paths>' +
    '<CallerReference>(?<reference>[^<]+)</CallerReference></InvalidationBatch>$',
);

/** What `authorization` must say, by another implementation of Signature Version 4 than the one that signs. */
function authorizationOf(method: string, path: string, given: IncomingHttpHeaders, body: string) {
  const names = /SignedHeaders=([^,]+)/.exec(given.authorization ?? '')?.[1]?.split(';') ?? [];
  const headers = Object.fromEntries(names.map((name) => [name, String(given[name])]));
  if (!['host', 'x-amz-date'].every((name) => names.includes(name))) return undefined;
  const scope = { service: 'cloudfront', region: 'us-east-1' };
  const { headers: signed } = sign({ ...scope, method, path, host: given.host!, headers, body }, credentials);
  return signed!['Authorization'];
}
