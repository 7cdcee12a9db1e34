/** deploy/kubernetes/, and the manifests of docs/discovery.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { parseOptions } from '../../../gateway/options';
import { targetOf } from '../../../gateway/options/targets';
import { readTemplate } from '../../support/cloudformation';
import { examplesOf } from '../../support/documentation';
import { mistakesIn, readManifests } from '../../support/kubernetes';
import type { Json } from '../../support/running-gateway';

const root = join(__dirname, '../../..');
const folder = join(root, 'deploy/kubernetes');
const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'));
const read = (file: string): Json[] => readManifests(readFileSync(join(folder, file), 'utf8'));
const objects: Json[] = resources.flatMap(read);
const discovery = examplesOf('docs/discovery.md');
const found = readManifests(discovery.find(({ file }) => file === 'products.yaml')!.text);
const one = (kind: string): Json => objects.find((object) => object.kind === kind)!;

it('lists every manifest for kustomize', () => {
  const files = readdirSync(folder).filter((file) => !['kustomization.yaml', 'values.yaml'].includes(file));
  expect([...resources].sort()).toEqual(files.sort());
});

it('has manifests that Kubernetes knows, and would find mistakes in them', () => {
  expect(mistakesIn([...objects, ...found])).toEqual([]);
  const deployment = structuredClone(one('Deployment'));
  deployment.spec.template.spec.containers[0].livenesProbe = {};
  const service = structuredClone(one('Service'));
  service.spec.ports[0].port = '80';
  const unnamed = structuredClone(one('Deployment'));
  delete unnamed.spec.template.spec.containers[0].name;
  const [unknown, wrong, missing] = mistakesIn([deployment, service, unnamed]);
  expect(unknown).toContain("'\"livenesProbe\"' does not exist in type 'Container'");
  expect(wrong).toContain("Type 'string' is not assignable to type 'number'");
  expect(missing).toContain("Property 'name' is missing");
});

describe('what only holds together', () => {
  const { spec } = one('Deployment');
  const pod = spec.template.spec;
  const [container] = pod.containers;
  const mounts = new Map<string, string>(
    container.volumeMounts.map((each: Json) => [each.name, each.mountPath]),
  );
  const secrets = `${mounts.get('secret-0')}/`;
  const written: string = one('ConfigMap').data['weir.yaml'];
  /** With what the files of the secret hold. */
  const options = parseOptions(
    parse(
      written.replace(/\$\{file:([^}]+)\}/g, (_, file: string) => {
        expect(file.startsWith(secrets)).toBe(true);
        return one('Secret').stringData[file.slice(secrets.length)];
      }),
    ),
  );

  it('has options that a gateway takes, and ports that are theirs', () => {
    const ports = Object.fromEntries(
      container.ports.map(({ name, containerPort }: Json) => [name, containerPort]),
    );
    expect(ports).toEqual({ http: options.port, admin: options.admin.port });
    expect(options.host).toBe('0.0.0.0');
  });

  it('asks for health at paths and ports that exist', () => {
    for (const name of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
      const { path, port } = container[name].httpGet;
      expect(path).toBe(name === 'livenessProbe' ? '/health/live' : '/health/ready');
      expect(port).toBe('http');
    }
  });

  it('gives requests in flight the time that they have', () => {
    const { delay, grace } = options.shutdown;
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(delay + grace);
    // Until Kubernetes has seen that it is not ready, requests come.
    const { periodSeconds, failureThreshold } = container.readinessProbe;
    expect(delay).toBeGreaterThan(periodSeconds * failureThreshold * 1000);
  });

  it('selects the same pods everywhere', () => {
    const { labels } = spec.template.metadata;
    expect(spec.selector.matchLabels).toEqual(labels);
    expect(one('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels);
    for (const service of objects.filter(({ kind }) => kind === 'Service'))
      expect(service.spec.selector).toEqual(labels);
    expect(one('HorizontalPodAutoscaler').spec.scaleTargetRef.name).toBe(one('Deployment').metadata.name);
  });

  it('mounts what there is, where the options look for it', () => {
    expect([...mounts.keys()].sort()).toEqual(pod.volumes.map(({ name }: Json) => name).sort());
    const { secret } = pod.volumes.find(({ name }: Json) => name === 'secret-0');
    expect(secret.secretName).toBe(one('Secret').metadata.name);
    expect(options.admin.token).toBe(one('Secret').stringData['admin-token']);
    const keysFile = options.privateLinks.keysFile!;
    expect(keysFile.startsWith(secrets)).toBe(true);
    expect(one('Secret').stringData).toHaveProperty(keysFile.slice(secrets.length));
    expect(container.args).toEqual(['--config', `${mounts.get('config')}/weir.yaml`]);
  });
});

describe('service discovery, as its page has it', () => {
  /** The target in the options that follow an example. */
  const targetAfter = (file: string) => {
    const next = discovery[discovery.findIndex((each) => each.file === file) + 1]!;
    const [subgraph] = Object.values(parseOptions(parse(next.text)).subgraphs);
    return targetOf(subgraph!.url as string);
  };

  it('in Kubernetes finds the pods that are ready', () => {
    const [service, deployment] = found;
    const { name, namespace } = service.metadata;
    const { template, selector } = deployment.spec;
    const [{ ports, readinessProbe }] = template.spec.containers;
    expect(service.spec).toMatchObject({ clusterIP: 'None', selector: template.metadata.labels });
    expect(selector.matchLabels).toEqual(template.metadata.labels);
    expect(deployment.metadata.namespace).toBe(namespace);
    expect(targetAfter('products.yaml')).toMatchObject({
      ...{ kind: 'dns', name: `${name}.${namespace}.svc.cluster.local`, path: '/graphql' },
      port: ports[0].containerPort,
    });
    expect(service.spec.ports).toEqual([{ name: ports[0].name, port: ports[0].containerPort }]);
    expect(readinessProbe.httpGet).toEqual({ path: '/health/ready', port: ports[0].name });
  });

  it('in ECS finds the tasks that are registered', () => {
    const { Resources } = readTemplate(discovery.find(({ file }) => file === 'template.yaml')!.text);
    const { Namespace, InventoryInstances, Inventory } = Resources as Json;
    expect(InventoryInstances.Properties.NamespaceId).toEqual({ Ref: 'Namespace' });
    expect(Inventory.Properties.ServiceRegistries).toEqual([
      { RegistryArn: { 'Fn::GetAtt': ['InventoryInstances', 'Arn'] } },
    ]);
    // There is no port in an A record, so the target has it.
    expect(InventoryInstances.Properties.DnsConfig.DnsRecords).toMatchObject([{ Type: 'A' }]);
    expect(targetAfter('template.yaml')).toMatchObject({
      ...{ kind: 'cloudmap', name: Namespace.Properties.Name, service: InventoryInstances.Properties.Name },
      ...{ path: '/graphql', port: 4003 },
    });
  });
});
