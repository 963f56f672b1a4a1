import type { HotStore } from '../state/hot-store.js'
import { count, startCounting, type Timed } from './category-meter.js'

/** Calls of context.state, by operation. */
export interface StateMeter {
  readonly operations: ReadonlyMap<StateOperation, Timed>
  /** Items that could not be read, since the start. */
  corrupt(): number
}
type StateOperation = Exclude<keyof HotStore, 'skipped'>

/** The same store; its calls are counted and timed. `elapsed`: monotonic ms. */
export const measureState = (hot: HotStore, elapsed: () => number): { hot: HotStore; meter: StateMeter } => {
  const operations = new Map<StateOperation, ReturnType<typeof startCounting>>()
  const timed =
    <A extends unknown[], T>(operation: StateOperation, call: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> => {
      const calls = operations.get(operation) ?? startCounting()
      operations.set(operation, calls)
      const begun = elapsed()
      return call(...args).then(
        (answer) => {
          count(calls, elapsed() - begun, false)
          return answer
        },
        (error) => {
          count(calls, elapsed() - begun, true)
          throw error
        },
      )
    }
  const measured: HotStore = {
    get: timed('get', hot.get),
    set: <T>(group: string, key: string, value: T) => timed('set', () => hot.set(group, key, value))(),
    delete: timed('delete', hot.delete),
    getGroup: timed('getGroup', hot.getGroup),
    clear: timed('clear', hot.clear),
    keys: timed('keys', hot.keys),
    traceIds: timed('traceIds', hot.traceIds),
    items: timed('items', hot.items),
    skipped: hot.skipped,
  }
  return { hot: measured, meter: { operations, corrupt: hot.skipped } }
}
