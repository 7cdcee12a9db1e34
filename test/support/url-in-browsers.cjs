/** What AppSync's auth link needs of Node's `url`, which browsers lack: applications bring a polyfill. */
exports.parse = (text) => {
  const { host, pathname, search } = new URL(text);
  return { host, path: pathname + search, query: search === '' ? null : search.slice(1) };
};
