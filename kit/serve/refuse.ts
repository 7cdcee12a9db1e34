import { type FastifyReply } from 'fastify';

/** Answers as GraphQL answers an error. */
export function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ errors: [{ message, extensions: { code } }] });
}
