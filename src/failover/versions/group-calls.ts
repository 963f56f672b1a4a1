import type { Layout } from '../../instances/layout.js'
import type { Clock, Version } from './clock.js'
import {
  groupMergeClearScript,
  groupMergeScript,
  groupMergeTombstoneScript,
  groupPutClearScript,
  groupPutScript,
  groupPutTombstoneScript,
  sweepSideScript,
} from './group-scripts.js'
import {
  type KeptCall,
  lowestKept,
  type MergeAnswer,
  mergeAnswer,
  PAGE,
  type PutAnswer,
  pageAnswer,
  putAnswer,
  wholeMs,
} from './kept-call.js'

export interface GroupText {
  readonly text: string
  /** ms the group lives from now, false for ever. */
  readonly life: number | false
}

/** Calls on groups of state. */
export const groupCalls = (layout: Layout, clock: Clock) => {
  const keysOf = (group: string): string[] => [
    layout.group(group),
    layout.side(group),
    layout.groupIndex,
    layout.sideIndex,
  ]
  const lifeOf = (life: number | false): number | '' => (life === false ? '' : wholeMs(life))

  return {
    /** Rejects with Redis' TOOLARGE, as groupSet does. */
    put: (
      group: string,
      field: string,
      version: Version,
      { text, life, maxItems }: GroupText & { readonly maxItems: number },
    ): KeptCall<PutAnswer<undefined>> => ({
      script: groupPutScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), field, text, lifeOf(life), maxItems, group],
      answer: putAnswer,
    }),

    /** Done: the text that was there. */
    putTombstone: (group: string, field: string, version: Version): KeptCall<PutAnswer<string | undefined>> => ({
      script: groupPutTombstoneScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), field, group],
      answer: (reply) => {
        const [done, found] = reply as [number, string | null]
        return done === 0 ? { refused: String(found) } : { done: found ?? undefined }
      },
    }),

    putClear: (group: string, version: Version): KeptCall<PutAnswer<undefined>> => ({
      script: groupPutClearScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), group],
      answer: putAnswer,
    }),

    merge: (group: string, field: string, version: Version, { text, life }: GroupText): KeptCall<MergeAnswer> => ({
      script: groupMergeScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), clock.next(), field, text, lifeOf(life), group],
      answer: mergeAnswer,
    }),

    mergeTombstone: (group: string, field: string, version: Version): KeptCall<MergeAnswer> => ({
      script: groupMergeTombstoneScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), clock.next(), field, group],
      answer: mergeAnswer,
    }),

    /** One page; call it with the cursor it answers until that is undefined. Stopped in between, begin again. */
    mergeClear: (group: string, version: Version, cursor: string | undefined): KeptCall<string | undefined> => ({
      script: groupMergeClearScript,
      keys: keysOf(group),
      args: [version, clock.horizon(), clock.next(), group, cursor ?? '0', PAGE],
      answer: pageAnswer,
    }),

    /** Removes what has ended from one side hash; one page. The names of all are in `layout.sideIndex`. */
    sweep: (group: string, cursor: string | undefined, now: number): KeptCall<string | undefined> => ({
      script: sweepSideScript,
      keys: keysOf(group),
      args: [lowestKept(now), cursor ?? '0', PAGE, group],
      answer: pageAnswer,
    }),
  }
}
