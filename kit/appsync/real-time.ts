/**
 * AppSync's real-time protocol, as far as a caller of the stand-in can tell: mutations named by `@aws_subscribe` feed
 * subscriptions. A subscriber gets what the mutation selected, by the names of the fields; the rest is null.
 */
import { type Server } from 'node:http';
import {
  execute,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type DocumentNode,
  type FieldNode,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  validate,
  visit,
} from 'graphql';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { type AppSyncMode, checkCredentials, type CredentialsRefusal } from './credentials';

export interface RealTimeOptions {
  /** The schema text of the API, whose `@aws_subscribe` counts. */
  readonly text: string;
  /** Its schema without resolvers. */
  readonly schema: GraphQLSchema;
  readonly modes: readonly AppSyncMode[];
  /** Of the GraphQL endpoint. WebSockets are taken there, and at `/realtime` below it. */
  readonly path: string;
  /** Milliseconds between keep-alives. @default 60000 */
  readonly keepAlive?: number | undefined;
}

export interface RealTime {
  /** Sends the result of an operation to those who subscribe to its mutations. */
  publish(operation: OperationDefinitionNode, data: Readonly<Record<string, unknown>>): Promise<void>;
  /** Cuts all connections. */
  close(): void;
}

/** AppSync's own limits: bytes of a message, and subscriptions of a connection. */
const mostBytes = 240 * 1024;
const mostSubscriptions = 100;

interface RealTimeSubscription {
  readonly document: DocumentNode;
  readonly variables: Record<string, unknown>;
  readonly field: FieldNode;
  readonly send: (data: unknown) => void;
}

type Frame = { readonly [name: string]: unknown };

export function serveRealTime(server: Server, options: RealTimeOptions): RealTime {
  const { path } = options;
  const realTime = new RealTimeServer(options);
  server.on('upgrade', (request, socket, head) => {
    const [pathname, query] = (request.url ?? '').split('?', 2);
    if (pathname !== path && pathname !== `${path}/realtime`) {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const offered = request.headers['sec-websocket-protocol'] ?? '';
    const header =
      /(?:^|,)\s*header-([\w-]+)/.exec(offered)?.[1] ?? new URLSearchParams(query).get('header') ?? '';
    const credentials = objectIn(Buffer.from(header, 'base64').toString());
    const refusal = realTime.check(credentials, `${path}/connect`, '{}');
    realTime.sockets.handleUpgrade(request, socket, head, (webSocket) => {
      new RealTimeConnection(webSocket, realTime, refusal);
    });
  });
  return realTime;
}

class RealTimeServer implements RealTime {
  readonly options: RealTimeOptions;
  readonly sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: mostBytes,
    handleProtocols: (offered) => (offered.has('graphql-ws') ? 'graphql-ws' : false),
  });
  /** Those of all connections. */
  readonly subscriptions = new Set<RealTimeSubscription>();
  readonly #mutations: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(options: RealTimeOptions) {
    this.options = options;
    this.#mutations = mutationsOf(options.text);
  }

  check(header: Frame, path: string, body: string): CredentialsRefusal | undefined {
    const headers = Object.fromEntries(
      Object.entries(header).map(([name, value]) => [name.toLowerCase(), String(value)]),
    );
    return checkCredentials(this.options.modes, { headers, path, body: Buffer.from(body) });
  }

  async publish(
    { selectionSet: { selections } }: OperationDefinitionNode,
    data: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { schema } = this.options;
    for (const selection of selections) {
      if (selection.kind !== Kind.FIELD) continue;
      const { name, alias } = selection;
      const value = data[(alias ?? name).value];
      const fed = this.#mutations.get(name.value);
      if (value == null || fed === undefined) continue;
      for (const { document, variables, field, send } of [...this.subscriptions]) {
        if (!fed.has(field.name.value) || !this.#matches(field, variables, value as Frame)) continue;
        const rootValue = { [field.name.value]: value };
        const result = await execute({ schema, document, variableValues: variables, rootValue });
        send(result.data);
      }
    }
  }

  close(): void {
    for (const socket of this.sockets.clients) socket.terminate();
  }

  /** Whether the arguments of a subscription equal the fields of the result that have their names. */
  #matches(field: FieldNode, variables: Record<string, unknown>, value: Frame): boolean {
    const definition = this.options.schema.getSubscriptionType()!.getFields()[field.name.value]!;
    const wanted = Object.entries(getArgumentValues(definition, field, variables));
    return wanted.every(([name, argument]) => argument == null || argument === value[name]);
  }
}

class RealTimeConnection {
  readonly #socket: WebSocket;
  readonly #server: RealTimeServer;
  /** Why the connection is not taken. */
  readonly #refusal: CredentialsRefusal | undefined;
  readonly #own = new Map<unknown, RealTimeSubscription>();
  #isOpen = false;
  #beat: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, server: RealTimeServer, refusal: CredentialsRefusal | undefined) {
    this.#socket = socket;
    this.#server = server;
    this.#refusal = refusal;
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearInterval(this.#beat);
      for (const subscription of this.#own.values()) server.subscriptions.delete(subscription);
    });
    socket.on('message', (data: RawData) => this.#take(objectIn((data as Buffer).toString())));
  }

  #send(frame: Frame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  #take({ type, id, payload }: Frame): void {
    if (type === 'connection_init') this.#open();
    else if (type === 'start' && this.#isOpen) {
      const refused = this.#start(id, payload as Frame | undefined);
      if (refused === undefined) this.#send({ id, type: 'start_ack' });
      else {
        const [errorType, message] = refused;
        this.#send({ id, type: 'error', payload: { errors: [{ errorType, message }] } });
      }
    } else if (type === 'stop' && this.#isOpen) {
      const stopped = this.#own.get(id);
      this.#own.delete(id);
      if (stopped) this.#server.subscriptions.delete(stopped);
      this.#send({ id, type: 'complete' });
    } else {
      const message = 'unknown not supported through the realtime channel';
      const errors = [{ errorType: 'UnsupportedOperation', message }];
      this.#send({ ...(id !== undefined && { id }), type: 'error', payload: { errors } });
    }
  }

  #open(): void {
    if (this.#refusal) {
      const [errorType, message] = this.#refusal;
      this.#send({ type: 'connection_error', payload: { errors: [{ errorType, message, errorCode: 401 }] } });
      this.#socket.close();
      return;
    }
    this.#isOpen = true;
    this.#send({ type: 'connection_ack', payload: { connectionTimeoutMs: 300_000 } });
    this.#send({ type: 'ka' });
    this.#beat ??= setInterval(() => this.#send({ type: 'ka' }), this.#server.options.keepAlive ?? 60_000);
  }

  #start(id: unknown, payload: Frame = {}): CredentialsRefusal | undefined {
    const { path, schema } = this.#server.options;
    const body = String(payload['data']);
    const { authorization } = (payload['extensions'] ?? {}) as Frame;
    const unauthorized = this.#server.check((authorization ?? {}) as Frame, path, body);
    if (unauthorized) return unauthorized;
    if (this.#own.has(id)) return ['DuplicatedOperationError', 'There is a subscription with this id.'];
    if (this.#own.size >= mostSubscriptions)
      return ['MaxSubscriptionsReachedError', 'Max number of 100 subscriptions reached'];
    const read = readSubscription(objectIn(body), schema);
    if (typeof read === 'string') return ['BadRequestException', read];
    const send = (data: unknown) => this.#send({ id, type: 'data', payload: { data } });
    const subscription: RealTimeSubscription = { ...read, send };
    this.#own.set(id, subscription);
    this.#server.subscriptions.add(subscription);
    return undefined;
  }
}

/** The subscription fields that each mutation feeds. */
function mutationsOf(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  visit(parse(text), {
    FieldDefinition({ name, directives = [] }) {
      const directive = directives.find((each) => each.name.value === 'aws_subscribe');
      const list = directive?.arguments?.find((each) => each.name.value === 'mutations')?.value;
      if (list?.kind !== Kind.LIST) return;
      for (const mutation of list.values) {
        if (mutation.kind !== Kind.STRING) continue;
        const fed = found.get(mutation.value);
        if (fed) fed.add(name.value);
        else found.set(mutation.value, new Set([name.value]));
      }
    },
  });
  return found;
}

/** The subscription of a request, or why it is none. */
function readSubscription(
  { query, variables }: Frame,
  schema: GraphQLSchema,
): Omit<RealTimeSubscription, 'send'> | string {
  try {
    const document = parse(String(query));
    const [mistake] = validate(schema, document);
    if (mistake) return `Validation error: ${mistake.message}`;
    const operation = getOperationAST(document);
    const [field] = operation?.selectionSet.selections ?? [];
    if (operation?.operation !== OperationTypeNode.SUBSCRIPTION || field?.kind !== Kind.FIELD)
      return 'Only subscriptions are supported through the realtime channel.';
    const { coerced, errors } = getVariableValues(
      schema,
      operation.variableDefinitions ?? [],
      (variables ?? {}) as Frame,
    );
    return coerced ? { document, field, variables: coerced } : errors[0]!.message;
  } catch (error) {
    if (error instanceof GraphQLError) return error.message;
    throw error;
  }
}

function objectIn(text: string): Frame {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Frame) : {};
  } catch {
    return {};
  }
}
