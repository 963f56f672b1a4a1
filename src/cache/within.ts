import { timerMs } from './timer.js'

/** The promise's outcome, or the rejection with `late()` after so many ms; what it does later is without effect. */
export const within = <T>(ms: number, promise: PromiseLike<T>, late: () => Error): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), timerMs(ms))
    const ended = (): void => clearTimeout(timer)
    promise.then(
      (value) => {
        ended()
        resolve(value)
      },
      (error) => {
        ended()
        reject(error)
      },
    )
  })
