import { STATUS_CODES } from 'node:http';
import type { GraphQLError } from 'graphql';
import { forgetBody, isArriving } from './body';
import { WholeResponse } from './whole-messages';
import { errorAnswer } from './error-answer';
import { type HttpSink, letUploadEnd } from './http-sink';

/**
 * Refuses a request at the lowest possible cost, before any other work: time spent on refusals is lost for the requests that
 * are admitted.
 */
export function createRefusal(error: GraphQLError): (sink: HttpSink) => void {
  const prepared = ['', 'application/graphql-response+json'].map((accept) => {
    const { status, headers, body } = errorAnswer(error, accept);
    const bytes = Buffer.from(body);
    return { status, headers: [...headers, 'content-length', String(bytes.length)], bytes };
  });
  /** By the headers for browsers, of which there are few, and the media type. */
  const messages = new WeakMap<readonly string[], [json?: Buffer, graphql?: Buffer]>();
  return ({ request, response, corsHeaders: cors }) => {
    const { accept = '' } = request.headers;
    const type = accept.includes('application/graphql-response+json') ? 1 : 0;
    const { status, headers, bytes } = prepared[type]!;
    if (isArriving(request)) letUploadEnd(request, response);
    else forgetBody(request);
    if (response instanceof WholeResponse && response.takesMessage && request.method !== 'HEAD') {
      let known = messages.get(cors);
      if (known === undefined) messages.set(cors, (known = []));
      response.sendMessage(status, (known[type] ??= messageOf(status, [...headers, ...cors], bytes)));
      return;
    }
    response.writeHead(status, [...headers, ...cors]);
    response.end(bytes);
  };
}

/** As it goes over the connection. A response with a status from 500 on need not say what time it is. */
function messageOf(status: number, headers: readonly string[], body: Buffer): Buffer {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]);
}
