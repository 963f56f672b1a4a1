import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import { counted } from '../journal/journal-sums.js'
import type { EntryName, Located } from '../shelf.js'
import { steadyNow, type TimeLeft, timeFrom } from '../time-left.js'
import { type CachedSetting, keyOf } from './cached-setting.js'

/** Reads of a cached category whose home can't be asked, or can't be trusted to have the last word. */
export interface CachedReads {
  whereOf(name: EntryName): Where
  /** In the order asked; what can't be known is a miss. */
  find(names: readonly EntryName[]): Promise<(Located | undefined)[]>
  life(name: EntryName): Promise<number | undefined>
  /** After home failed. They reject with its error if that is none of an outage. */
  readAfter(name: EntryName, error: unknown): Promise<string | undefined>
  readManyAfter(names: readonly EntryName[], error: unknown): Promise<(string | undefined)[]>
  locateAfter(name: EntryName, error: unknown): Promise<Located | undefined>
  locateManyAfter(names: readonly EntryName[], error: unknown): Promise<(Located | undefined)[]>
  lifeAfter(name: EntryName, error: unknown): Promise<number | undefined>
}

/** copy: what lies at home isn't to be read. copy-first: a copy elsewhere is newer, if there is one. */
export type Where = 'home' | 'copy' | 'copy-first'

/** What is left of a call's time when its first attempt has used up its own. */
const REST = 1 / 3

export const createCachedReads = (setting: CachedSetting): CachedReads => {
  const { home, overlay, copies, reading, readMs } = setting
  const { stale } = setting.parts.landscape

  const whereOf = ({ key }: EntryName): Where => {
    // Others may have changed what it missed, until it is admitted again.
    if (!home.readable() || stale(home.name)) return 'copy'
    const found = overlay.find(key)
    if (found?.invalid === true) return 'copy'
    return home.writable() ? 'home' : 'copy-first'
  }

  const keysOf = (names: readonly EntryName[]): string[] => names.map(keyOf)
  const rest = (): TimeLeft => timeFrom(steadyNow(), readMs() * REST)

  const elsewhere = (names: readonly EntryName[], error: unknown): Promise<(Located | undefined)[]> => {
    if (!(error instanceof StoreError) || !isOutage(error)) return Promise.reject(error)
    return copies.find(keysOf(names), rest())
  }

  /** As they lie there, with the increments that wait for it. */
  const countedAtHome = (names: readonly EntryName[], time: TimeLeft): Promise<(string | undefined)[]> => {
    const [only] = names
    return overlay.sums.with(
      names.map(({ key }) => key),
      time.left() / 2,
      async (added) => {
        const texts =
          names.length === 1 && only !== undefined
            ? [await home.read(only.redisKey, reading)]
            : await home.readMany(keysOf(names), reading)
        return texts.map((text, i) => counted(text, added[i], setting.parts.now()))
      },
    )
  }

  const atHome = async (names: readonly EntryName[], time: TimeLeft): Promise<(Located | undefined)[]> => {
    try {
      const texts = await countedAtHome(names, time)
      const degraded = !home.writable()
      const located = texts.map((text) => (text === undefined ? undefined : { text, source: home.name, degraded }))
      // What was written since its tag was invalidated is read where it doesn't wait for replay.
      const hidden = located.flatMap((each, i) => (each !== undefined && overlay.tagged(each.text) ? [i] : []))
      if (hidden.length > 0) {
        const copied = await copies.find(keysOf(hidden.flatMap((i) => names[i] ?? [])), time)
        hidden.forEach((i, n) => {
          located[i] = copied[n]
        })
      }
      return located
    } catch (error) {
      if (!(error instanceof StoreError) || !isOutage(error)) throw error
      return copies.find(keysOf(names), time)
    }
  }

  const find = async (names: readonly EntryName[]): Promise<(Located | undefined)[]> => {
    const time = timeFrom(steadyNow(), readMs())
    const where = names.map(whereOf)
    const found = new Array<Located | undefined>(names.length).fill(undefined)
    const fill = async (
      at: readonly number[],
      look: (names: readonly EntryName[], time: TimeLeft) => Promise<(Located | undefined)[]>,
    ): Promise<void> => {
      if (at.length === 0) return
      const answers = await look(
        at.flatMap((i) => names[i] ?? []),
        time,
      )
      at.forEach((i, n) => {
        found[i] = answers[n]
      })
    }
    const those = (which: (where: Where, i: number) => boolean): number[] =>
      where.flatMap((each, i) => (which(each, i) ? [i] : []))

    await Promise.all([
      fill(
        those((each) => each !== 'home'),
        (asked) => copies.find(keysOf(asked), time),
      ),
      fill(
        those((each) => each === 'home'),
        atHome,
      ),
    ])
    await fill(
      those((each, i) => each === 'copy-first' && found[i] === undefined),
      atHome,
    )
    return found
  }

  const readAfter = async (name: EntryName, error: unknown): Promise<Located | undefined> =>
    (await elsewhere([name], error))[0]

  const lifeAfter = async ({ redisKey }: EntryName, error: unknown): Promise<number | undefined> => {
    if (!(error instanceof StoreError) || !isOutage(error)) throw error
    return copies.life(redisKey, rest())
  }

  return {
    whereOf,
    find,
    readAfter: async (name, error) => (await readAfter(name, error))?.text,
    readManyAfter: async (names, error) => (await elsewhere(names, error)).map((each) => each?.text),
    locateAfter: readAfter,
    locateManyAfter: elsewhere,
    lifeAfter,

    life: async (name) => {
      const where = whereOf(name)
      if (where !== 'home') {
        const life = await copies.life(name.redisKey, timeFrom(steadyNow(), readMs()))
        if (life !== undefined || where === 'copy') return life
      }
      const life = await home.life(name.redisKey, reading).catch((error) => lifeAfter(name, error))
      // A counter that so far only waits for home.
      return life ?? copies.life(name.redisKey, rest())
    },
  }
}
