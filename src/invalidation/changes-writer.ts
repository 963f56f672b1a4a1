import { StoreError } from '../instances/store.js'
import { type Change, changeFields } from './changes.js'

/** ms in which changes are gathered before they are told. */
const GATHER = 5
/** Keys of one record. */
const MOST_KEYS = 100

/** Tells other processes what this one has changed. */
export interface ChangesWriter {
  /** Of a change that is done. What is told within a few ms goes together. No keys: any of the category's. */
  tell(category: string, operation: Change['operation'], keys: readonly string[], tags?: readonly string[]): void
  /** What is still to be told leaves now. */
  close(): Promise<void>
}

/** `append`: adds a record to the stream. That it fails is no news: nobody relies on it for longer than a second. */
export const createChangesWriter = (
  origin: string,
  append: (fields: readonly string[]) => Promise<void>,
): ChangesWriter => {
  let gathered: Omit<Change, 'origin'>[] = []
  let refused = false
  let timer: NodeJS.Timeout | undefined

  const send = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    const changes = gathered
    gathered = []
    await Promise.all(
      changes.map((change) =>
        append(changeFields({ ...change, origin })).catch((error) => {
          // It may be away now, or full. Its user may have no right to it: that is so until somebody changes it.
          refused ||= error instanceof StoreError && error.kind === 'refused'
        }),
      ),
    )
  }

  return {
    tell: (category, operation, keys, tags = []) => {
      if (refused) return
      const last = gathered.at(-1)
      const fits = last !== undefined && last.keys.length > 0 && last.keys.length + keys.length <= MOST_KEYS
      if (fits && keys.length > 0 && last.category === category && last.operation === operation) {
        gathered[gathered.length - 1] = { ...last, keys: [...last.keys, ...keys] }
      } else {
        for (let from = 0; from === 0 || from < keys.length; from += MOST_KEYS) {
          gathered.push({ category, operation, keys: keys.slice(from, from + MOST_KEYS), tags })
        }
      }
      timer ??= setTimeout(() => void send(), GATHER)
    },
    close: send,
  }
}
