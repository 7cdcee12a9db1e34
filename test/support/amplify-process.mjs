/** `amplify-application.mjs` as a process. Its argument is the endpoint. */
import { WebSocket } from 'ws';
import { createApplication } from './amplify-application.mjs';

const report = (message) => process.send(message);

// Node 20 has none.
const Native = globalThis.WebSocket ?? WebSocket;
globalThis.WebSocket = class extends Native {
  constructor(url, protocols) {
    super(url, protocols);
    report({ connection: url });
  }
};

// Amplify keeps an unused connection for 1 s, and waits for 5 s before it connects again.
const { setTimeout } = globalThis;
globalThis.setTimeout = (work, ms, ...rest) =>
  setTimeout(work, ms === 1000 || ms === 5000 ? 50 : ms, ...rest);

process.on('message', createApplication({ endpoint: process.argv[2], report }));
report({ isReady: true });
