// Sends every file of a folder with tus, one after the other, with the delays it has by itself (the first is none), and
// prints how many were sent and how often it gave up and was told to go on.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Upload } from 'tus-js-client';

const [endpoint, folder] = process.argv.slice(2);
const names = readdirSync(folder).sort();
let given = 0;
for (const filename of names) {
  await new Promise((done) => {
    const upload = new Upload(readFileSync(join(folder, filename)), {
      endpoint,
      chunkSize: 1024 * 1024,
      metadata: { filename },
      onError: () => {
        given += 1;
        setTimeout(() => upload.start(), 250);
      },
      onSuccess: done,
    });
    upload.start();
  });
}
console.log(JSON.stringify({ sent: names.length, given }));
