import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { isAlive } from '../../alive.js'
import { StoreError } from '../../instances/store.js'

/**
 * Who may use a MOTIA_REDIS_DIR. Processes of one machine share it; from another machine or container LMDB's locks and
 * process ids mean something else. So each process shows in `<dir>/owners` that it is alive:
 *
 *     <place>.<pid>.<random>    touched every BEAT; removed when closed
 *
 * `place` stands for the running system and its process ids: boot id and pid namespace on Linux, elsewhere the host's
 * name. A directory is refused while somebody from another place gave a sign of life within STALE, by the file system's
 * own clock. So a container that is started again, and a machine after a reboot, take over what the dead ones left,
 * at once if those closed it, else within STALE; nothing is refused for ever.
 */
export interface Claim {
  /** The name by which this process shows itself. */
  readonly owner: string
  /** True once another place may have taken over, because this process stood still for too long: use nothing any more. */
  lost(): boolean
  /** Whether anybody else uses it now. */
  shared(): boolean
  release(): void
}

export interface ClaimOptions {
  /** For tests. @default this process's */
  readonly place?: string
  /** ms. @default 2000 */
  readonly beat?: number
  /** ms without a sign of life after which an owner counts as dead. @default 10000 */
  readonly stale?: number
}

const BEAT = 2_000
const STALE = 10_000
/** ms between two looks whether another place still uses it. */
const LOOK = 250

/** Throws a StoreError of kind 'configuration' where the directory can't be written, or is another's. */
export const claimDirectory = (dir: string, options: ClaimOptions = {}): Claim => {
  const { place = thisPlace(), beat = BEAT, stale = STALE } = options
  const owners = join(dir, 'owners')
  const own = join(owners, `${place}.${process.pid}.${randomBytes(4).toString('hex')}`)
  let lost = false

  const show = (): number => {
    try {
      mkdirSync(owners, { recursive: true, mode: 0o700 })
      // Not by utimes: the time must be the file system's, which all who share it have.
      writeFileSync(own, '.', { mode: 0o600 })
      return statSync(own).mtimeMs
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
      throw refusal(`its folder can't be written${code}: set MOTIA_REDIS_DIR to one that can`)
    }
  }
  const othersAt = (now: number): number | undefined => lastSignOfOthers(owners, place, now, stale)

  // First shown, then looked: of two that come at once at least one sees the other.
  const now = show()
  const sign = othersAt(now)
  if (sign !== undefined) {
    rmSync(own, { force: true })
    const ago = Math.max(0, Math.round((now - sign) / 1_000))
    throw refusal(
      `its folder is in use from another machine or container, seen ${ago} s ago: give each its own MOTIA_REDIS_DIR`,
    )
  }

  let shownAt = performance.now()
  const timer = setInterval(() => {
    try {
      const seen = show()
      if (performance.now() - shownAt > stale && othersAt(seen) !== undefined) lost = true
      shownAt = performance.now()
    } catch {
      return // The disk is away: as long as it is, nobody else sees more than we do.
    }
    if (lost) clearInterval(timer)
  }, beat).unref()

  return {
    owner: basename(own),
    lost: () => lost,
    shared: () =>
      namesIn(owners).some((owner) => owner !== basename(own) && ownerState(dir, owner, options) !== 'gone'),
    release: () => {
      clearInterval(timer)
      rmSync(own, { force: true })
    },
  }
}

/**
 * alive: it showed itself a moment ago. silent: it didn't, and may only stand still; or its process id is another's now.
 * gone: it writes nothing any more.
 */
export type OwnerState = 'alive' | 'silent' | 'gone'

/** Of the process that showed itself in a directory by this name. */
export const ownerState = (dir: string, owner: string, options: ClaimOptions = {}): OwnerState => {
  const { place = thisPlace(), stale = STALE } = options
  const sign = statSync(join(dir, 'owners', owner), { throwIfNoEntry: false })?.mtimeMs
  if (sign === undefined) return 'gone'
  const [theirs, pid] = owner.split('.')
  if (theirs === place && !isAlive(Number(pid))) return 'gone'
  if (Date.now() - sign <= stale) return 'alive'
  return theirs === place ? 'silent' : 'gone'
}

/** Whether other processes of this machine use the directory now. */
export const othersIn = (dir: string): boolean =>
  namesIn(join(dir, 'owners')).some((owner) => {
    const pid = Number(owner.split('.')[1])
    return pid !== process.pid && ownerState(dir, owner) !== 'gone'
  })

/** In a folder that may not be there (yet). */
export const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return []
    throw error
  }
}

/**
 * Resolves when nobody from another place uses the directory, or when waiting longer is no use: after a crash and a start
 * in a new container the dead one counts as alive for STALE. `waiting` hears once that it has to wait.
 */
export const whenFree = async (dir: string, waiting: () => void, options: ClaimOptions = {}): Promise<void> => {
  const { place = thisPlace(), stale = STALE } = options
  const owners = join(dir, 'owners')
  const giveUpAt = performance.now() + stale + LOOK
  let told = false
  const used = (): boolean => {
    try {
      return lastSignOfOthers(owners, place, Date.now(), stale) !== undefined
    } catch {
      return false // It isn't there yet, or can't be read: claiming says so.
    }
  }
  while (used() && performance.now() < giveUpAt) {
    if (!told) waiting()
    told = true
    await new Promise((resolve) => setTimeout(resolve, LOOK))
  }
}

const refusal = (text: string): StoreError => new StoreError('configuration', 'journal', `journal: ${text}`, 'no')

/** When somebody from another place was last seen, if that isn't long ago. Files of the dead go. */
const lastSignOfOthers = (owners: string, place: string, now: number, stale: number): number | undefined => {
  let last: number | undefined
  for (const name of readdirSync(owners)) {
    const [theirs, pid] = name.split('.')
    if (theirs === place) {
      if (!isAlive(Number(pid))) rmSync(join(owners, name), { force: true })
      continue
    }
    const sign = statSync(join(owners, name), { throwIfNoEntry: false })?.mtimeMs
    if (sign === undefined) continue
    if (now - sign > stale) rmSync(join(owners, name), { force: true })
    else if (last === undefined || sign > last) last = sign
  }
  return last
}

/** Names this running system as far as process ids reach in it. */
const thisPlace = (): string => {
  let words = [hostname()]
  try {
    words = [readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), readlinkSync('/proc/self/ns/pid')]
  } catch {
    // Not Linux: no containers of ours there that would share a folder under one host's name.
  }
  return createHash('sha1').update(words.join(' ')).digest('hex').slice(0, 16)
}
