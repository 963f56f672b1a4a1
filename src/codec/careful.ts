/**
 * The half of the codec that values of plain JSON don't need, and by far the larger one: a step's client brings it in
 * when it is first called (see tsdown.config.ts).
 */
export { checkMeta } from './rich-check.js'
export { snapshot } from './snapshot.js'

/** From here, because code that V8 has compiled before (see plugin/client-code.ts) can't import. */
export const importSuperjson = () => import('superjson')
