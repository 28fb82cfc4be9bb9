// Makes the built files ready to be put into the binary: a brotli form beside each that gains by it.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

const dist = new URL('../../server/web/dist/', import.meta.url).pathname;
for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  if (name.endsWith('.br')) rmSync(path);
  else if (/\.(js|css|svg)$/.test(name)) {
    const plain = readFileSync(path);
    const packed = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } });
    if (packed.length < plain.length) writeFileSync(`${path}.br`, packed);
  }
}
