/** The values of deploy/helm/weir by Helm, which may not be here: what each changes, and which are refused. */
import { isMap } from '../../gateway/options/is-map';
import { chartValues, helm, render, runHelm } from '../support/chart';
import { saySkipped, whySkipped } from '../support/programs';
import type { Json } from '../support/running-gateway';

if (helm === undefined)
  saySkipped("the tests of the Helm chart's values", whySkipped('no helm (its path in WEIR_TEST_HELM)'));
const onlyWithHelm = helm === undefined ? describe.skip : describe;

const url = 'https://schemas.example.com/shop.graphql';
const peers = [{ podSelector: { matchLabels: { app: 'shop' } } }];
const reference = { name: 'weir', key: 'a' };

/** Nested maps for a path: `{ a: { b: value } }` for `a.b`. */
const at = (path: string, value: unknown): Json =>
  path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Json;

/** Helm's own way: maps are merged, null takes away, all else is replaced. */
const merged = (below: Json, above: Json): Json =>
  Object.fromEntries(
    Object.entries({ ...below, ...above })
      .map(([name, value]) => [name, isMap(value) && isMap(below[name]) ? merged(below[name], value) : value])
      .filter(([, value]) => value !== null),
  );

const base = {
  options: { supergraph: { url } },
  networkPolicy: { enabled: true },
  serviceMonitor: { enabled: true },
};

const [config, deployment] = ['ConfigMap weir: data.weir.yaml', 'Deployment weir: '];
const pod = `${deployment}spec.template.spec.`;
const container = `${pod}containers.0.`;
const [service, admin] = ['Service weir: ', 'Service weir-admin: '];
const autoscaler = 'HorizontalPodAutoscaler weir: spec.';
const [policy, monitor] = ['NetworkPolicy weir: ', 'ServiceMonitor weir: '];

/** Another value for each, and all that it changes: in which object, and where in it. */
const changes: Record<string, [value: unknown, changed: string[], beside?: Json]> = {
  'image.repository': ['images.example.com/weir', [`${container}image`]],
  'image.tag': ['0.2.0', [`${container}image`]],
  'image.pullSecrets': [['images'], [`${pod}imagePullSecrets`]],
  'options.host': ['::', [config]],
  'options.port': [8080, [config, `${container}ports.0.containerPort`]],
  'options.supergraph.keep': ['/var/lib/weir/shop.graphql', [config]],
  'options.admin.host': ['::', [config]],
  'options.admin.port': [9000, [config, `${container}ports.1.containerPort`, `${admin}spec.ports.0.port`]],
  'options.shutdown.delay': ['15s', [config, `${pod}terminationGracePeriodSeconds`]],
  'options.shutdown.grace': ['1m', [config, `${pod}terminationGracePeriodSeconds`]],
  'supergraph.sdl': [
    'type Query { a: Int }',
    ['ConfigMap weir-supergraph: data.supergraph.graphql'],
    { options: { supergraph: { url: null } }, supergraph: { sdl: 'type Query { b: Int }' } },
  ],
  'supergraph.configMap': [
    'shop-2',
    [`${pod}volumes.1.configMap.name`],
    { options: { supergraph: { url: null } }, supergraph: { configMap: 'shop-1' } },
  ],
  'secrets.files': [['weir'], [`${container}volumeMounts.2`, `${pod}volumes.2`]],
  'secrets.env': [{ TOKEN: reference }, [`${container}env`]],
  env: [{ REGION: 'eu' }, [`${container}env`]],
  serviceAccountName: ['weir', [`${pod}serviceAccountName`]],
  replicas: [3, [`${deployment}spec.replicas`], { autoscaling: { enabled: false } }],
  'resources.requests.cpu': ['500m', [`${container}resources.requests.cpu`]],
  'resources.requests.memory': ['2Gi', [`${container}resources.requests.memory`]],
  'resources.limits.memory': ['2Gi', [`${container}resources.limits.memory`]],
  stateSize: ['1Gi', [`${pod}volumes.1.emptyDir.sizeLimit`]],
  podAnnotations: [{ a: 'b' }, [`${deployment}spec.template.metadata.annotations`]],
  nodeSelector: [{ a: 'b' }, [`${pod}nodeSelector`]],
  tolerations: [[{ key: 'a', operator: 'Exists' }], [`${pod}tolerations`]],
  'service.type': ['LoadBalancer', [`${service}spec.type`]],
  'service.port': [8080, [`${service}spec.ports.0.port`]],
  'service.annotations': [{ a: 'b' }, [`${service}metadata.annotations`]],
  'disruptionBudget.enabled': [false, ['PodDisruptionBudget weir: ']],
  'disruptionBudget.maxUnavailable': ['50%', ['PodDisruptionBudget weir: spec.maxUnavailable']],
  'autoscaling.enabled': [false, [`${deployment}spec.replicas`, 'HorizontalPodAutoscaler weir: ']],
  'autoscaling.minReplicas': [3, [`${autoscaler}minReplicas`]],
  'autoscaling.maxReplicas': [30, [`${autoscaler}maxReplicas`]],
  'autoscaling.cpu': [50, [`${autoscaler}metrics.0.resource.target.averageUtilization`]],
  'autoscaling.waitingRequests': [5, [`${autoscaler}metrics.1`]],
  'networkPolicy.enabled': [false, [policy]],
  'networkPolicy.clients': [peers, [`${policy}spec.ingress.0.from`]],
  'networkPolicy.operators': [peers, [`${policy}spec.ingress.1`]],
  'networkPolicy.egress': [[{ to: peers }], [`${policy}spec.egress`, `${policy}spec.policyTypes.1`]],
  'serviceMonitor.enabled': [false, [monitor]],
  'serviceMonitor.labels': [{ release: 'a' }, [`${monitor}metadata.labels.release`]],
  'serviceMonitor.interval': ['1m', [`${monitor}spec.endpoints.0.interval`]],
  'serviceMonitor.token': [reference, [`${monitor}spec.endpoints.0.authorization`]],
};

/** Where two sets of objects differ: in which object, and where in it. An object of only one of them has an empty path. */
function differences(before: readonly Json[], after: readonly Json[]): string[] {
  const named = (objects: readonly Json[]) =>
    Object.fromEntries(objects.map((object) => [`${object.kind} ${object.metadata.name}: `, object]));
  const [first, second] = [named(before), named(after)];
  return [...new Set([...Object.keys(first), ...Object.keys(second)])]
    .flatMap((name) => between(first[name], second[name], []).map((path) => `${name}${path}`))
    .sort();
}

function between(before: unknown, after: unknown, path: readonly string[]): string[] {
  const isInner = [before, after].every((each) => typeof each === 'object' && each !== null);
  if (!isInner) return before === after ? [] : [path.join('.')];
  const names = new Set([...Object.keys(before as Json), ...Object.keys(after as Json)]);
  return [...names].flatMap((name) =>
    between((before as Json)[name], (after as Json)[name], [...path, name]),
  );
}

it('is known for each value what it changes', () => {
  expect(Object.keys(changes)).toEqual(chartValues().map(({ path }) => path));
});

onlyWithHelm('an upgrade', () => {
  it.each(Object.entries(changes))(
    'to another %s changes what it names, and nothing else',
    (path, [value, changed, beside = {}]) => {
      const before = merged(base, beside);
      const after = merged(before, at(path, value));
      expect(differences(render(before), render(after))).toEqual([...changed].sort());
    },
  );

  it('to other options of the gateway starts no pod anew', () => {
    const after = merged(base, {
      options: { limits: { depth: 7 }, cors: { origins: ['https://a.example'] } },
    });
    expect(differences(render(base), render(after))).toEqual([config]);
  });
});

onlyWithHelm('the chart refuses', () => {
  it.each<[what: string, values: Json, ...sentences: string[]]>([
    ['an unknown value', { replica: 1 }, "at '': additional properties 'replica' not allowed"],
    ['one in a group', { service: { prot: 1 } }, "at '/service': additional properties 'prot' not allowed"],
    ['a wrong type', { replicas: '2' }, "at '/replicas': got string, want integer"],
    ['a number out of range', { service: { port: 0 } }, "at '/service/port': minimum: got 0, want 1"],
    ['a word that is none', { service: { type: 'Ingress' } }, "at '/service/type': value must be one of"],
    ['a quantity that is none', { stateSize: '1GB' }, "at '/stateSize': '1GB' does not match pattern"],
    [
      'an image with a line more',
      { image: { tag: '1\n          evil: true' } },
      "at '/image/tag': '1\\n          evil: true' does not match pattern",
    ],
    [
      'a resource with a line more',
      { resources: { limits: { 'cpu: 1\n  evil': '1' } } },
      "invalid propertyName 'cpu: 1\\n  evil'",
    ],
    [
      'an unknown member of a list',
      { networkPolicy: { clients: [{ pods: {} }] } },
      "at '/networkPolicy/clients/0': additional properties 'pods' not allowed",
    ],
    [
      'a Secret in place of its name',
      { secrets: { env: { TOKEN: 'a' } } },
      "at '/secrets/env/TOKEN': got string, want object",
    ],
    [
      'an unknown option',
      { options: { limits: { dept: 1 } } },
      "at '/options/limits': additional properties 'dept' not allowed",
    ],
    [
      'an option of a wrong type',
      { options: { limits: { depth: 'x' } } },
      "at '/options/limits/depth': got string, want integer",
    ],
    [
      'a secret in the options',
      { options: { admin: { token: 'a'.repeat(32) } } },
      `at '/options/admin/token': '${'a'.repeat(32)}' does not match pattern`,
    ],
    [
      'a header with a secret',
      { options: { headers: { set: { 'x-key': 'k' } } } },
      "at '/options/headers/set/x-key': 'k' does not match pattern",
    ],
    [
      'a duration that is none',
      { options: { shutdown: { grace: '20 s' } } },
      "at '/options/shutdown/grace': '20 s'",
    ],
    [
      'a port that only the gateway would know',
      { options: { port: '${PORT}' } },
      "at '/options/port': got string, want integer",
    ],
    [
      'a URL with a password',
      { options: { cache: { store: 'redis://weir:secret@cache:6379' } } },
      'A URL in options has a password, and a ConfigMap is no safe place for one: write ${NAME}',
    ],
    [
      'no supergraph',
      { options: { supergraph: { url: null } } },
      'A gateway needs one supergraph: set exactly one of',
    ],
    [
      'two supergraphs',
      { supergraph: { configMap: 'shop' } },
      'A gateway needs one supergraph: set exactly one of',
    ],
    [
      'probes that no pod would answer',
      { options: { tls: { cert: 'a', key: 'b', clientCa: 'c' } } },
      'With options.tls.clientCa, probes have no certificate: set options.health',
    ],
    [
      'a ServiceMonitor without an admin port',
      { options: { admin: { enabled: false } } },
      'serviceMonitor.enabled needs the admin port',
    ],
  ])('%s', (_, values, ...sentences) => {
    const { refused } = runHelm(['template', 'weir'], merged(base, values));
    for (const sentence of sentences) expect(refused).toContain(sentence);
  });
});
