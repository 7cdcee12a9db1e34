import { STATUS_CODES } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { IncomingRequest } from '../request/incoming-request';
import { onlyPart } from '../request/answers/only-part';
import { errorAnswer } from './error-answer';

/**
 * Refuses a request at the lowest possible cost, before any other work: time spent on refusals is lost for the requests that
 * are admitted.
 */
export function createRefusal(
  error: GraphQLError,
): (request: Pick<IncomingRequest, 'head' | 'sink'>) => void {
  const { ownHeaders } = errorAnswer(error);
  const prepared = ['', 'application/graphql-response+json'].map((accept) => {
    const { status, headers, body } = errorAnswer(error, accept);
    const bytes = Buffer.from(body);
    return { status, headers: [...headers, 'content-length', String(bytes.length)], body: bytes };
  });
  /** By the headers for browsers, of which there are few, and the media type. */
  const known = new WeakMap<readonly string[], [json?: Buffer, graphql?: Buffer]>();
  return ({ head, sink }) => {
    const { accept = '' } = head.headers;
    if (sink.refusesInEvents) {
      const body = onlyPart(prepared[0]!.body, { kind: 'events', ending: 'failed' });
      sink.answer({ status: 200, headers: [...ownHeaders, 'cache-control', 'no-store'], body });
      return;
    }
    const type = accept.includes('application/graphql-response+json') ? 1 : 0;
    const answer = prepared[type]!;
    const { status, headers, body } = answer;
    const { messages } = sink;
    if (messages === undefined || head.method === 'HEAD') {
      sink.answer(answer);
      return;
    }
    const { corsHeaders } = messages;
    let written = known.get(corsHeaders);
    if (written === undefined) known.set(corsHeaders, (written = []));
    messages.sendMessage(status, (written[type] ??= messageOf(status, [...headers, ...corsHeaders], body)));
  };
}

/** As it goes over the connection. A response with a status from 500 on need not say what time it is. */
function messageOf(status: number, headers: readonly string[], body: Buffer): Buffer {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]);
}
