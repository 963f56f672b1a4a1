import type { Instance, ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import type { Script } from '../../instances/scripts.js'
import { type Clock, type Version, validVersion } from '../versions/clock.js'
import { groupCalls } from '../versions/group-calls.js'
import { isBefore } from './recovery-texts.js'
import type { Throttle } from './recovery-throttle.js'
import type { Copied } from './repair.js'
import {
  adoptItemScript,
  hashPageScript,
  itemsScript,
  lengthenScript,
  namesScript,
  textsScript,
  versionsScript,
} from './repair-scripts.js'
import { isFatal, patience } from './replay.js'

export interface ExtraItem {
  readonly group: string
  readonly field: string
  readonly version: Version
}

export interface GroupRepair {
  /** All groups that an instance knows of, also those that are gone and left versions. */
  names(instance: Instance): Promise<ReadonlySet<string>>
  /** Brings what the other place has, and later. `since`: as in EntryRepair. */
  copy(to: Instance, from: Instance, group: string, since: number): Promise<Copied>
  /** Items that lie at `at` and of which the other place knows nothing. */
  extra(at: Instance, other: Instance, group: string): Promise<ExtraItem[]>
  /** Removes those of them that are unchanged, and of which the other place still knows nothing. */
  drop(at: Instance, other: Instance, extra: readonly ExtraItem[]): Promise<void>
}

/** What a place knows of an item. */
interface Known {
  readonly version: Version | undefined
  readonly there: boolean
}

const PAGE = 500
/** Texts per round trip: each may be large. */
const TEXTS = 50

export const createGroupRepair = (layout: Layout, clock: Clock, pace: Throttle): GroupRepair => {
  const calls = groupCalls(layout, clock)
  const valid = (found: unknown): Version | undefined => validVersion(found, clock.horizon())

  const read = (at: Instance, script: Script, keys: readonly string[], args: readonly (string | number)[]) =>
    at.script({ script, keys, args }, 'read', patience(at))
  const send = async (to: Instance, writes: readonly ScriptCall[]): Promise<void> => {
    for (const outcome of await to.scripts(writes, 'change', patience(to))) {
      // A group of which the key holds another type of data stays as it is.
      if (outcome instanceof Error && isFatal(outcome)) throw outcome
    }
  }

  const knownOf = async (at: Instance, group: string, fields: readonly string[]): Promise<Known[]> => {
    const found = (await read(at, versionsScript, [layout.group(group), layout.side(group)], fields)) as unknown[]
    return fields.map((_, i) => ({ version: valid(String(found[i * 2])), there: found[i * 2 + 1] === 1 }))
  }

  /** The fields of a hash, in pages. */
  const fields = async (
    at: Instance,
    script: Script,
    key: string,
    look: (found: readonly string[]) => Promise<void>,
  ): Promise<void> => {
    let cursor = '0'
    do {
      const [next, found] = (await read(at, script, [key], [cursor, PAGE])) as [string, string[]]
      for (let from = 0; from < found.length; from += PAGE * 2) await look(found.slice(from, from + PAGE * 2))
      cursor = next
    } while (cursor !== '0')
  }

  const bring = async (
    to: Instance,
    from: Instance,
    group: string,
    wanted: readonly string[],
    life: number | false,
  ) => {
    for (let at = 0; at < wanted.length; at += TEXTS) {
      const part = wanted.slice(at, at + TEXTS)
      const keys = [layout.group(group), layout.side(group)]
      const found = (await read(from, textsScript, keys, part)) as string[]
      const writes = part.flatMap((field, i): ScriptCall[] => {
        const [version, text] = [valid(found[i * 2] ?? ''), found[i * 2 + 1] ?? '']
        if (text === '') return version === undefined ? [] : [calls.mergeTombstone(group, field, version)]
        if (version !== undefined) return [calls.merge(group, field, version, { text, life })]
        const args = [field, text, life === false ? '' : Math.max(1, life), group]
        return [{ script: adoptItemScript, keys: [...keys, layout.groupIndex], args }]
      })
      await send(to, writes)
    }
  }

  /** Compares what `from` knows of some fields with what `to` does, and answers those that `to` should get. */
  const wanted = async (
    to: Instance,
    from: Instance,
    group: string,
    some: readonly string[],
  ): Promise<(Known & { readonly field: string })[]> => {
    const theirs = await knownOf(from, group, some)
    const own = await knownOf(to, group, some)
    return some.flatMap((field, i) => {
      const [their, our] = [theirs[i], own[i]]
      return their !== undefined && isLater(their, our) ? [{ ...their, field }] : []
    })
  }

  const repair: GroupRepair = {
    names: async (instance) => {
      const names = new Set(await instance.groups(patience(instance)))
      let from = '-'
      for (;;) {
        const page = (await read(instance, namesScript, [layout.sideIndex], [from, PAGE])) as string[]
        for (const name of page) names.add(name)
        if (page.length < PAGE) return names
        from = `(${page.at(-1)}`
      }
    },

    copy: async (to, from, group, since) => {
      let compared = 0
      let brought = 0
      const left = await from.life(layout.group(group), patience(from))
      const life = left === Number.POSITIVE_INFINITY ? false : (left ?? 0)
      const compare = async (some: readonly string[]): Promise<void> => {
        if (some.length === 0) return
        const missing = await wanted(to, from, group, some)
        const fields = missing.map(({ field }) => field)
        await bring(to, from, group, fields, life)
        compared += some.length
        brought += missing.filter(({ version }) => isBefore(since, version)).length
        await pace(some.length)
      }
      await fields(from, hashPageScript, layout.side(group), async (found) => {
        const names: string[] = []
        for (let i = 0; i < found.length; i += 2) {
          const [field = '', marker = ''] = [found[i], found[i + 1]]
          if (field.startsWith(':')) names.push(field.slice(1))
          else if (field === '*') await clear(to, group, valid(marker))
        }
        await compare(names)
      })
      // Written before there were versions, so that nothing is known of it in the side hash.
      await fields(from, itemsScript, layout.group(group), async (found) => {
        const known = await knownOf(from, group, found)
        await compare(found.filter((_, i) => known[i]?.version === undefined))
      })
      if (left !== undefined) await send(to, [lengthen(group, life)])
      return { compared, brought }
    },

    extra: async (at, other, group) => {
      const extra: ExtraItem[] = []
      await fields(at, itemsScript, layout.group(group), async (found) => {
        const own = await knownOf(at, group, found)
        const theirs = await knownOf(other, group, found)
        found.forEach((field, i) => {
          const version = own[i]?.version
          const their = theirs[i]
          if (version !== undefined && their?.version === undefined && their?.there === false) {
            extra.push({ group, field, version })
          }
        })
        await pace(found.length)
      })
      return extra
    },

    drop: async (at, other, extra) => {
      for (const group of new Set(extra.map((each) => each.group))) {
        const ofIt = extra.filter((each) => each.group === group)
        const theirs = await knownOf(
          other,
          group,
          ofIt.map(({ field }) => field),
        )
        const gone = ofIt.filter((_, i) => theirs[i]?.version === undefined && theirs[i]?.there === false)
        await send(
          at,
          gone.map(({ field, version }) => calls.mergeTombstone(group, field, version)),
        )
      }
    },
  }

  const clear = async (to: Instance, group: string, version: Version | undefined): Promise<void> => {
    if (version === undefined) return
    let cursor: string | undefined
    do {
      const call = calls.mergeClear(group, version, cursor)
      cursor = call.answer(await to.script(call, 'change', patience(to)))
    } while (cursor !== undefined)
  }

  const lengthen = (group: string, life: number | false): ScriptCall => ({
    script: lengthenScript,
    keys: [layout.group(group)],
    args: [life === false ? '' : life],
  })

  return repair
}

const isLater = (their: Known, our: Known | undefined): boolean => {
  if (their.version === undefined) return their.there && our?.version === undefined && !our?.there
  return our?.version === undefined ? !our?.there || !their.there : their.version > our.version
}
