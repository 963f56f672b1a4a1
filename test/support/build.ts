import { buildIfStale } from '../../scripts/build-if-stale.ts'

export const setup = (): void => buildIfStale()
