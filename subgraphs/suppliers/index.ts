import { createHash } from 'node:crypto';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { runServiceWhenMain, type Service } from '../../kit';
import { deliveryOf, suppliers as all } from './seed';

/** Who delivers what: a REST API that openapi.yaml describes. It knows nothing of GraphQL. */
export const suppliers: Service = { name: 'suppliers', port: 4010, path: '', serve };

function serve(app: FastifyInstance): void {
  app.get<{ Querystring: { ids?: string } }>(
    '/suppliers',
    { schema: { querystring: listOf('ids', []) } },
    ({ query: { ids } }, reply) =>
      reply
        .header('cache-control', 'max-age=300')
        .send(ids === undefined ? all : split(ids).flatMap(findSupplier)),
  );

  app.get<WithId>('/suppliers/:id', (request, reply) => {
    const [supplier] = findSupplier(request.params.id);
    return supplier ? sendTagged(supplier, request, reply) : refuse(reply);
  });

  let enquiries = 0;
  app.post<WithId & { Body: { upc: string; text: string } }>(
    '/suppliers/:id/enquiries',
    { schema: { body: newEnquiry } },
    ({ params: { id }, body: { upc, text } }, reply) => {
      if (findSupplier(id).length === 0) return refuse(reply);
      return reply.code(201).send({ id: `e${(enquiries += 1)}`, upc, text });
    },
  );

  app.get<{ Querystring: { upcs: string } }>(
    '/products',
    { schema: { querystring: listOf('upcs', ['upcs']) } },
    ({ query: { upcs } }, reply) =>
      reply.header('cache-control', 'max-age=300').send(split(upcs).flatMap(deliveryOf)),
  );
}

interface WithId {
  Params: { id: string };
}

const findSupplier = (id: string) => all.filter((supplier) => supplier.id === id);
const split = (list: string): string[] => list.split(',').slice(0, 100);

const listOf = (name: string, required: string[]) => ({
  ...{ type: 'object', required, properties: { [name]: { type: 'string', minLength: 1, maxLength: 5_000 } } },
});

const newEnquiry = {
  type: 'object',
  required: ['upc', 'text'],
  properties: { upc: { type: 'string' }, text: { type: 'string', minLength: 1, maxLength: 500 } },
};

const refuse = (reply: FastifyReply) => reply.code(404).send({ message: 'There is no such supplier.' });

/** An answer that may be cached for a minute, and is then revalidated by its `ETag`. */
function sendTagged(content: object, { headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const tag = `"${createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 16)}"`;
  void reply.header('cache-control', 'max-age=60').header('etag', tag);
  return headers['if-none-match'] === tag ? reply.code(304).send() : reply.send(content);
}

runServiceWhenMain(module, suppliers);
