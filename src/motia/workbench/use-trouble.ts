import { troubleOf } from './instance-words.js'
import { useOverview } from './use-overview.js'

/** Why the home doesn't serve alone now, in a few words. */
export const useTrouble = (home: string): string => troubleOf(home, useOverview().answer?.instances ?? [])
