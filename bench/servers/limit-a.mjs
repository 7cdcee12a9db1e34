/** Limit A: what `node:http` can do at most. It reads the request and writes an answer that it has. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, scriptFile] = process.argv.slice(2);
const body = Buffer.from(JSON.parse(readFileSync(scriptFile, 'utf8')).answer);

createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
}).listen(Number(port), '127.0.0.1');
