/** Archives whose bytes depend only on what is in them. */
const tarStream = require('tar-stream');

/**
 * @param {readonly { name: string, content: Buffer, isProgram?: boolean }[]} files
 * @param {number} seconds the modification time of all files, since 1970
 * @returns {Promise<Buffer>}
 */
async function tarOf(files, seconds) {
  const archive = tarStream.pack();
  const sorted = [...files].sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const { name, content, isProgram } of sorted)
    archive.entry({ name, mode: isProgram ? 0o755 : 0o644, mtime: new Date(seconds * 1000) }, content);
  archive.finalize();
  const chunks = [];
  for await (const chunk of archive) chunks.push(chunk);
  return Buffer.concat(chunks);
}

module.exports = { tarOf };
