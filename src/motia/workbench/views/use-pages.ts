import { useCallback, useEffect, useRef, useState } from 'react'
import type { Answers, Queries } from '../../../sight/contract.js'
import { type ApiFailure, get } from '../api.js'
import type { Polled } from '../use-poll.js'
import { fillPage, type PageShape } from './fill-page.js'

type Paged = 'keys' | 'groups' | 'items'

/** `answer` is of the page that is shown, and grows while `busy`. */
export interface Pages<A> extends Polled<A> {
  readonly busy: boolean
  /** From 1. */
  readonly page: number
  /** Undefined where there is none. */
  readonly next: (() => void) | undefined
  readonly previous: (() => void) | undefined
}

interface Known<A> {
  readonly of: string
  readonly answer?: A
  readonly at?: number
  /** The answer is the page as it was when it was last looked at to its end. */
  readonly whole?: boolean
  readonly failure?: ApiFailure
  readonly busy: boolean
}

const ROWS = 50
/** How long one page may be looked for before the reader is asked whether to go on. */
const PATIENCE_MS = 2_500
/** A page that took more than one request isn't looked at again by itself. */
const EVERY_MS = 5_000

/** Walks through the pages of a query; `shape` must not change. Another question begins at the first page. */
export const usePages = <Q extends Paged>(
  query: Q,
  asked: Omit<Queries[Q], 'cursor' | 'limit'>,
  shape: PageShape<Answers[Q]>,
): Pages<Answers[Q]> => {
  const question = JSON.stringify(asked)
  const [walked, setWalked] = useState<{ question: string; cursors: readonly string[] }>({ question, cursors: [] })
  const cursors = walked.question === question ? walked.cursors : none
  const cursor = cursors.at(-1)
  const of = `${question} ${cursors.length} ${cursor ?? ''}`
  const [known, setKnown] = useState<Known<Answers[Q]>>({ of, busy: true })
  const latest = useRef(asked)
  const wake = useRef<() => void>(() => undefined)

  useEffect(() => {
    latest.current = asked
  })

  // biome-ignore lint/correctness/useExhaustiveDependencies: `of` is the question, as text
  useEffect(() => {
    const gone = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let running = false

    const look = async (): Promise<void> => {
      clearTimeout(timer)
      if (running) return
      running = true
      const until = Date.now() + PATIENCE_MS
      let requests = 0
      const ask = (at: string | undefined) => {
        requests += 1
        const full = { ...latest.current, limit: ROWS, ...(at === undefined ? {} : { cursor: at }) }
        return get(query, full as Queries[Q], gone.signal)
      }
      setKnown((before) => (before.of === of ? { ...before, busy: true } : { of, busy: true }))
      const result = await fillPage(
        ask,
        shape,
        cursor,
        ROWS,
        () => Date.now() < until && !gone.signal.aborted,
        (answer) => {
          if (!gone.signal.aborted) setKnown((before) => growing(before, of, answer))
        },
      )
      running = false
      if (gone.signal.aborted) return
      setKnown((before) =>
        result.ok
          ? { of, answer: result.answer, at: Date.now(), whole: true, busy: false }
          : { ...(before.of === of ? before : { of }), failure: result.failure, busy: false },
      )
      if (requests === 1 || !result.ok) timer = setTimeout(tick, EVERY_MS)
    }
    const tick = (): void => {
      if (document.visibilityState === 'visible') void look()
    }
    wake.current = () => void look()
    document.addEventListener('visibilitychange', tick)
    void look()
    return () => {
      gone.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', tick)
      wake.current = () => undefined
    }
  }, [query, of, cursor])

  const mine = known.of === of ? known : { of, busy: true }
  const onward = mine.busy ? undefined : mine.answer?.cursor
  const again = useCallback(() => wake.current(), [])
  return {
    answer: mine.answer,
    at: mine.at,
    failure: mine.failure,
    busy: mine.busy,
    page: cursors.length + 1,
    next: onward === undefined ? undefined : () => setWalked({ question, cursors: [...cursors, onward] }),
    previous: cursors.length === 0 ? undefined : () => setWalked({ question, cursors: cursors.slice(0, -1) }),
    again,
  }
}

/** While a page is looked at again, what it showed stays until it is complete. */
const growing = <A>(before: Known<A>, of: string, answer: A): Known<A> =>
  before.of === of && before.whole ? before : { of, answer, at: Date.now(), busy: true }

const none: readonly string[] = []
