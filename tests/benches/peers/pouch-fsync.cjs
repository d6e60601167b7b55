// Loaded before pouchdb-server: every write to LevelDB waits for the disk, as ours do. As installed it does not:
// leveldown answers when the bytes are with the operating system.
const Module = require('node:module');

const load = Module._load;
Module._load = function (name, ...rest) {
  const found = load.call(this, name, ...rest);
  if (name === 'leveldown' && !found.prototype.waitsForTheDisk) {
    const { _put, _del, _batch } = found.prototype;
    const durable = (options) => ({ ...options, sync: true });
    found.prototype.waitsForTheDisk = true;
    found.prototype._put = function (key, value, options, done) {
      return _put.call(this, key, value, durable(options), done);
    };
    found.prototype._del = function (key, options, done) {
      return _del.call(this, key, durable(options), done);
    };
    found.prototype._batch = function (operations, options, done) {
      return _batch.call(this, operations, durable(options), done);
    };
  }
  return found;
};
