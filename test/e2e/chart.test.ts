/** deploy/helm/weir by Helm, which may not be here: `go install helm.sh/helm/v3/cmd/helm@v3.22.0`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { parseOptions } from '../../gateway/options';
import { helm, render, runHelm } from '../support/chart';
import { sets, supergraph } from '../support/chart-sets';
import { examplesOf, root } from '../support/documentation';
import { mistakesIn } from '../support/kubernetes';
import { saySkipped, whySkipped } from '../support/programs';
import { startCli } from '../support/run-cli';
import type { Json } from '../support/running-gateway';

if (helm === undefined)
  saySkipped('the tests of the Helm chart', whySkipped('no helm (its path in WEIR_TEST_HELM)'));
const onlyWithHelm = helm === undefined ? describe.skip : describe;

const one = (objects: readonly Json[], kind: string): Json => objects.find((object) => object.kind === kind);
const isOfKubernetes = ({ kind }: Json): boolean => kind !== 'ServiceMonitor';

onlyWithHelm('the chart', () => {
  it('is that of which the plain manifests are made', () => {
    const folder = join(root, 'deploy/kubernetes');
    const values = parse(readFileSync(join(folder, 'values.yaml'), 'utf8')) as object;
    const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'));
    // The one manifest that is written: the chart has no Secret.
    const made = resources.filter((file: string) => file !== 'secret.yaml');
    const wanted = made.map((file: string) => {
      const { text } = runHelm(['template', 'weir', '--show-only', `templates/${file}`], values);
      const plain = text.replace(/^# Source: .*\n/gm, '').replace(/^---\n/, '');
      if (process.env['WRITE_DOCS']) writeFileSync(join(folder, file), plain);
      return plain;
    });
    expect(made.map((file: string) => readFileSync(join(folder, file), 'utf8'))).toEqual(wanted);
    expect(render(values)).toHaveLength(wanted.join('').split(/^kind:/m).length - 1);
  });

  it.each(Object.entries(sets))('with %s has no mistakes that Helm or Kubernetes know', (_, values) => {
    expect(runHelm(['lint', '--strict'], values)).toEqual({ text: expect.any(String), refused: '' });
    const objects = render(values);
    expect(mistakesIn(objects.filter(isOfKubernetes))).toEqual([]);
    const options = parseOptions(
      parse(one(objects, 'ConfigMap').data['weir.yaml'].replace(/\$\{[^}]*\}/g, 'a'.repeat(64))),
    );
    const { spec } = one(objects, 'Deployment').spec.template;
    const { ports, readinessProbe, args } = spec.containers[0];
    expect(args).toEqual(['--config', '/etc/weir/weir.yaml']);
    const { port: health } = options.health;
    const { enabled, port: admin } = options.admin;
    expect(Object.fromEntries(ports.map(({ name, containerPort }: Json) => [name, containerPort]))).toEqual({
      ...{ http: options.port, ...(enabled && { admin }), ...(health !== undefined && { health }) },
    });
    expect(readinessProbe.httpGet.port).toBe(health === undefined ? 'http' : 'health');
    expect(readinessProbe.httpGet.scheme).toBe(
      options.tls !== undefined && health === undefined ? 'HTTPS' : undefined,
    );
    const { delay, grace } = options.shutdown;
    expect(spec.terminationGracePeriodSeconds).toBe(Math.ceil(delay / 1000) + Math.ceil(grace / 1000) + 10);
    expect(spec.volumes.map(({ name }: Json) => name)).toEqual(
      spec.containers[0].volumeMounts.map(({ name }: Json) => name),
    );
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  it('hands a supergraph on as it is, and mounts it where the options look for it', () => {
    const objects = render({ supergraph });
    const [own] = objects.filter(({ metadata }) => metadata.name === 'weir-supergraph');
    expect(own.data).toEqual({ 'supergraph.graphql': supergraph.sdl });
    const options = parse(one(objects, 'ConfigMap').data['weir.yaml']);
    const { volumes, containers } = one(objects, 'Deployment').spec.template.spec;
    const { mountPath } = containers[0].volumeMounts.find(({ name }: Json) => name === 'supergraph');
    expect(options.supergraph).toEqual({ file: `${mountPath}/supergraph.graphql` });
    expect(volumes).toContainEqual({ name: 'supergraph', configMap: { name: 'weir-supergraph' } });
  });

  it('starts a gateway with nothing but a supergraph', async () => {
    const sdl = readFileSync(join(root, 'schema/supergraph.graphql'), 'utf8');
    const values = { supergraph: { sdl }, options: { shutdown: { delay: '0s' } } };
    const [options, own] = render(values).filter(({ kind }) => kind === 'ConfigMap');
    const folder = mkdtempSync(join(tmpdir(), 'weir-chart-'));
    writeFileSync(join(folder, 'supergraph.graphql'), own!.data['supergraph.graphql']);
    const config = join(folder, 'weir.yaml');
    writeFileSync(config, options!.data['weir.yaml'].replace('/etc/weir-supergraph', folder));
    const running = startCli([
      'gateway',
      '--config',
      config,
      '--port',
      '0',
      '--admin-port',
      '0',
      '--log-level',
      'warn',
    ]);
    await Promise.race([running.printed(/the gateway answers at /), running.result]);
    expect(await running.stop()).toMatchObject({ exitCode: 0 });
    rmSync(folder, { recursive: true });
  });

  it('has two releases in one namespace that share no name and select no pods of each other', () => {
    const values = { supergraph, networkPolicy: { enabled: true }, serviceMonitor: { enabled: true } };
    const [first, second] = ['weir', '0815'].map((name) => render(values, name));
    const names = [...first!, ...second!].map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(one(second!, 'Deployment').spec.selector.matchLabels['app.kubernetes.io/instance']).toBe('0815');
    expect(one(second!, 'Service').spec.selector).toEqual(
      one(second!, 'Deployment').spec.selector.matchLabels,
    );
  });

  it.each(examplesOf('docs/helm.md').filter(({ file }) => file === 'values.yaml'))(
    'takes the values at $at',
    ({ text }) => {
      const { options, ...others } = parse(text);
      const isComplete = others.supergraph !== undefined || options?.supergraph !== undefined;
      const objects = render({ ...others, ...(isComplete ? { options } : { supergraph, options }) });
      expect(mistakesIn(objects.filter(isOfKubernetes))).toEqual([]);
    },
  );
});
