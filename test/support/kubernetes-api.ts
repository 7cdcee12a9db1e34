/** An API server of Kubernetes, with etcd: nothing else, so no pod is ever started. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { freePorts } from '../../cli/dev/ports';
import { readManifests } from './kubernetes';
import { eventually, startShell } from './process';
import type { Json } from './running-gateway';

/** A folder with `etcd`, `kube-apiserver` and `servicemonitors.yaml`, as `.ci/full` makes it. */
const programs = process.env['WEIR_TEST_KUBERNETES'] ?? '';
export const hasApiServer = existsSync(join(programs, 'kube-apiserver'));

export interface ApiServer {
  /** A file for clients such as Helm. */
  readonly kubeconfig: string;
  /** Applies an object by server-side apply, and refuses unknown and double members. @returns it, as it is kept */
  apply(object: Json, namespace: string, isDry?: boolean): Promise<Json>;
  /** An object as it is kept; undefined if there is none. */
  read(object: Json, namespace: string): Promise<Json>;
  createNamespace(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one on free ports, with a folder of its own, which knows ServiceMonitors, too. */
export async function startApiServer(): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-kubernetes-'));
  const [etcdPort, peerPort, port] = await freePorts(3);
  const [etcdUrl, peerUrl] = [`http://127.0.0.1:${etcdPort}`, `http://127.0.0.1:${peerPort}`];
  const inFolder = (name: string, text: string | Buffer) => writeFileSync(join(folder, name), text);
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  inFolder('key.pem', key.export({ type: 'pkcs8', format: 'pem' }));
  inFolder('tokens.csv', 'token,test,1,system:masters\n');
  const etcd = startShell(
    `exec ${programs}/etcd --data-dir etcd --listen-client-urls ${etcdUrl} --advertise-client-urls ${etcdUrl} \
      --listen-peer-urls ${peerUrl} --initial-advertise-peer-urls ${peerUrl} --initial-cluster default=${peerUrl}`,
    folder,
  );
  const server = startShell(
    `exec ${programs}/kube-apiserver --etcd-servers ${etcdUrl} --bind-address 127.0.0.1 --secure-port ${port} \
      --cert-dir certificates --token-auth-file tokens.csv --authorization-mode AlwaysAllow \
      --service-account-issuer https://weir.test --service-account-key-file key.pem \
      --service-account-signing-key-file key.pem --service-cluster-ip-range 10.0.0.0/24 --endpoint-reconciler-type none`,
    folder,
  );
  const certificate = join(folder, 'certificates/apiserver.crt');
  await Promise.race([
    eventually(() => existsSync(certificate)),
    server.exit.then(() => Promise.reject(new Error(server.stderr))),
  ]);
  const ca = readFileSync(certificate);
  const dispatcher = new Agent({ connect: { ca } });
  const url = `https://127.0.0.1:${port}`;

  async function call(method: string, path: string, body?: Json): Promise<{ status: number; value: Json }> {
    const type = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
    const headers = { authorization: 'Bearer token', 'content-type': type };
    const answer = await fetch(`${url}${path}`, {
      ...{ method, headers, dispatcher },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, value: text.startsWith('{') ? JSON.parse(text) : text };
  }

  const apply = async (object: Json, namespace: string, isDry = false): Promise<Json> => {
    const options = `fieldManager=weir&fieldValidation=Strict${isDry ? '&dryRun=All' : ''}`;
    const { status, value } = await call('PATCH', `${pathOf(object, namespace)}?${options}`, object);
    if (status > 201) throw new Error(`${object.kind} ${object.metadata.name}: ${value.message}`);
    return value;
  };

  await eventually(async () => {
    const ready = await call('GET', '/readyz').catch(() => undefined);
    return ready?.status === 200;
  });
  const [definition] = readManifests(readFileSync(join(programs, 'servicemonitors.yaml'), 'utf8'));
  await apply(definition, '');
  await eventually(async () => {
    const { value } = await call('GET', pathOf(definition, ''));
    return value.status.conditions?.some(
      ({ type, status }: Json) => type === 'Established' && status === 'True',
    );
  });
  inFolder(
    'kubeconfig',
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
      clusters: [
        { name: 'test', cluster: { server: url, 'certificate-authority-data': ca.toString('base64') } },
      ],
      users: [{ name: 'test', user: { token: 'token' } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    }),
  );
  return {
    kubeconfig: join(folder, 'kubeconfig'),
    apply,
    async read(object, namespace) {
      const { status, value } = await call('GET', pathOf(object, namespace));
      return status === 404 ? undefined : value;
    },
    async createNamespace(name) {
      await call('POST', '/api/v1/namespaces', { metadata: { name } });
    },
    async stop() {
      await dispatcher.close();
      await server.stop();
      await etcd.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Where the API has an object. */
function pathOf({ apiVersion, kind, metadata }: Json, namespace: string): string {
  const plural = `${kind.toLowerCase().replace(/y$/, 'ie')}s`;
  const group = apiVersion === 'v1' ? 'api/v1' : `apis/${apiVersion}`;
  const scope = kind === 'CustomResourceDefinition' ? '' : `/namespaces/${namespace}`;
  return `/${group}${scope}/${plural}/${metadata.name}`;
}
