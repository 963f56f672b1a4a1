import {
  close,
  constants,
  fdatasync,
  fsync,
  ftruncate,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  write,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'

/*
 * What a process has appended and not yet put into the tables, in two files that it uses in turn: while what one holds
 * goes into the tables, the other takes what comes. One write that ends when it is on disk costs a fraction of a
 * transaction. Frames: length and checksum of a text (4 bytes each), the text. What a crash cut off at the end was never
 * acknowledged. What is found twice changes nothing, so nobody waits for a file to be emptied.
 */

export interface AheadFile {
  /** One at a time. On disk when it resolves. */
  write(frames: Buffer): Promise<void>
  /** Bytes in the file that takes what comes. */
  size(): number
  /** From here on the other file takes what comes, if it is empty. */
  turn(): void
  /** What was written before the last turn is in the tables. */
  empty(): Promise<void>
  /** `keep`: they hold something that is nowhere else. */
  close(keep: boolean): Promise<void>
}

const HEAD = 8

export const frameOf = (text: string): Buffer => {
  const length = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(HEAD + length)
  frame.write(text, HEAD)
  frame.writeUInt32BE(length, 0)
  frame.writeUInt32BE(crc32(frame.subarray(HEAD)), 4)
  return frame
}

/** Up to the first that isn't whole. */
export const textsIn = (frames: Buffer): string[] => {
  const texts: string[] = []
  for (let at = 0; at + HEAD <= frames.length; ) {
    const body = frames.subarray(at + HEAD, at + HEAD + frames.readUInt32BE(at))
    if (body.length < frames.readUInt32BE(at) || crc32(body) !== frames.readUInt32BE(at + 4)) break
    texts.push(body.toString())
    at += HEAD + body.length
  }
  return texts
}

interface Half {
  readonly path: string
  fd: number | undefined
  size: number
  writing: Promise<void>
}

// Without it, where the system has no such thing, each write is followed by a flush.
const SYNC = constants.O_DSYNC ?? 0
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | SYNC
const flushed = promisify(fdatasync)
const synced = promisify(fsync)
const cut = promisify(ftruncate)
const closed = promisify(close)
const writeTo = promisify(write)

/** Opened when it is first needed: in an outage. Its methods reject with what the file system says. */
export const createAheadFile = (folder: string, owner: string): AheadFile => {
  const halfOf = (i: number): Half => ({
    path: join(folder, `${owner}.${i}`),
    fd: undefined,
    size: 0,
    writing: Promise.resolve(),
  })
  const halves = [halfOf(0), halfOf(1)] as const
  let current: 0 | 1 = 0
  const other = (): 0 | 1 => (current === 0 ? 1 : 0)

  const opened = async (half: Half): Promise<number> => {
    if (half.fd !== undefined) return half.fd
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    half.fd = openSync(half.path, FLAGS, 0o600)
    // Its name has to be on disk, too.
    const names = openSync(folder, constants.O_RDONLY)
    await synced(names).finally(() => closed(names))
    return half.fd
  }

  const writeAll = async (half: Half, frames: Buffer): Promise<void> => {
    const fd = await opened(half)
    for (let at = 0; at < frames.length; ) {
      const { bytesWritten } = await writeTo(fd, frames, at, frames.length - at)
      at += bytesWritten
    }
    if (SYNC === 0) await flushed(fd)
  }

  return {
    write: (frames) => {
      const into = halves[current]
      into.size += frames.length
      const writing = writeAll(into, frames)
      into.writing = writing.catch(() => undefined) // Whoever wrote hears of it.
      return writing
    },
    size: () => halves[current].size,
    turn: () => {
      if (halves[other()].size === 0) current = other()
    },
    empty: async () => {
      const emptied = halves[other()]
      await emptied.writing
      if (emptied.fd !== undefined) await cut(emptied.fd, 0)
      emptied.size = 0
    },
    close: async (keep) => {
      for (const { fd, path, writing } of halves) {
        await writing
        if (fd === undefined) continue
        await closed(fd)
        if (!keep) rmSync(path, { force: true })
      }
    },
  }
}

/** What a file holds; nothing where it is gone. */
export const readAhead = (path: string): string[] => {
  try {
    return textsIn(readFileSync(path))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
