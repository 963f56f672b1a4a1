/**
 * What callers did and saw, as a checker judges it. Values are unique per write, so a value read tells which write it
 * came from. Times are ms of one clock that all processes of the machine share.
 */
interface Recorded {
  /** Another one after a restart: what a process may rely on begins with it. */
  readonly process: string
  /** As callers know it: 'cache.set', 'state.getGroup' … */
  readonly op: string
  readonly began: number
  /** Of a process that was killed meanwhile: when it was. */
  readonly ended: number
  /** failed: it said that nothing was written. unknown: it may have been, also of a process that was killed meanwhile. */
  readonly outcome: 'ok' | 'failed' | 'unknown'
  /** Of the error, if there was one. */
  readonly code?: string | undefined
  /** What the error said. */
  readonly reason?: string | undefined
  /** The call's deadline, ms. */
  readonly limit: number
  /**
   * The least that it has of that, or each of its batches or steps, ms: deadlines grow with what answers take, and by how
   * much only the instance knows.
   */
  readonly each?: number | undefined
  /** ms by which the event loop of the process was late meanwhile. */
  readonly late: number
}

/** `null` is absent. A key is '<scope>/<name>'. */
export type Call = Recorded &
  /** `tag`: what it bears; of one key always the same. */
  (
    | { readonly does: 'put'; readonly key: string; readonly value: string; readonly tag?: string | undefined }
    | { readonly does: 'remove'; readonly key: string }
    /** Every key of the scope. */
    | { readonly does: 'clear'; readonly scope: string }
    /** Every key of the scope whose puts bear the tag. */
    | { readonly does: 'invalidate'; readonly scope: string; readonly tag: string }
    /** `value` of an ok one. */
    | { readonly does: 'read'; readonly key: string; readonly value?: string | null }
    /** `total`: what an ok one was told. */
    | { readonly does: 'add'; readonly key: string; readonly by: number; readonly total?: number | undefined }
    /** A counter is read. `total` of an ok one; 0 where there is none. */
    | { readonly does: 'count'; readonly key: string; readonly total?: number }
    /** Whether something is there, whatever it is. `found` of an ok one. */
    | { readonly does: 'look'; readonly key: string; readonly found?: boolean }
  )

export type Does<D extends Call['does']> = Extract<Call, { does: D }>

/** It changes no value and no number. */
export const isRead = ({ does }: Pick<Call, 'does'>): boolean => does === 'read' || does === 'count' || does === 'look'

export interface History {
  readonly calls: readonly Call[]
  /** What lies at home when everything has healed, by key; keys that aren't named aren't judged. */
  readonly final: ReadonlyMap<string, string | number | null>
}

/** Shared by all processes of a machine, unlike performance.now(). Ms. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

export const scopeOf = (key: string): string => key.slice(0, key.indexOf('/'))
