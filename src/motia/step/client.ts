/** What dist/client.cjs is: all that a step's process needs of the cache. */
export { stepSide } from './step-side.js'
export { stepTiers } from './step-tiers.js'
