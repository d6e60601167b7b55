// Replicates a database of a server into LevelDB on this disk, and prints how many documents are there.
const PouchDB = require('pouchdb-node');

const [address, folder] = process.argv.slice(2);
const local = new PouchDB(folder);
// Larger pages than the usual 100 documents: its best case on a line without delay.
PouchDB.replicate(address, local, { batch_size: 1000, batches_limit: 4 })
  .then(() => local.info())
  .then((info) => console.log(info.doc_count))
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
