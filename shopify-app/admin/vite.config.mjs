import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

// One set of screens, two builds: UPLINE_UI names the backend. Both go into the binary, below one folder of assets whose
// names are hashes of what is in them.
const backend = process.env.UPLINE_UI === 'polaris' ? 'polaris' : 'own';
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at('.'),
  base: '/',
  publicDir: false,
  resolve: {
    alias: {
      '#ui': at('../ui/index.ts'), '#backend': at(`../ui/ui.${backend}.tsx`), '#viz': at('../ui/viz/viz.tsx'), '#text': at('../ui/text/t.ts'),
    },
    dedupe: ['preact'],
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    outDir: at(`../../server/web/dist/${backend}`),
    emptyOutDir: true,
    assetsInlineLimit: 0, // the policy allows no data: script or style, and a file is cached
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
