import { createRequire } from 'node:module'

/**
 * A file beside this one, at once: in a module, which has no such thing, because an import that is awaited would come
 * too late for a function that answers at once, and one at the top would be paid for by everybody.
 */
export const load = createRequire(import.meta.url) as <T>(file: './client.cjs' | './server.cjs') => T
