import type { FastifyReply } from 'fastify';
import type { GraphQLError } from 'graphql';
import { isArriving } from './body';
import { errorAnswer } from './error-answer';
import { letUploadEnd } from './http-sink';

/** Sends an error as the whole answer on the port for operators. */
export function sendError(reply: FastifyReply, error: GraphQLError): FastifyReply {
  const { raw: request, headers: received } = reply.request;
  const { status, headers, body } = errorAnswer(error, received.accept);
  for (let i = 0; i < headers.length; i += 2) void reply.header(headers[i]!, headers[i + 1]);
  if (isArriving(request)) {
    reply.removeHeader('connection');
    letUploadEnd(request, reply.raw);
  }
  return reply.code(status).send(body);
}
