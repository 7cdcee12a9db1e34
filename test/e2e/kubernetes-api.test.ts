/**
 * The manifests in deploy/kubernetes and the chart in deploy/helm/weir, applied to an API server of Kubernetes, which may not
 * be here: `.ci/full` builds it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { helm, render, runHelm } from '../support/chart';
import { sets } from '../support/chart-sets';
import { root } from '../support/documentation';
import { readManifests } from '../support/kubernetes';
import { type ApiServer, hasApiServer, startApiServer } from '../support/kubernetes-api';
import { endAll } from '../support/process';
import { saySkipped, whySkipped } from '../support/programs';
import type { Json } from '../support/running-gateway';

const isHere = helm !== undefined && hasApiServer;
if (!isHere)
  saySkipped(
    'the tests with an API server of Kubernetes',
    whySkipped('no helm or no folder in WEIR_TEST_KUBERNETES, as .ci/full makes it,'),
  );

(isHere ? describe : describe.skip)('an API server of Kubernetes', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer();
  });
  afterAll(() => server.stop());
  afterAll(endAll);

  const folder = join(root, 'deploy/kubernetes');
  const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'));
  const plain: Json[] = resources.flatMap((file: string) =>
    readManifests(readFileSync(join(folder, file), 'utf8')),
  );

  const release = (command: string, values: object, namespace: string) =>
    runHelm([command, 'weir', '--namespace', namespace, '--kubeconfig', server.kubeconfig], values);
  const versionsOf = async (objects: readonly Json[], namespace: string): Promise<Record<string, string>> => {
    const kept = await Promise.all(objects.map((object) => server.read(object, namespace)));
    return Object.fromEntries(
      kept.map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.resourceVersion]),
    );
  };

  it('takes the plain manifests, and changes nothing when they are applied again', async () => {
    await server.createNamespace('plain');
    const first = await Promise.all(plain.map((object) => server.apply(object, 'plain')));
    const second = await Promise.all(plain.map((object) => server.apply(object, 'plain')));
    expect(second).toEqual(first);
    const { volumes } = first.find(({ kind }) => kind === 'Deployment').spec.template.spec;
    expect(volumes).toContainEqual({ name: 'secret-0', secret: { secretName: 'weir', defaultMode: 0o440 } });
  });

  it('refuses manifests with a mistake', async () => {
    const deployment = structuredClone(plain.find(({ kind }) => kind === 'Deployment'));
    deployment.spec.template.spec.containers[0].livenesProbe = {};
    await expect(server.apply(deployment, 'plain')).rejects.toThrow(
      /livenesProbe: field not declared in schema/,
    );
  });

  it.each(Object.entries(sets).map(([name, values], i) => [name, values, `set-${i}`] as const))(
    'takes an installation with %s, and each of its objects strictly',
    async (_, values, namespace) => {
      await server.createNamespace(namespace);
      expect(release('install', values, namespace).refused).toBe('');
      const objects = render(values);
      for (const object of objects) {
        expect(await server.read(object, namespace)).toMatchObject(object);
        await server.apply({ ...object, metadata: { ...object.metadata, name: 'other' } }, namespace, true);
      }
    },
  );

  it('keeps all objects of a release that an upgrade does not name', async () => {
    await server.createNamespace('upgraded');
    const before = sets['a ServiceMonitor']!;
    const objects = render(before);
    expect(release('install', before, 'upgraded').refused).toBe('');
    const installed = await versionsOf(objects, 'upgraded');
    const after = {
      ...before,
      options: { ...before.options, limits: { depth: 7 } },
      service: { port: 8080 },
    };
    expect(release('upgrade', after, 'upgraded').refused).toBe('');
    const upgraded = await versionsOf(objects, 'upgraded');
    const changed = Object.keys(installed).filter((name) => installed[name] !== upgraded[name]);
    expect(changed.sort()).toEqual(['ConfigMap weir', 'Service weir']);
    const uninstalled = release('upgrade', { ...after, serviceMonitor: { enabled: false } }, 'upgraded');
    expect(uninstalled.refused).toBe('');
    const monitor = objects.find(({ kind }) => kind === 'ServiceMonitor')!;
    expect(await server.read(monitor, 'upgraded')).toBe(undefined);
  });
});
