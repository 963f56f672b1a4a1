import { defineConfig, type UserConfig } from 'tsdown'

// Declarations come from tsc over types/ (see types/tsconfig.json): a bundled .d.ts would move `Register`
// into a shared chunk, where an app's `declare module 'motia-redis'` could no longer reach it.
const common = {
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: false,
  clean: true,
  sourcemap: true,
  outExtensions: () => ({ js: '.js' }),
} satisfies UserConfig

// Each is one small file of its own: every step process loads the first two, and the client where it uses the cache.
const stepSide = { ...common, minify: true }

export default defineConfig([
  { ...common, entry: { index: 'src/index.ts', step: 'src/step.ts' } },
  { ...stepSide, entry: { wrapper: 'src/motia/step/wrapper.ts' }, outExtensions: () => ({ js: '.mjs' }) },
  {
    ...stepSide,
    entry: { preload: 'src/motia/step/preload.cts' },
    format: 'cjs',
    outExtensions: () => ({ js: '.cjs' }),
    external: ['./client.cjs'],
  },
  {
    ...stepSide,
    entry: { client: 'src/motia/step/step-side.ts' },
    format: 'cjs',
    outExtensions: () => ({ js: '.cjs' }),
  },
])
