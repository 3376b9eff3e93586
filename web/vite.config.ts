import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// During development the page comes from Vite and everything else from a running `filmless serve`.
const server = process.env.FILMLESS_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // `light-dark()` is written once and left to the browser.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Small assets inlined as data: would need a wider policy for no gain.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: Object.fromEntries(['/api', '/dicom-web', '/viewer', '/wado'].map((path) => [path, server])),
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test-setup.ts'],
  },
});
