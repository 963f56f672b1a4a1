import type { Line } from './line.js'

/** What a process tells the others of a change it made: a record of the stream. */
export interface Change {
  readonly category: string
  /** As callers know them; none: any of the category's may be meant. */
  readonly keys: readonly string[]
  readonly tags: readonly string[]
  readonly operation: 'set' | 'delete' | 'clear' | 'invalidateTags'
  /** The process that made it. */
  readonly origin: string
}

/** As much of it as whoever keeps copies needs. */
type HeardChange = Pick<Change, 'category' | 'keys' | 'origin'>

/** Field and value in turn, texts that other systems read as well. */
export const changeFields = ({ category, keys, tags, operation, origin }: Change): string[] => [
  ...['category', category, 'keys', JSON.stringify(keys), 'tags', JSON.stringify(tags)],
  ...['operation', operation, 'origin', origin],
]

/** Undefined where it isn't one: anybody may write to a stream. */
const changeOf = (fields: readonly unknown[]): HeardChange | undefined => {
  const field = (name: string): unknown => {
    const at = fields.findIndex((each, i) => i % 2 === 0 && each === name)
    return at < 0 ? undefined : fields[at + 1]
  }
  const [category, origin, keys] = [field('category'), field('origin'), texts(field('keys'))]
  return typeof category === 'string' && typeof origin === 'string' && keys !== undefined
    ? { category, origin, keys }
    : undefined
}

const texts = (json: unknown): string[] | undefined => {
  if (typeof json !== 'string') return undefined
  try {
    const list: unknown = JSON.parse(json)
    return Array.isArray(list) && list.every((each) => typeof each === 'string') ? list : undefined
  } catch {
    return undefined
  }
}

/** Records of one answer. */
const PAGE = 1_000
/** ms that the server waits for a record before it answers that there is none. */
const BLOCK = 1_000
/** ms that an answer may take. */
const SILENCE = BLOCK + 2_000

/** A reader of the stream, which knows how far it has read, also from one connection to the next. */
export interface ChangesReader {
  /** Reads on until the line is lost; rejects then. */
  follow(line: Line): Promise<void>
}

/** `heard`: undefined where records are missing, or one can't be read: anything may have changed. */
export const createChangesReader = (
  stream: string,
  heard: (change: HeardChange | undefined) => void,
): ChangesReader => {
  let last: string | undefined

  const edge = async (line: Line, command: 'XRANGE' | 'XREVRANGE'): Promise<string | undefined> => {
    const [begin, end] = command === 'XRANGE' ? ['-', '+'] : ['+', '-']
    return recordsOf(await line.send([command, stream, begin, end, 'COUNT', '1']))[0]?.id
  }

  /** What came after the last record that was read is there still. */
  const whole = async (line: Line, since: string): Promise<boolean> => {
    const first = await edge(line, 'XRANGE')
    return first !== undefined && !isLater(first, since)
  }

  return {
    follow: async (line) => {
      if (last === undefined || !(await whole(line, last))) {
        last = (await edge(line, 'XREVRANGE')) ?? '0-0'
        heard(undefined)
      }
      for (;;) {
        const since = last
        const command = ['XREAD', 'COUNT', String(PAGE), 'BLOCK', String(BLOCK), 'STREAMS', stream, since]
        const records = streamOf(await inTime(line.send(command)))
        // Far behind: some may have been trimmed before they were read.
        if (records.length === PAGE && since !== '0-0' && !(await whole(line, since))) heard(undefined)
        for (const { id, fields } of records) {
          last = id
          heard(changeOf(fields))
        }
      }
    },
  }
}

const inTime = (answer: Promise<unknown>): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer')), SILENCE).unref()
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })

interface Entry {
  readonly id: string
  readonly fields: readonly unknown[]
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

const recordsOf = (reply: unknown): Entry[] =>
  isList(reply)
    ? reply.flatMap((each) => {
        if (!isList(each)) return []
        const [id, fields] = each
        return typeof id === 'string' ? [{ id, fields: isList(fields) ? fields : [] }] : []
      })
    : []

/** XREAD's answer: for each stream that has something its name and that. */
const streamOf = (reply: unknown): Entry[] => (isList(reply) && isList(reply[0]) ? recordsOf(reply[0][1]) : [])

/** Ids are two numbers, the first in ms. */
const isLater = (a: string, b: string): boolean => {
  const [at = 0n, nth = 0n] = a.split('-').map(BigInt)
  const [thanAt = 0n, thanNth = 0n] = b.split('-').map(BigInt)
  return at === thanAt ? nth > thanNth : at > thanAt
}
