// Preloaded with `node --require`: at its end, the process writes which packages it has loaded to WEIR_LOADED_PACKAGES.
const { writeFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

if (isMainThread)
  process.on('exit', () => {
    const packages = new Set();
    for (const file of Object.keys(require.cache)) {
      const [, name] = /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file) ?? [];
      if (name !== undefined && name !== 'weir') packages.add(name);
    }
    writeFileSync(process.env.WEIR_LOADED_PACKAGES, JSON.stringify([...packages].sort()));
  });
