import type { CacheEngine } from './engine.js'

/**
 * An engine that is opened by its first call. Once it is open, no promise comes between the caller and it. Where
 * `closed` says so, calls get what `open` says of that.
 */
export const lazyEngine = (open: () => Promise<CacheEngine>, closed: () => boolean): CacheEngine => {
  let ready: CacheEngine | undefined
  const via =
    <A extends unknown[], R>(method: (engine: CacheEngine) => (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      ready === undefined || closed()
        ? open().then((engine) => {
            ready = engine
            return method(engine)(...args)
          })
        : method(ready)(...args)
  return {
    get: via((engine) => engine.get),
    getMany: via((engine) => engine.getMany),
    getEntry: via((engine) => engine.getEntry),
    has: via((engine) => engine.has),
    set: via((engine) => engine.set),
    setMany: via((engine) => engine.setMany),
    delete: via((engine) => engine.delete),
    deleteMany: via((engine) => engine.deleteMany),
    expire: via((engine) => engine.expire),
    touch: via((engine) => engine.touch),
    increment: via((engine) => engine.increment),
    invalidateTags: via((engine) => engine.invalidateTags),
    clear: via((engine) => engine.clear),
    keys: via((engine) => engine.keys),
    acquire: via((engine) => engine.acquire),
  }
}
