import type { Instance } from '../../instances/instance.js'
import { scopeField } from '../../instances/lease-rules.js'
import {
  breakScript,
  fillScript,
  grantAnswer,
  grantArgs,
  leaseScripts,
  momentSide,
} from '../../instances/lease-scripts.js'
import type { EntryWrite, Grant, LeaseEnd, LeaseName, LeaseRequest } from '../../instances/store.js'
import type { TimeLeft } from '../time-left.js'
import { copyCall, guard } from './copy-scripts.js'
import type { CopySite, Reached } from './copy-sites.js'
import type { StandIns } from './stand-ins.js'

/** The guard looks at what comes last; the scripts that it runs before don't know of that. */
const own = `${guard}
table.remove(KEYS)
table.remove(ARGV)
table.remove(ARGV)
`
const { grant: granting } = leaseScripts(momentSide, own)
const filling = fillScript(own)
const breaking = breakScript(own)

/**
 * Leases on copies. They lie beside them and go with their outage: what was granted in one that is over fills nothing.
 */
export interface CopyLeases {
  /** Undefined: no place took it. */
  grant(
    key: string,
    token: string,
    request: LeaseRequest,
    time: TimeLeft,
  ): Promise<{ readonly grant: Grant; readonly held: CopyLease } | undefined>
  /** Of all entries that begin with the prefix. */
  break(standIns: readonly Instance[], prefix: string, time: TimeLeft): Promise<void>
}

/** One that was granted. Its renewal and its release reject where the place can't be asked. */
export interface CopyLease {
  renew(ms: number): Promise<boolean>
  /** Where it shows. Undefined: it is over, or the place failed. */
  fill(entry: Omit<EntryWrite, 'key'>, time: TimeLeft): Promise<Reached | undefined>
  release(end: LeaseEnd | undefined): Promise<void>
}

interface CopyLeasesParts {
  readonly standIns: StandIns
  /** What the entries of the category begin with at home. */
  readonly keyPrefix: string
  /** What a change at `done` replaces goes everywhere else. */
  readonly replaced: (keys: readonly string[], time: TimeLeft, done: string, id: string) => Promise<Reached>
  readonly endOf: (endsAt: number) => number
  /** Epoch ms. */
  readonly now: () => number
}

export const createCopyLeases = ({ standIns, keyPrefix, replaced, endOf, now }: CopyLeasesParts): CopyLeases => {
  const held = (standIn: Instance, site: CopySite, key: string, token: string): CopyLease => {
    const lease: LeaseName = { key: site.prefix + key, token, scope: site.prefix + keyPrefix }
    return {
      // Whether its outage still counts is asked by the fill.
      renew: (ms) => standIn.renew(lease, ms),
      release: (end) => standIn.release(lease, end),
      fill: async ({ text, endsAt }, time) => {
        const life = Math.max(1, Math.ceil(endOf(endsAt) - now()))
        const done = await standIns.change(standIn, time, 'write', (target) => {
          const keys = [lease.key, target.layout.lease(lease.key), target.layout.invalidated]
          // Under another id nobody would find it.
          return target.site.id === site.id
            ? [copyCall(target, filling, keys, [token, text, life, '', scopeField(lease.scope)])]
            : []
        })
        if (done?.value[0] !== 1) return undefined
        return replaced([key], time, standIn.name, done.id)
      },
    }
  }

  return {
    grant: async (key, token, request, time) => {
      for (const standIn of standIns.candidates()) {
        let at: CopySite | undefined
        const done = await standIns.change(standIn, time, 'write', (target) => {
          at = target.site
          const lying = at.prefix + key
          const { layout } = target
          return [
            copyCall(target, granting, [lying, layout.lease(lying), layout.invalidated], grantArgs(token, request)),
          ]
        })
        if (done !== undefined && at !== undefined) {
          return { grant: grantAnswer(done.value[0]), held: held(standIn, at, key, token) }
        }
      }
      return undefined
    },

    break: async (all, prefix, time) => {
      await Promise.all(
        all.map((standIn) =>
          standIns.change(standIn, time, 'change', (target) => [
            copyCall(target, breaking, [target.layout.invalidated], [scopeField(target.site.prefix + prefix)]),
          ]),
        ),
      )
    },
  }
}
