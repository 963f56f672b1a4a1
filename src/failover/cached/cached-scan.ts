import { isOutage } from '../../instances/instance.js'
import { NOT_OURS } from '../../instances/name-pages.js'
import { type ScanPage, StoreError } from '../../instances/store.js'
import { steadyNow, timeFrom } from '../time-left.js'
import type { CachedSetting } from './cached-setting.js'

const HOME = ''
const LAST = '~'

/**
 * Keys of a cached category: while all is well those at home, else one place after the other: home if it can be read,
 * what stands in, the last resort. Cursors hold the place before that place's own, except for home's.
 */
export const createCachedScan = (setting: CachedSetting) => {
  const { category, home, overlay, copies, reading, readMs, parts } = setting
  const { calm } = parts.landscape
  const isInvalid = (redisKey: string): boolean =>
    overlay.find(redisKey.slice(category.keyPrefix.length))?.invalid === true
  /** Of those at home, without what isn't to be read any more. Names don't tell tags: they are looked for where any wait. */
  const standing = async (keys: readonly string[]): Promise<string[]> => {
    const valid = keys.filter((key) => !isInvalid(key))
    if (valid.length === 0 || !overlay.mayBeTagged()) return valid
    const texts = await home.readMany(valid, reading)
    return valid.filter((_, i) => !overlay.tagged(texts[i] ?? ''))
  }

  return async (prefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> => {
    const at = readCursor(cursor)
    if (at.place !== HOME && at.place !== LAST && !parts.landscape.instances.has(at.place))
      throw new StoreError('refused', home.name, `${home.name}: ${NOT_OURS}`, 'no')
    if (calm(home.name) && at.place === HOME) {
      const page = await home.scan(prefix, cursor, limit, reading).catch(orNothing)
      if (page !== undefined) return page
    }
    const sites = await copies.sites(timeFrom(steadyNow(), readMs()))
    const order = [HOME, ...sites.map(({ standIn }) => standIn.name), ...(copies.fallback === undefined ? [] : [LAST])]

    const scanAt = async (place: string, inner: string | undefined): Promise<ScanPage | undefined> => {
      if (place === HOME) {
        if (!home.readable()) return undefined
        const page = await home.scan(prefix, inner, limit, reading)
        return { ...page, keys: await standing(page.keys) }
      }
      if (place === LAST) return copies.fallback?.scan(prefix, inner, limit)
      const there = sites.find(({ standIn }) => standIn.name === place)
      if (there === undefined) return undefined
      const begin = there.site.prefix
      const options = { timeout: there.standIn.deadline('read') }
      const page = await there.standIn.scan(begin + prefix, inner, limit, options)
      return { ...page, keys: page.keys.map((key) => key.slice(begin.length)) }
    }

    const page = await scanAt(at.place, at.inner).catch(orNothing)
    const following = order[order.indexOf(at.place) + 1]
    const next =
      page?.cursor !== undefined
        ? writeCursor(at.place, page.cursor)
        : following === undefined || (at.place !== HOME && !order.includes(at.place))
          ? undefined
          : writeCursor(following, '')
    const partial = page === undefined || page.partial === true || !home.readable()
    return { keys: page?.keys ?? [], cursor: next, ...(partial && { partial: true }) }
  }
}

/** A place that can't be asked now shows nothing, and the page says that it is partial. */
const orNothing = (error: unknown): undefined => {
  if (!(error instanceof StoreError) || !isOutage(error)) throw error
  return undefined
}

const writeCursor = (place: string, inner: string): string => (place === HOME ? inner : `${place}/${inner}`)

const readCursor = (cursor: string | undefined): { readonly place: string; readonly inner: string | undefined } => {
  if (cursor === undefined) return { place: HOME, inner: undefined }
  const end = cursor.indexOf('/')
  if (end < 0) return { place: HOME, inner: cursor }
  const inner = cursor.slice(end + 1)
  return { place: cursor.slice(0, end), inner: inner === '' ? undefined : inner }
}
