// Compresses what Vite built, once, so that the server only sends it: `npm run build` runs this last.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const folder = join(import.meta.dirname, 'dist');
for (const name of readdirSync(folder, { recursive: true })) {
  if (/\.(js|css|html|svg)$/.test(name)) {
    const text = readFileSync(join(folder, name));
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(text));
    writeFileSync(join(folder, `${name}.gz`), gzipSync(text, { level: 9 }));
  }
}
