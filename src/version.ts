import { createRequire } from 'node:module'

/** Read where it runs: a build would take all of package.json along. */
const ours = createRequire(import.meta.url)('motia-redis/package.json') as { readonly version: string }

/** Of this package. */
export const { version } = ours
