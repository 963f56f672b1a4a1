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

export default defineConfig([
  { ...common, entry: { index: 'src/index.ts', step: 'src/step.ts' } },
  // Every step process loads these two: each is one small file of its own.
  {
    ...common,
    entry: { preload: 'src/motia/step/preload.ts', wrapper: 'src/motia/step/wrapper.ts' },
    minify: true,
  },
])
