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
import { type AppSyncMode, checkCredentials, type Refusal } from './credentials';

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

interface Subscription {
  readonly document: DocumentNode;
  readonly variables: Record<string, unknown>;
  readonly field: FieldNode;
  readonly send: (data: unknown) => void;
}

type Frame = { readonly [name: string]: unknown };

export function serveRealTime(server: Server, options: RealTimeOptions): RealTime {
  const { text, schema, modes, path, keepAlive = 60_000 } = options;
  const subscriptions = new Set<Subscription>();
  const mutations = mutationsOf(text);
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: mostBytes,
    handleProtocols: (offered) => (offered.has('graphql-ws') ? 'graphql-ws' : false),
  });

  server.on('upgrade', (request, socket, head) => {
    const [pathname, query] = (request.url ?? '').split('?', 2);
    if (pathname !== path && pathname !== `${path}/realtime`) {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const offered = request.headers['sec-websocket-protocol'] ?? '';
    const header =
      /(?:^|,)\s*header-([\w-]+)/.exec(offered)?.[1] ?? new URLSearchParams(query).get('header') ?? '';
    const refusal = check(objectIn(Buffer.from(header, 'base64').toString()), `${path}/connect`, '{}');
    sockets.handleUpgrade(request, socket, head, (webSocket) => connect(webSocket, refusal));
  });

  const check = (header: Frame, signedPath: string, body: string): Refusal | undefined =>
    checkCredentials(modes, {
      headers: Object.fromEntries(
        Object.entries(header).map(([name, value]) => [name.toLowerCase(), String(value)]),
      ),
      path: signedPath,
      body: Buffer.from(body),
    });

  function connect(socket: WebSocket, refusal: Refusal | undefined): void {
    const own = new Map<unknown, Subscription>();
    let isOpen = false;
    const send = (frame: Frame): void => socket.send(JSON.stringify(frame));
    let beat: NodeJS.Timeout | undefined;
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearInterval(beat);
      for (const subscription of own.values()) subscriptions.delete(subscription);
    });
    socket.on('message', (data: RawData) => {
      const { type, id, payload } = objectIn((data as Buffer).toString());
      if (type === 'connection_init') {
        if (refusal) {
          const [errorType, message] = refusal;
          send({ type: 'connection_error', payload: { errors: [{ errorType, message, errorCode: 401 }] } });
          socket.close();
          return;
        }
        isOpen = true;
        send({ type: 'connection_ack', payload: { connectionTimeoutMs: 300_000 } });
        send({ type: 'ka' });
        beat ??= setInterval(() => send({ type: 'ka' }), keepAlive);
      } else if (type === 'start' && isOpen) {
        const refused = start(id, payload as Frame | undefined);
        if (refused === undefined) send({ id, type: 'start_ack' });
        else {
          const [errorType, message] = refused;
          send({ id, type: 'error', payload: { errors: [{ errorType, message }] } });
        }
      } else if (type === 'stop' && isOpen) {
        const stopped = own.get(id);
        own.delete(id);
        if (stopped) subscriptions.delete(stopped);
        send({ id, type: 'complete' });
      } else {
        const error = {
          errorType: 'UnsupportedOperation',
          message: 'unknown not supported through the realtime channel',
        };
        send({ ...(id !== undefined && { id }), type: 'error', payload: { errors: [error] } });
      }
    });

    function start(id: unknown, payload: Frame = {}): Refusal | undefined {
      const body = String(payload['data']);
      const { authorization } = (payload['extensions'] ?? {}) as Frame;
      const unauthorized = check((authorization ?? {}) as Frame, path, body);
      if (unauthorized) return unauthorized;
      if (own.has(id)) return ['DuplicatedOperationError', 'There is a subscription with this id.'];
      if (own.size >= mostSubscriptions)
        return ['MaxSubscriptionsReachedError', 'Max number of 100 subscriptions reached'];
      const read = readSubscription(objectIn(body), schema);
      if (typeof read === 'string') return ['BadRequestException', read];
      const subscription: Subscription = {
        ...read,
        send: (data) => send({ id, type: 'data', payload: { data } }),
      };
      own.set(id, subscription);
      subscriptions.add(subscription);
      return undefined;
    }
  }

  return {
    async publish({ selectionSet: { selections } }, data) {
      for (const selection of selections) {
        if (selection.kind !== Kind.FIELD) continue;
        const { name, alias } = selection;
        const value = data[(alias ?? name).value];
        const fed = mutations.get(name.value);
        if (value == null || fed === undefined) continue;
        for (const { document, variables, field, send } of [...subscriptions]) {
          if (!fed.has(field.name.value) || !matches(field, variables, value as Frame)) continue;
          const rootValue = { [field.name.value]: value };
          const result = await execute({ schema, document, variableValues: variables, rootValue });
          send(result.data);
        }
      }
    },
    close() {
      for (const socket of sockets.clients) socket.terminate();
    },
  };

  /** Whether the arguments of a subscription equal the fields of the result that have their names. */
  function matches(field: FieldNode, variables: Record<string, unknown>, value: Frame): boolean {
    const definition = schema.getSubscriptionType()!.getFields()[field.name.value]!;
    const wanted = Object.entries(getArgumentValues(definition, field, variables));
    return wanted.every(([name, argument]) => argument == null || argument === value[name]);
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
): Omit<Subscription, 'send'> | string {
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
