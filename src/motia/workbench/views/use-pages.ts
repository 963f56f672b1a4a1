import { useCallback, useEffect, useRef, useState } from 'react'
import type { Answers, Queries } from '../../../sight/contract.js'
import { type ApiFailure, get } from '../api.js'
import type { Polled } from '../use-poll.js'
import { fillPage, type PageShape } from './fill-page.js'

type Paged = 'keys' | 'groups' | 'items'

/** `answer` grows while `busy`, until the page is whole. */
export interface Pages<A> extends Polled<A> {
  /** A page is looked for, or looked at again because somebody asked for it. */
  readonly busy: boolean
  /** The answer is of the page before, until there is something of this one. */
  readonly turning: boolean
  /** It is looked at again by itself, every few seconds. */
  readonly watched: boolean
  /** From 1. */
  readonly page: number
  /** Undefined where there is none. */
  readonly next: (() => void) | undefined
  readonly previous: (() => void) | undefined
}

interface Known<A> {
  readonly of: string
  /** Of another page: what is shown while there is no answer yet. */
  readonly last?: A | undefined
  readonly answer?: A
  readonly at?: number
  /** The answer is the page as it was when it was last looked at to its end. */
  readonly whole?: boolean
  readonly watched?: boolean
  readonly failure?: ApiFailure
  readonly busy: boolean
}

const ROWS = 50
/** How long one page may be looked for before the reader is asked whether to go on. */
const PATIENCE_MS = 2_500
/** A page that took more than one request isn't looked at again by itself. */
const EVERY_MS = 5_000

/**
 * Walks through the pages of a query; `shape` must not change. Another question begins at the first page. While it isn't
 * `shown`, the page isn't looked at again.
 */
export const usePages = <Q extends Paged>(
  query: Q,
  asked: Omit<Queries[Q], 'cursor' | 'limit'>,
  shape: PageShape<Answers[Q]>,
  shown = true,
): Pages<Answers[Q]> => {
  const question = JSON.stringify(asked)
  const [walked, setWalked] = useState<{ question: string; cursors: readonly string[] }>({ question, cursors: [] })
  const cursors = walked.question === question ? walked.cursors : none
  const cursor = cursors.at(-1)
  const of = `${question} ${cursors.length} ${cursor ?? ''}`
  const [known, setKnown] = useState<Known<Answers[Q]>>({ of, busy: true })
  const latest = useRef(asked)
  const wake = useRef<() => void>(() => undefined)
  const seen = useRef<() => void>(() => undefined)
  const isShown = useRef(shown)

  useEffect(() => {
    latest.current = asked
  })

  // biome-ignore lint/correctness/useExhaustiveDependencies: `of` is the question, as text
  useEffect(() => {
    const gone = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let running = false
    let due = false

    const look = async (wanted: boolean): Promise<void> => {
      clearTimeout(timer)
      if (running) {
        due ||= wanted
        return
      }
      running = true
      due = false
      const until = Date.now() + PATIENCE_MS
      let requests = 0
      const ask = (at: string | undefined) => {
        requests += 1
        const full = { ...latest.current, limit: ROWS, ...(at === undefined ? {} : { cursor: at }) }
        return get(query, full as Queries[Q], gone.signal)
      }
      setKnown((before) => (before.of === of ? { ...before, busy: wanted || !before.whole } : turned(before, of)))
      const result = await fillPage(
        ask,
        shape,
        cursor,
        ROWS,
        () => Date.now() < until && !due && !gone.signal.aborted,
        (answer) => {
          if (!due && !gone.signal.aborted) setKnown((before) => growing(before, of, answer))
        },
      )
      running = false
      if (gone.signal.aborted) return
      // What was asked for since may be of a change that this look doesn't know of.
      if (due) return look(true)
      const watched = requests === 1 || !result.ok
      setKnown((before) =>
        result.ok
          ? { of, answer: result.answer, at: Date.now(), whole: true, watched, busy: false }
          : { ...(before.of === of ? before : { of }), failure: result.failure, watched, busy: false },
      )
      if (watched) timer = setTimeout(tick, EVERY_MS)
    }
    const tick = (): void => {
      if (document.visibilityState === 'visible' && isShown.current) void look(false)
    }
    seen.current = tick
    wake.current = () => void look(true)
    document.addEventListener('visibilitychange', tick)
    void look(false)
    return () => {
      gone.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', tick)
      wake.current = () => undefined
      seen.current = () => undefined
    }
  }, [query, of, cursor])

  useEffect(() => {
    if (isShown.current === shown) return
    isShown.current = shown
    seen.current()
  }, [shown])

  const mine = known.of === of ? known : turned(known, of)
  const onward = mine.whole ? mine.answer?.cursor : undefined
  const last = mine.failure === undefined ? mine.last : undefined
  const again = useCallback(() => wake.current(), [])
  return {
    answer: mine.answer ?? last,
    at: mine.at,
    failure: mine.failure,
    busy: mine.busy,
    turning: mine.answer === undefined && last !== undefined,
    watched: mine.watched === true,
    page: cursors.length + 1,
    next: onward === undefined ? undefined : () => setWalked({ question, cursors: [...cursors, onward] }),
    previous: cursors.length === 0 ? undefined : () => setWalked({ question, cursors: cursors.slice(0, -1) }),
    again,
  }
}

const turned = <A>({ answer, last }: Known<A>, of: string): Known<A> => ({ of, last: answer ?? last, busy: true })

/** While a page is looked at again, what it showed stays until it is complete. */
const growing = <A>(before: Known<A>, of: string, answer: A): Known<A> =>
  before.of === of && before.whole ? before : { of, answer, at: Date.now(), busy: true }

const none: readonly string[] = []
