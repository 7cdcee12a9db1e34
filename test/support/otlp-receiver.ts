import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

type Value = string | number | boolean | readonly Value[] | undefined;
type Attributes = Readonly<Record<string, Value>>;

/** A span as a collector gets it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** The `service.name` of who sent it. */
  readonly service: Value;
  /** Of OTLP: 1 internal, 2 server, 3 client, 5 consumer. */
  readonly kind: number;
  /** Unix nanoseconds. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  /** Whether its status is an error. */
  readonly hasFailed: boolean;
  /** `SpanFlags` of OTLP. */
  readonly flags: number;
  readonly droppedLinks: number;
  readonly droppedEvents: number;
}

export interface OtlpReceiver {
  /** The URL of traces. */
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** The attributes of the service. */
  resource: Attributes;
  readonly requests: { readonly headers: IncomingHttpHeaders; readonly body: Buffer }[];
  /** Answers in place of 200 while it is set. */
  answer: ((response: ServerResponse) => void) | undefined;
  /** The spans of one trace, in the order in which they began. */
  traceOf(traceId: string): readonly ReceivedSpan[];
  close(): Promise<void>;
}

/** A collector that takes traces by OTLP over HTTP, in Protobuf (opentelemetry-proto 1.0). */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      receiver.requests.push({ headers: request.headers, body });
      if (receiver.answer !== undefined) {
        receiver.answer(response);
        return;
      }
      const { resource, spans } = readTraces(body);
      receiver.resource = resource;
      receiver.spans.push(...spans);
      response.setHeader('content-type', 'application/x-protobuf');
      response.end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans: [],
    resource: {},
    requests: [],
    answer: undefined,
    traceOf: (traceId) =>
      receiver.spans
        .filter((span) => span.traceId === traceId)
        .sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0)),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
  return receiver;
}

/** Reads an `ExportTraceServiceRequest` of one service. */
export function readTraces(body: Buffer): { resource: Attributes; scope: string[]; spans: ReceivedSpan[] } {
  const of = readMessage(body).messages(1);
  const resource = readAttributes(
    of.flatMap((each) => each.messages(1).flatMap((found) => found.messages(1))),
  );
  const scopes = of.flatMap((each) => each.messages(2));
  return {
    resource,
    scope: scopes.flatMap((each) => each.messages(1).flatMap((found) => [found.text(1), found.text(2)])),
    spans: scopes.flatMap((each) => each.messages(2).map((span) => readSpan(span, resource['service.name']))),
  };
}

function readSpan(span: Message, service: Value): ReceivedSpan {
  const parent = span.hex(4);
  return {
    traceId: span.hex(1),
    spanId: span.hex(2),
    parentSpanId: parent === '' ? undefined : parent,
    name: span.text(5),
    service,
    kind: Number(span.number(6)),
    start: span.number(7),
    end: span.number(8),
    attributes: readAttributes(span.messages(9)),
    events: span
      .messages(11)
      .map((event) => ({ name: event.text(2), attributes: readAttributes(event.messages(3)) })),
    links: span.messages(13).map((link) => ({ traceId: link.hex(1), spanId: link.hex(2) })),
    hasFailed: span.messages(15).some((status) => status.number(3) === 2n),
    flags: Number(span.number(16)),
    droppedLinks: Number(span.number(14)),
    droppedEvents: Number(span.number(12)),
  };
}

export const readAttributes = (keyValues: readonly Message[]): Attributes =>
  Object.fromEntries(keyValues.map((each) => [each.text(1), each.messages(2).map(readValue)[0]]));

function readValue(value: Message): Value {
  if (value.has(1)) return value.text(1);
  if (value.has(2)) return value.number(2) === 1n;
  if (value.has(3)) return Number(value.number(3));
  if (value.has(4)) return value.bytes(4)[0]!.readDoubleLE();
  return value.messages(5).flatMap((list) => list.messages(1).map(readValue));
}

/** A message of Protobuf: the values of its fields by their numbers. */
interface Message {
  has(field: number): boolean;
  bytes(field: number): readonly Buffer[];
  messages(field: number): readonly Message[];
  text(field: number): string;
  hex(field: number): string;
  /** 0 if it is not there. */
  number(field: number): bigint;
}

export function readMessage(from: Buffer): Message {
  const fields = new Map<number, (Buffer | bigint)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = from[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => from.subarray(at, (at += length));
  while (at < from.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    const value = wire === 0 ? varint() : take(wire === 1 ? 8 : wire === 5 ? 4 : Number(varint()));
    const field = tag >> 3;
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  const bytes = (field: number): Buffer[] =>
    (fields.get(field) ?? []).filter((value) => typeof value !== 'bigint');
  return {
    has: (field) => fields.has(field),
    bytes,
    messages: (field) => bytes(field).map(readMessage),
    text: (field) => Buffer.concat(bytes(field)).toString(),
    hex: (field) => Buffer.concat(bytes(field)).toString('hex'),
    number: (field) => {
      const [value = 0n] = fields.get(field) ?? [];
      return typeof value === 'bigint'
        ? value
        : value.length === 4
          ? BigInt(value.readUInt32LE())
          : value.readBigUInt64LE();
    },
  };
}
