import { MessageEnd } from '../http/prepared-message';
import { responseOf } from './call-result';
import type { McpSink } from './mcp-sink';
import { contentOf, type MessageFacts, startOf } from './result-message';

/** Sends what the response cache has to usual calls. To write it into a result takes longer than the rest of a call, so it is kept. */
export class PreparedResults {
  /** The ends of messages, by bodies of cached answers. */
  #known = new WeakMap<Buffer, MessageEnd>();
  /** Bytes of those that were prepared since all of them were last dropped. */
  #size = 0;

  /** Returns false where the answer is sent as one that is not from the cache. */
  send(sink: McpSink, headers: readonly string[], call: MessageFacts, body: Buffer): boolean {
    if (body.length > longestBody) return false;
    const end = this.#known.get(body) ?? this.#prepare(body);
    const sent = end && sink.sendPrepared(headers, startOf(call), end);
    if (sent === undefined) return false;
    // A message that is still being sent must not be changed.
    if (!sent.isTaken) this.#known.delete(body);
    return true;
  }

  #prepare(body: Buffer): MessageEnd | undefined {
    const { hasData, text } = responseOf(body.toString());
    if (!hasData) return undefined;
    const end = new MessageEnd([Buffer.from(contentOf({ isError: false, text }))]);
    this.#size += end.size;
    if (this.#size > mostBytes) {
      this.#known = new WeakMap();
      this.#size = end.size;
    }
    this.#known.set(body, end);
    return end;
  }
}

/** Bytes. A longer answer is not worth a second copy in memory. */
const longestBody = 64 * 1024;
/** 32 MiB. */
const mostBytes = 32 * 1024 * 1024;
