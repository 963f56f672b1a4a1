import { createContext, useContext } from 'react'
import type { Overview } from '../../sight/contract.js'
import { type Polled, usePoll } from './use-poll.js'

const NOTHING: Record<string, never> = {}

/** How the whole stands is asked for wherever the reader is, only less often elsewhere. */
export const useOverviewPoll = (looking: boolean): Polled<Overview> =>
  usePoll('overview', NOTHING, looking ? 2_000 : 5_000)

export const OverviewPoll = createContext<Polled<Overview>>({
  answer: undefined,
  at: undefined,
  failure: undefined,
  again: () => undefined,
})

/** The frame's own poll, so that the overview isn't asked for twice. */
export const useOverview = (): Polled<Overview> => useContext(OverviewPoll)
