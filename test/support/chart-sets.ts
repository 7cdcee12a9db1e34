import type { Json } from './running-gateway';

/** The supergraph itself, as a value. */
export const supergraph = { sdl: 'type Query { "© \\"1\\"" hello: String }\n' };
const url = { supergraph: { url: 'https://schemas.example.com/shop.graphql' } };
const token = { name: 'weir', key: 'admin-token' };
const peers = [{ namespaceSelector: { matchLabels: { team: 'shop' } } }];

/** Values of installations that differ in as much as they can. */
export const sets: Record<string, Json> = {
  'nothing but a supergraph': { supergraph },
  'a registry': {
    options: { supergraph: { registry: 'dynamodb://weir-registry?region=eu-west-1', graph: 'shop@prod' } },
    serviceAccountName: 'weir',
  },
  'autoscaling, a disruption budget and a network policy': {
    options: url,
    autoscaling: { minReplicas: 3, maxReplicas: 30, cpu: 50, waitingRequests: 5 },
    disruptionBudget: { maxUnavailable: '25%' },
    networkPolicy: {
      ...{ enabled: true, clients: peers, operators: [{ ipBlock: { cidr: '10.0.0.0/8' } }] },
      egress: [{ to: peers, ports: [{ port: 4001, protocol: 'TCP' }] }],
    },
  },
  'a ServiceMonitor': {
    options: { ...url, admin: { token: '${file:/run/secrets/weir/admin-token}' } },
    secrets: { files: ['weir'] },
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '15s', token },
  },
  'Secrets as files and variables': {
    supergraph: { configMap: 'shop' },
    options: {
      ...{ tls: { cert: '/run/secrets/tls/tls.crt', key: '/run/secrets/tls/tls.key' } },
      cache: { store: 'rediss://weir:${REDIS_PASSWORD}@cache.example.com:6379' },
    },
    secrets: { files: ['tls', 'other.secret'], env: { REDIS_PASSWORD: { name: 'redis', key: 'password' } } },
    env: { HTTPS_PROXY: 'http://proxy:3128', NO: 'yes', TEXT: 'a: "b" # c' },
  },
  'all else: pods without autoscaling, mutual TLS, other ports, no admin port': {
    image: {
      repository: 'images.example.com:5000/weir',
      tag: `0.1.0@sha256:${'0'.repeat(64)}`,
      pullSecrets: ['images'],
    },
    options: {
      ...{ ...url, port: 8080, health: { host: '0.0.0.0', port: 8088 }, admin: { enabled: false } },
      tls: {
        cert: '/run/secrets/tls/tls.crt',
        key: '/run/secrets/tls/tls.key',
        clientCa: '/run/secrets/tls/ca.crt',
      },
      shutdown: { delay: '1.5m', grace: 2500 },
      limits: { depth: 12, tokens: 1000000 },
    },
    ...{ secrets: { files: ['tls'] }, replicas: 0, stateSize: '1Gi' },
    ...{ autoscaling: { enabled: false }, disruptionBudget: { enabled: false } },
    resources: { requests: { cpu: 2, memory: '2Gi' }, limits: { memory: '2Gi', cpu: '2' } },
    podAnnotations: { 'example.com/on': 'true' },
    nodeSelector: { 'kubernetes.io/arch': 'amd64' },
    tolerations: [{ key: 'gateway', operator: 'Exists', effect: 'NoSchedule' }],
    service: { type: 'LoadBalancer', port: 443, annotations: { 'example.com/internal': 'true' } },
  },
};
