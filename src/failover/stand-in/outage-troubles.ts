import { isOutage } from '../../instances/instance.js'
import type { StoreError } from '../../instances/store.js'
import type { Report } from '../../report.js'

/** What an instance refuses for good of an outage, said once however often it is tried, and once when it is over. */
export interface OutageTroubles {
  /**
   * Nothing is said of one that is away, or has too much to do: its health does. `of`: a home, or one kind of change for
   * it, since a right may be lacking for one kind only: each is over when it works itself.
   */
  met(instance: string, of: string, what: Trouble, error: StoreError): void
  over(instance: string, of: string, what: Trouble): void
}

/** record: who holds something for a home, and where its copies lie. copies: what is left of them. */
type Trouble = keyof typeof texts

const texts = {
  record: {
    met: "what is noted there of outages can't be changed, which is tried again",
    over: 'what is noted there of outages can be changed again',
  },
  copies: {
    met: "what outages left behind there can't be removed, which is tried again",
    over: 'what outages left behind there is gone',
  },
}

export const createOutageTroubles = (report: Pick<Report, 'info' | 'warn'> | undefined): OutageTroubles => {
  const open: Record<Trouble, Map<string, Set<string>>> = { record: new Map(), copies: new Map() }
  return {
    met: (instance, of, what, error) => {
      if (isOutage(error) || error.kind === 'busy' || error.kind === 'closed') return
      const known = open[what].get(instance) ?? new Set()
      open[what].set(instance, known)
      if (known.size === 0) report?.warn(`${instance}  ${texts[what].met}: ${error.message}`)
      known.add(of)
    },
    over: (instance, of, what) => {
      const known = open[what].get(instance)
      if (known?.delete(of) === true && known.size === 0) report?.info(`${instance}  ${texts[what].over}`)
    },
  }
}
