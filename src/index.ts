export type * from '../types/index.js'
export { redisTiers } from './tiers.js'
