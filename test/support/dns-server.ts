import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Answer, decode, encode, type Packet, type SrvData } from 'dns-packet';

/** What a name has. */
export interface DnsRecords {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly SRV?: readonly SrvData[];
}

/** A DNS server on loopback, over UDP, and over TCP for answers that UDP does not hold. */
export interface DnsServer {
  /** For `discovery.dnsServers`. */
  readonly address: string;
  /** By name. What is not there is answered with NXDOMAIN. */
  readonly records: Map<string, DnsRecords>;
  /** In seconds. */
  ttl: number;
  /** `dead`: it says nothing. `failing`: it answers with SERVFAIL. */
  state: 'alive' | 'dead' | 'failing';
  /** The questions so far, such as `UDP A stock.test`. */
  readonly asked: string[];
  stop(): Promise<void>;
}

export async function startDnsServer(): Promise<DnsServer> {
  const udp = createSocket('udp4');
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    let received = Buffer.alloc(0);
    socket.on('data', (piece) => {
      received = Buffer.concat([received, piece]);
      while (received.length > 2 && received.length >= 2 + received.readUInt16BE()) {
        const end = 2 + received.readUInt16BE();
        const reply = answer(received.subarray(2, end), 'TCP');
        received = Buffer.from(received.subarray(end));
        if (reply === undefined) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([length, reply]));
      }
    });
  });
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  udp.on('message', (message, { port: from, address }) => {
    const reply = answer(message, 'UDP');
    if (reply !== undefined) udp.send(reply, from, address);
  });

  function answer(message: Buffer, over: 'UDP' | 'TCP'): Buffer | undefined {
    const { id, questions = [] } = decode(message);
    const [{ name, type }] = questions as [{ name: string; type: string }];
    server.asked.push(`${over} ${type} ${name}`);
    if (server.state === 'dead') return undefined;
    const found = server.records.get(name.toLowerCase());
    const code = server.state === 'failing' ? serverFailure : found === undefined ? noSuchName : 0;
    const values = found?.[type as keyof DnsRecords] ?? [];
    const answers = code === 0 ? values.map((data) => ({ type, name, ttl: server.ttl, data }) as Answer) : [];
    const packet: Packet = { type: 'response', id, flags: recursion | code, questions, answers };
    const whole = encode(packet);
    return over === 'TCP' || whole.length <= mostInUdp
      ? whole
      : encode({ ...packet, flags: recursion | truncated, answers: [] });
  }

  const server: DnsServer = {
    address: `127.0.0.1:${port}`,
    records: new Map(),
    ttl: 1,
    state: 'alive',
    asked: [],
    stop: () => stop(udp, tcp, sockets),
  };
  return server;
}

const serverFailure = 2;
const noSuchName = 3;
const recursion = 0x180;
const truncated = 0x200;
const mostInUdp = 512;

async function stop(udp: UdpSocket, tcp: ReturnType<typeof createServer>, sockets: Set<Socket>) {
  for (const socket of sockets) socket.destroy();
  const closed = once(tcp, 'close');
  tcp.close();
  udp.close();
  await closed;
}
